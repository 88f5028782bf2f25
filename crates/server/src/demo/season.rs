//! What is on: nine performances in two houses, dated from today, each sold a little differently so
//! that every rule can be met.

use super::poster::{Motif, Palette, poster};
use super::venue::{self, RecipeError};
use booking_core::price::{
    Fee, FeeAmount, FeePer, PriceList, PriceType, Rounding, Tax, TaxMode, Voucher, VoucherEffect,
};
use booking_core::terms::{AccessibleRule, BookingRules, GapRule};
use booking_core::{SaleTerms, SeatMap};
use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;

/// The zone both houses are in.
pub const TIME_ZONE: &str = "Europe/Berlin";

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A house of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum House {
    /// The theatre.
    Theatre,
    /// The stadium around its pitch.
    Stadium,
    /// The stadium with a stage.
    StadiumConcert,
}

impl House {
    /// Name and city as fans read them.
    #[must_use]
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Theatre => ("Lantern Theatre", "Port Albin"),
            Self::Stadium | Self::StadiumConcert => ("Harbour Stadium", "Port Albin"),
        }
    }

    fn recipe(self) -> &'static str {
        match self {
            Self::Theatre => venue::THEATRE,
            Self::Stadium => venue::STADIUM,
            Self::StadiumConcert => venue::STADIUM_CONCERT,
        }
    }
}

/// One performance of the season.
#[derive(Clone, Debug)]
pub struct Show {
    /// Title.
    pub title: &'static str,
    /// Line under it.
    pub subtitle: &'static str,
    /// A few sentences.
    pub description: &'static str,
    /// One word.
    pub genre: &'static str,
    /// Where.
    pub house: House,
    /// Its seat map.
    pub map: Arc<SeatMap>,
    /// When it begins, ms since the epoch.
    pub starts_at_ms: i64,
    /// When the doors open.
    pub doors_at_ms: i64,
    /// How it is sold.
    pub terms: SaleTerms,
    /// Its picture.
    pub poster_svg: String,
    /// Whether simulated fans buy it while you look.
    pub simulated_fans: bool,
}

struct Billing {
    title: &'static str,
    subtitle: &'static str,
    description: &'static str,
    genre: &'static str,
    house: House,
    in_days: i32,
    at: (i8, i8),
    motif: Motif,
    palette: Palette,
    /// Full price by band, in euro cents.
    prices: &'static [i64],
    gap: GapRule,
    on_sale_in_ms: i64,
    simulated_fans: bool,
}

const fn palette(
    ground: &'static str,
    one: &'static str,
    two: &'static str,
    accent: &'static str,
    ink: &'static str,
) -> Palette {
    Palette {
        ground,
        one,
        two,
        accent,
        ink,
    }
}

const THEATRE_PRICES: &[i64] = &[8900, 6900, 4900, 3400, 2400];
const STADIUM_PRICES: &[i64] = &[14_500, 9500, 6500, 4500, 2900];
const CONCERT_PRICES: &[i64] = &[16_900, 12_900, 9900, 7400, 5400, 13_900, 8900];

const SEASON: &[Billing] = &[
    Billing {
        title: "Night Trains",
        subtitle: "Ida Marlow and her band",
        description: "Songs for the last departure: strings, brushes and a voice that knows every station. Ninety minutes without an interval, then the bar stays open.",
        genre: "Concert",
        house: House::Theatre,
        in_days: 5,
        at: (20, 0),
        motif: Motif::Rails,
        palette: palette("#14213D", "#22335C", "#5C7AA8", "#FFB81C", "#F8F4E8"),
        prices: THEATRE_PRICES,
        gap: GapRule::Warn,
        on_sale_in_ms: -HOUR_MS,
        simulated_fans: true,
    },
    Billing {
        title: "Harbour City v Northgate",
        subtitle: "Cup, semi-final",
        description: "Ninety minutes for a place in the final. Gates open two hours before kick-off; the lower tier stands close enough to hear the studs.",
        genre: "Football",
        house: House::Stadium,
        in_days: 19,
        at: (18, 30),
        motif: Motif::Pitch,
        palette: palette("#0F5132", "#1A7A48", "#238C55", "#FFB81C", "#F8F4E8"),
        prices: STADIUM_PRICES,
        gap: GapRule::Off,
        on_sale_in_ms: -HOUR_MS,
        simulated_fans: false,
    },
    Billing {
        title: "The Glass Orchard",
        subtitle: "A new play by Tomas Reyes",
        description: "Three sisters inherit a greenhouse and everything that grows in it. Two hours and a quarter with an interval.",
        genre: "Theatre",
        house: House::Theatre,
        in_days: 9,
        at: (19, 30),
        motif: Motif::Orchard,
        palette: palette("#F3E9D2", "#3A7D5C", "#7A5C3E", "#D1495B", "#2B2118"),
        prices: THEATRE_PRICES,
        gap: GapRule::ForbidUnlessUnavoidable,
        on_sale_in_ms: -2 * DAY_MS,
        simulated_fans: false,
    },
    Billing {
        title: "Bach: Six Suites",
        subtitle: "Noor Haddad, violoncello",
        description: "All six suites for unaccompanied violoncello in one long evening with two intervals.",
        genre: "Recital",
        house: House::Theatre,
        in_days: 12,
        at: (18, 0),
        motif: Motif::Strings,
        palette: palette("#E9DCC9", "#8C3B1B", "#3E1F12", "#F2C57C", "#2B1A12"),
        prices: THEATRE_PRICES,
        gap: GapRule::Warn,
        on_sale_in_ms: -3 * DAY_MS,
        simulated_fans: false,
    },
    Billing {
        title: "Late Shift",
        subtitle: "Stand-up after ten",
        description: "Five comedians, one microphone, no plan. Not for children and not for the front row's shy.",
        genre: "Comedy",
        house: House::Theatre,
        in_days: 2,
        at: (22, 0),
        motif: Motif::Microphone,
        palette: palette("#2B1B3D", "#43295F", "#B8A1D9", "#FF7F6B", "#F8F4E8"),
        prices: &[3900, 3400, 2900, 2400, 1900],
        gap: GapRule::Warn,
        on_sale_in_ms: -7 * DAY_MS,
        simulated_fans: false,
    },
    Billing {
        title: "The Seagull",
        subtitle: "Anton Chekhov",
        description: "A lake, a summer, a play within a play. In a new translation, with live piano.",
        genre: "Theatre",
        house: House::Theatre,
        in_days: 16,
        at: (19, 30),
        motif: Motif::Gulls,
        palette: palette("#DCE6E8", "#3F6C7A", "#274754", "#F4A259", "#F8F4E8"),
        prices: THEATRE_PRICES,
        gap: GapRule::ForbidUnlessUnavoidable,
        on_sale_in_ms: -DAY_MS,
        simulated_fans: false,
    },
    Billing {
        title: "The Lanterns",
        subtitle: "Long Way Home Tour",
        description: "The whole pitch, one long stage and three albums of songs that need forty thousand voices. Standing in front and on the pitch, seats all round.",
        genre: "Concert",
        house: House::StadiumConcert,
        in_days: 44,
        at: (19, 0),
        motif: Motif::Lanterns,
        palette: palette("#3D0C11", "#D7263D", "#8C1C2A", "#FFC857", "#FFF4DE"),
        prices: CONCERT_PRICES,
        gap: GapRule::Warn,
        on_sale_in_ms: -30 * MINUTE_MS,
        simulated_fans: false,
    },
    Billing {
        title: "A Midsummer Night's Dream",
        subtitle: "William Shakespeare",
        description: "Four lovers, six craftsmen and a wood that answers back. For everyone over eight.",
        genre: "Theatre",
        house: House::Theatre,
        in_days: 30,
        at: (15, 0),
        motif: Motif::Forest,
        palette: palette("#1B2A41", "#2E7D6B", "#1F5A56", "#F6D55C", "#F4F1E8"),
        prices: THEATRE_PRICES,
        gap: GapRule::Warn,
        on_sale_in_ms: -5 * DAY_MS,
        simulated_fans: false,
    },
    Billing {
        title: "Tide Songs",
        subtitle: "Choir of the Northern Ports",
        description: "Sea shanties and evensong, sung in the round by a hundred and twenty voices. On sale in three days.",
        genre: "Choir",
        house: House::Theatre,
        in_days: 37,
        at: (19, 30),
        motif: Motif::Tide,
        palette: palette("#F1E3C6", "#1D6A96", "#123F5C", "#E4572E", "#F8F4E8"),
        prices: THEATRE_PRICES,
        gap: GapRule::Warn,
        on_sale_in_ms: 3 * DAY_MS,
        simulated_fans: false,
    },
];

/// Builds the season as of `now_ms`. `hold_ttl_ms` replaces the demo's ten minutes where given.
pub fn season(now_ms: i64, hold_ttl_ms: Option<i64>) -> Result<Vec<Show>, RecipeError> {
    let mut houses: Vec<(House, Arc<SeatMap>)> = Vec::new();
    let mut shows = Vec::with_capacity(SEASON.len());
    for billing in SEASON {
        let known = houses.iter().find(|(house, _)| *house == billing.house);
        let map = if let Some((_, map)) = known {
            Arc::clone(map)
        } else {
            let map = Arc::new(venue::grow(billing.house.recipe())?);
            houses.push((billing.house, Arc::clone(&map)));
            map
        };
        shows.push(show(billing, map, now_ms, hold_ttl_ms));
    }
    Ok(shows)
}

fn show(billing: &Billing, map: Arc<SeatMap>, now_ms: i64, hold_ttl_ms: Option<i64>) -> Show {
    let starts_at_ms = starts_at(now_ms, billing.in_days, billing.at);
    Show {
        title: billing.title,
        subtitle: billing.subtitle,
        description: billing.description,
        genre: billing.genre,
        house: billing.house,
        starts_at_ms,
        doors_at_ms: starts_at_ms - HOUR_MS,
        terms: terms(billing, starts_at_ms, now_ms, hold_ttl_ms),
        poster_svg: poster(
            billing.title,
            billing.subtitle,
            billing.motif,
            billing.palette,
        ),
        simulated_fans: billing.simulated_fans,
        map,
    }
}

fn terms(billing: &Billing, starts_at_ms: i64, now_ms: i64, hold_ttl_ms: Option<i64>) -> SaleTerms {
    let hold_ttl_ms = hold_ttl_ms.unwrap_or(10 * MINUTE_MS);
    SaleTerms {
        rules: BookingRules {
            on_sale_from_ms: now_ms + billing.on_sale_in_ms,
            on_sale_until_ms: starts_at_ms,
            hold_ttl_ms,
            hold_extension_ms: hold_ttl_ms / 2,
            hold_max_ms: hold_ttl_ms * 2,
            single_seat_gap: billing.gap,
            accessible_seats: AccessibleRule::OnlyOnNeedUntil {
                until_ms: starts_at_ms - 2 * DAY_MS,
            },
            ..BookingRules::default()
        },
        prices: prices(billing, starts_at_ms),
    }
}

fn prices(billing: &Billing, starts_at_ms: i64) -> PriceList {
    let price_type = |name: &str, note: &str| PriceType {
        name: name.to_owned(),
        note: note.to_owned(),
    };
    // The dearest band is sold at full price only.
    let band = |(i, &full): (usize, &i64)| {
        let share = |percent: i64| (i > 0).then_some(full * percent / 100);
        vec![Some(full), share(75), share(50)]
    };
    PriceList {
        currency: "EUR".to_owned(),
        minor_digits: 2,
        types: vec![
            price_type("Full", ""),
            price_type("Concession", "students, seniors, with card"),
            price_type("Child", "under 15"),
        ],
        amounts: billing.prices.iter().enumerate().map(band).collect(),
        fees: vec![
            Fee {
                name: "Booking fee".to_owned(),
                per: FeePer::Ticket,
                amount: FeeAmount::Percent {
                    ppm: 40_000,
                    cap: Some(350),
                },
            },
            Fee {
                name: "Order fee".to_owned(),
                per: FeePer::Order,
                amount: FeeAmount::Fixed(150),
            },
        ],
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 70_000,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: vec![
            Voucher {
                code: "WELCOME10".to_owned(),
                effect: VoucherEffect::Percent(100_000),
                bands: Vec::new(),
                max_tickets_per_order: 0,
                max_orders: 0,
                from_ms: 0,
                until_ms: starts_at_ms,
            },
            Voucher {
                code: "FIRSTROW".to_owned(),
                effect: VoucherEffect::Fixed(1000),
                bands: Vec::new(),
                max_tickets_per_order: 2,
                max_orders: 100,
                from_ms: 0,
                until_ms: starts_at_ms,
            },
        ],
    }
}

/// `days` from today at `hour:minute` on the wall of the venue.
fn starts_at(now_ms: i64, days: i32, (hour, minute): (i8, i8)) -> i64 {
    let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(now_ms)
        .map(|now| now.to_zoned(zone.clone()).date())
        .and_then(|today| today.checked_add(days.days()))
        .and_then(|day| day.to_datetime(time(hour, minute, 0, 0)).to_zoned(zone))
        .map_or(now_ms + i64::from(days) * DAY_MS, |at| {
            at.timestamp().as_millisecond()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_790_000_000_000;

    #[test]
    fn every_performance_has_a_price_for_every_band_of_its_house() {
        for show in season(NOW_MS, None).unwrap() {
            assert_eq!(
                show.terms.prices.amounts.len(),
                show.map.bands().len(),
                "{}",
                show.title
            );
        }
    }

    #[test]
    fn performances_begin_at_their_hour_on_the_venues_wall_also_after_the_clocks_change() {
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        for (show, billing) in season(NOW_MS, None).unwrap().iter().zip(SEASON) {
            let local = Timestamp::from_millisecond(show.starts_at_ms)
                .unwrap()
                .to_zoned(zone.clone());
            assert_eq!((local.hour(), local.minute()), billing.at, "{}", show.title);
        }
    }

    #[test]
    fn houses_are_as_big_as_they_say() {
        let seats = |recipe| venue::grow(recipe).unwrap().seat_count();
        assert!((1_150..=1_250).contains(&seats(venue::THEATRE)));
        assert!((49_000..=52_000).contains(&seats(venue::STADIUM)));
        let concert = venue::grow(venue::STADIUM_CONCERT).unwrap();
        assert_eq!(
            concert
                .areas()
                .iter()
                .map(|area| area.capacity)
                .sum::<u32>(),
            12_000
        );
    }
}
