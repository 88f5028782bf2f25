//! A box office that writes a ledger: commands in, rows out.

use booking_core::ledger::{Batch, Entry, GENESIS, Hash, Sealed};
use booking_core::price::*;
use booking_core::seatmap::PriceBand;
use booking_core::terms::{BookingRules, GapRule, SaleTerms};
use booking_core::test_support::{built, house_spec, standing};
use booking_core::*;
use std::sync::Arc;

pub(crate) const PERFORMANCE: PerformanceId = PerformanceId::from_u128(0x0e5a1e);
pub(crate) const OPENING_MS: i64 = 1_800_000_000_000;

pub(crate) struct Office {
    pub(crate) inventory: Inventory,
    pub(crate) rows: Vec<Sealed>,
    pub(crate) now_ms: i64,
    hash: Hash,
    commands: u128,
}

/// Two sections of five rows of ten seats, every second row in band 1, and standing room for 30.
/// Two price types, three fees, 19 % tax within the prices, and a voucher that 5 orders may use.
pub(crate) fn house_and_terms() -> (Arc<SeatMap>, Arc<SaleTerms>) {
    let mut spec = house_spec(2, 5, 10);
    spec.bands.push(PriceBand {
        name: "Band B".into(),
    });
    for section in &mut spec.sections {
        for row in section.rows.iter_mut().skip(1).step_by(2) {
            row.seats.iter_mut().for_each(|seat| seat.band = 1);
        }
    }
    spec.areas.push(standing("Standing", 30));
    let named = |name: &str| PriceType {
        name: name.into(),
        note: String::new(),
    };
    let fee = |name: &str, per, amount| Fee {
        name: name.into(),
        per,
        amount,
    };
    let prices = PriceList {
        currency: "EUR".into(),
        minor_digits: 2,
        types: vec![named("Full"), named("Concession")],
        amounts: vec![
            vec![Some(80_00), Some(55_50)],
            vec![Some(45_00), Some(31_25)],
        ],
        fees: vec![
            fee(
                "Booking",
                FeePer::Ticket,
                FeeAmount::Percent {
                    ppm: 45_000,
                    cap: Some(3_00),
                },
            ),
            fee("Venue", FeePer::Ticket, FeeAmount::Fixed(1_50)),
            fee("Order", FeePer::Order, FeeAmount::Fixed(2_90)),
        ],
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 190_000,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: vec![Voucher {
            code: "FRIENDS".into(),
            effect: VoucherEffect::Percent(200_000),
            bands: vec![],
            max_tickets_per_order: 2,
            max_orders: 5,
            from_ms: OPENING_MS,
            until_ms: i64::MAX,
        }],
    };
    let rules = BookingRules {
        single_seat_gap: GapRule::Off,
        max_holds_per_fan: 20,
        max_places_per_fan: 200,
        ..BookingRules::default()
    };
    (built(spec), Arc::new(SaleTerms { rules, prices }))
}

impl Office {
    pub(crate) fn open() -> Self {
        let (map, terms) = house_and_terms();
        Self {
            inventory: Inventory::new(map, terms),
            rows: Vec::new(),
            now_ms: OPENING_MS,
            hash: GENESIS,
            commands: 0,
        }
    }

    /// Decides the commands as one batch and appends it. Refused ones leave no trace.
    pub(crate) fn batch(&mut self, commands: &[Command]) -> Vec<Result<(), Rejection>> {
        let mut entries = Vec::new();
        let mut answers = Vec::new();
        for command in commands {
            self.commands += 1;
            let decided = decide(&self.inventory, command, self.now_ms);
            answers.push(decided.map(|decision| {
                decision
                    .events
                    .iter()
                    .for_each(|event| apply(&mut self.inventory, event));
                let command = CommandId::from_u128(self.commands);
                entries.push(Entry {
                    command,
                    events: decision.events,
                });
            }));
        }
        if !entries.is_empty() {
            let sealed = Batch {
                performance: PERFORMANCE,
                seq: self.rows.len() as u64 + 1,
                at_ms: self.now_ms,
                prev_hash: self.hash,
                entries,
            }
            .seal();
            self.hash = sealed.hash;
            self.rows.push(sealed);
        }
        answers
    }

    /// One command that must be accepted.
    pub(crate) fn accept(&mut self, command: &Command) {
        let answer = self.batch(std::slice::from_ref(command)).remove(0);
        answer.unwrap_or_else(|rejection| panic!("{command:?}: {rejection}"));
    }

    /// The command that buys what a hold claims, at full price.
    pub(crate) fn purchase(&self, order: u128, hold: HoldId, voucher: Option<&str>) -> Command {
        let held = self.inventory.hold(hold).unwrap();
        let price_type = PriceTypeIx((order % 2) as u8);
        let items: Vec<OrderItem> = held
            .places
            .iter()
            .map(|place| OrderItem {
                place: *place,
                price_type,
            })
            .collect();
        let used = voucher.map(|code| VoucherUse {
            code,
            orders_so_far: self.inventory.voucher_uses(code),
        });
        let (map, prices) = (self.inventory.map(), &self.inventory.terms().prices);
        let quote = quote(prices, map, &items, used, self.now_ms).unwrap();
        Command::ConfirmOrder {
            order: OrderId::from_u128(order),
            hold,
            fan: held.fan,
            items,
            voucher: voucher.map(String::from),
            quoted_ms: self.now_ms,
            total_minor: quote.total_minor,
        }
    }

    /// An evening with everything in it: some hundred commands, the same each time.
    pub(crate) fn busy_evening() -> Self {
        let mut office = Self::open();
        let mut dice = Dice(7);
        for round in 0..160_u128 {
            let commands: Vec<Command> = (0..1 + dice.roll(4))
                .map(|i| office.wish(&mut dice, round * 8 + i))
                .collect();
            office.batch(&commands);
            office.now_ms += dice.roll(30_000) as i64;
        }
        office
    }

    fn open_in_band_of(&self, seat: SeatIx) -> Vec<SeatIx> {
        let map = self.inventory.map();
        let mut open = self.inventory.open_seats().iter();
        open.find(|other| map.band(*other) == map.band(seat))
            .into_iter()
            .collect()
    }

    fn wish(&self, dice: &mut Dice, name: u128) -> Command {
        let hold = HoldId::from_u128(name);
        // The latest hold or order from some way back on, if there is one.
        let before = name.saturating_sub(1 + dice.roll(60));
        let names = || (0..=before).rev().take(400);
        let old_hold = names()
            .map(HoldId::from_u128)
            .find(|id| self.inventory.hold(*id).is_some());
        let old_hold = old_hold.unwrap_or(HoldId::from_u128(0));
        let has_tickets = |id: &OrderId| {
            self.inventory
                .order(*id)
                .is_some_and(|order| !order.tickets.is_empty())
        };
        let old_order = names().map(OrderId::from_u128).find(has_tickets);
        let old_order = old_order.unwrap_or(OrderId::from_u128(0));
        let fan = |hold: HoldId| FanId::from_u128(hold.uuid().as_u128() % 13);
        let seat = SeatIx(dice.roll(100) as u32);
        let seats = vec![seat, SeatIx((seat.0 + 1) % 100)];
        let allocation = AllocationId::from_u128(1 + dice.roll(2));
        let needs_accessible = false;
        let place = |request, allocation| Command::PlaceHold {
            hold,
            fan: fan(hold),
            request,
            needs_accessible,
            allocation,
        };
        let own = || match self.inventory.order(old_order) {
            Some(order) => order.tickets.iter().map(|(_, item)| item.place).collect(),
            None => Vec::new(),
        };
        match dice.roll(18) {
            0..4 => place(
                SeatRequest::BestAvailable {
                    quantity: 1 + dice.roll(3) as u16,
                    bands: vec![],
                    together: dice.roll(2) == 0,
                },
                None,
            ),
            4 => place(
                SeatRequest::These(seats.into_iter().map(Place::Seat).collect()),
                None,
            ),
            5 => {
                let quantity = 1 + dice.roll(3) as u16;
                place(
                    SeatRequest::GeneralAdmission {
                        area: AreaIx(0),
                        quantity,
                    },
                    None,
                )
            }
            6 => place(
                SeatRequest::These(vec![Place::Seat(seat)]),
                Some(allocation),
            ),
            7 => Command::ChangeHold {
                hold: old_hold,
                fan: fan(old_hold),
                add: vec![Place::Seat(seat)],
                remove: vec![],
                needs_accessible,
            },
            8 => Command::ExtendHold {
                hold: old_hold,
                fan: fan(old_hold),
            },
            9 => Command::ReleaseHold {
                hold: old_hold,
                fan: fan(old_hold),
            },
            10 => Command::ExpireHolds { limit: 3 },
            11 => Command::KillSeats { seats: vec![seat] },
            12 => Command::AllocateSeats {
                allocation,
                seats: vec![seat],
            },
            13 => Command::CancelTickets {
                order: old_order,
                places: own().into_iter().take(1).collect(),
            },
            14 => match own().first() {
                Some(Place::Seat(give)) => Command::ExchangeSeats {
                    order: old_order,
                    give: vec![*give],
                    take: self.open_in_band_of(*give),
                    needs_accessible,
                },
                _ => Command::ReviveSeats { seats: vec![seat] },
            },
            _ => match self.inventory.hold(old_hold) {
                Some(_) => {
                    let voucher = (dice.roll(3) == 0 && self.inventory.voucher_uses("FRIENDS") < 5)
                        .then_some("FRIENDS");
                    self.purchase(name, old_hold, voucher)
                }
                None => Command::ReleaseAllocation {
                    allocation,
                    seats: vec![],
                },
            },
        }
    }
}

/// A linear congruential generator: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u128 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u128::from((self.0 >> 33) % sides)
    }
}
