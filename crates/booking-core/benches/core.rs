//! What the rules cost: one `NAME<tab>VALUE` a line, read by `cargo xtask bench`, which knows the
//! units, repeats it and compares with the targets.
//!
//! Houses are sections of 20 rows × 30 seats with an aisle in the middle of each row. The first half
//! of the seats is sold two at a time, the rest one by one, uniformly over the house, so that what is
//! left is as scattered as it gets.

// Measurements are floats; the core has none.
#![allow(clippy::disallowed_types)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use booking_core::best::{Accessible, Search, best_available};
use booking_core::price::{OrderItem, Place, PriceList, PriceType, Rounding, Tax, TaxMode};
use booking_core::seatmap::{Point, PriceBand, RowSpec, SeatMapSpec, SeatSpec, SectionSpec};
use booking_core::terms::BookingRules;
use booking_core::{
    Command, Event, FanId, HoldId, Inventory, OrderId, PriceTypeIx, PublicView, SaleTerms, SeatIx,
    SeatMap, SeatRequest, SeatStatus, apply, decide,
};

const ROWS: i32 = 20;
const SEATS: i32 = 30;
const PITCH: i32 = 2_500;
/// Sections side by side before the next tier begins.
const ABREAST: i32 = 12;
const NOW_MS: i64 = 1_800_000_000_000;
const DECISIONS: usize = 20_000;
const SEARCHES: usize = 2_000;
/// Timed together: long enough for the clock, short enough that another program's turn on the
/// processor spoils few of them, which the median leaves out.
const BATCH: usize = 50;

fn main() {
    // `cargo bench NAME` and `cargo test --benches` hand over words; the first that is none of
    // cargo's own is what a name must begin with.
    let only = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.starts_with(only));

    for (suffix, seats) in [("_1k", 1_000), ("", 50_000), ("_1m", 1_000_000)] {
        let decide_name = format!("core_decide_hold{suffix}");
        let best_name = format!("core_best_available{suffix}");
        if !wanted(&decide_name) && !wanted(&best_name) && !wanted("core_bytes_per_seat") {
            continue;
        }
        let mut house = House::new(seats);
        if suffix.is_empty() && wanted("core_bytes_per_seat") {
            say("core_bytes_per_seat", house.bytes_per_seat());
        }
        house.sell_until(50);
        if suffix.is_empty() {
            say("core_bytes_per_seat_half_sold", house.bytes_per_seat());
            house.say_sizes();
        }
        if wanted(&decide_name) {
            say(&decide_name, house.decide_hold_ns());
        }
        if wanted(&best_name) {
            say(&best_name, house.best_available_us());
        }
        if suffix.is_empty() && wanted("core_best_available_90") {
            house.sell_until(90);
            say("core_best_available_90", house.best_available_us());
        }
    }
}

fn say(name: &str, value: f64) {
    println!("{name}\t{value}");
}

/// The median time of a batch.
fn median_ns<T>(batches: impl Iterator<Item = T>, mut run: impl FnMut(T)) -> f64 {
    let mut times: Vec<u128> = batches
        .map(|batch| {
            let started = Instant::now();
            run(batch);
            started.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2] as f64
}

/// xorshift64*: the same seats on every machine and in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((high * u64::from(bound)) >> 32) as u32
    }
}

struct House {
    inventory: Inventory,
    dice: Dice,
    names: u128,
}

impl House {
    fn new(seats: u32) -> Self {
        let map = SeatMap::build(spec(seats)).expect("the house is well formed");
        let terms = SaleTerms {
            rules: BookingRules::default(),
            prices: prices(),
        };
        let inventory = Inventory::new(Arc::new(map), Arc::new(terms));
        Self {
            inventory,
            dice: Dice(0x9E37_79B9_7F4A_7C15),
            names: 0,
        }
    }

    fn seat_count(&self) -> u32 {
        self.inventory.map().seat_count()
    }

    fn bytes_per_seat(&self) -> f64 {
        self.inventory.heap_bytes() as f64 / f64::from(self.seat_count())
    }

    fn name(&mut self) -> u128 {
        self.names += 1;
        self.names
    }

    /// Two free seats next to each other, anywhere.
    fn free_pair(&mut self) -> [SeatIx; 2] {
        loop {
            let seat = SeatIx(self.dice.below(self.inventory.map().seat_count()));
            let open = self.inventory.open_seats();
            if let Some(next) = self.inventory.map().next(seat)
                && open.contains(seat)
                && open.contains(next)
            {
                return [seat, next];
            }
        }
    }

    /// Sells pairs until half of the house is gone, then single seats until this share is: pairs
    /// alone would come to an end at 86 % with nothing but lone seats left.
    fn sell_until(&mut self, percent: u32) {
        let keep = (u64::from(self.seat_count()) * u64::from(100 - percent) / 100) as u32;
        let half = self.seat_count() / 2;
        loop {
            let open = self.inventory.counts().open;
            if open <= keep {
                return;
            }
            let places = if open > half {
                self.free_pair().map(Place::Seat).to_vec()
            } else {
                vec![Place::Seat(self.free_seat())]
            };
            self.sell(places);
        }
    }

    fn free_seat(&mut self) -> SeatIx {
        loop {
            let seat = SeatIx(self.dice.below(self.inventory.map().seat_count()));
            if self.inventory.open_seats().contains(seat) {
                return seat;
            }
        }
    }

    fn sell(&mut self, places: Vec<Place>) {
        let fan = FanId::from_u128(self.name());
        let (hold, order) = (
            HoldId::from_u128(self.name()),
            OrderId::from_u128(self.name()),
        );
        let items = places
            .iter()
            .map(|place| OrderItem {
                place: *place,
                price_type: PriceTypeIx(0),
            })
            .collect();
        let placed = Event::HoldPlaced {
            hold,
            fan,
            places,
            allocation: None,
            placed_ms: NOW_MS,
            expires_ms: NOW_MS + 600_000,
            max_expires_ms: NOW_MS + 1_200_000,
        };
        apply(&mut self.inventory, &placed);
        let sold = Event::OrderConfirmed {
            order,
            hold,
            fan,
            items,
            voucher: None,
            lines: Vec::new(),
            total_minor: 0,
            quoted_ms: None,
        };
        apply(&mut self.inventory, &sold);
    }

    /// Nanoseconds to decide a hold of two free neighbours. Each is decided, none applied, so that
    /// every decision meets the same house.
    fn decide_hold_ns(&mut self) -> f64 {
        let commands: Vec<_> = (0..DECISIONS)
            .map(|_| Command::PlaceHold {
                hold: HoldId::from_u128(self.name()),
                fan: FanId::from_u128(self.name()),
                request: SeatRequest::These(self.free_pair().map(Place::Seat).to_vec()),
                needs_accessible: false,
                allocation: None,
            })
            .collect();
        for command in &commands[..DECISIONS / 10] {
            let _ = black_box(decide(&self.inventory, command, NOW_MS));
        }
        let mut accepted = 0;
        let time = median_ns(commands.chunks(BATCH), |commands| {
            for command in commands {
                let decision = black_box(decide(&self.inventory, command, NOW_MS));
                accepted += usize::from(decision.is_ok());
            }
        });
        assert_eq!(accepted, DECISIONS, "a free pair was refused");
        time / BATCH as f64
    }

    /// Microseconds to find four together.
    fn best_available_us(&self) -> f64 {
        let map = self.inventory.map();
        let search = Search {
            quantity: 4,
            bands: &[],
            together: true,
            accessible: Accessible::Never,
        };
        let time = median_ns(0..SEARCHES / BATCH, |_| {
            for _ in 0..BATCH {
                let open = black_box(self.inventory.open_seats());
                assert!(
                    black_box(best_available(map, open, search)).is_some(),
                    "no four together"
                );
            }
        });
        time / BATCH as f64 / 1_000.0
    }

    /// What travels: the map, everybody's state, and a hundred changes.
    fn say_sizes(&mut self) {
        let before = PublicView::of(&self.inventory, 1);
        say("size_map", self.inventory.map().encode().len() as f64);
        say("size_snapshot", before.encode().len() as f64);
        let mut after = PublicView::of(&self.inventory, 2);
        for _ in 0..50 {
            for seat in self.free_pair() {
                after.set(seat, SeatStatus::Held);
            }
        }
        let delta = serde_json::to_string(&before.diff(&after)).expect("a delta is plain data");
        say("size_delta_100", delta.len() as f64);
    }
}

fn spec(seats: u32) -> SeatMapSpec {
    let per_section = (ROWS * SEATS) as u32;
    let sections = (0..seats.div_ceil(per_section)).map(|index| {
        let left = seats - index * per_section;
        section(index as i32, left.min(per_section) as i32)
    });
    SeatMapSpec {
        name: "House".into(),
        bands: ["A", "B", "C", "D"]
            .map(|name| PriceBand { name: name.into() })
            .to_vec(),
        sections: sections.collect(),
        focal_point: Some(Point {
            x: ABREAST * SEATS * PITCH / 2,
            y: -10 * PITCH,
        }),
        ..SeatMapSpec::default()
    }
}

fn section(index: i32, seats: i32) -> SectionSpec {
    let (column, tier) = (index % ABREAST, index / ABREAST);
    let seat = |row: i32, n: i32| SeatSpec {
        label: (n + 1).to_string(),
        band: (tier % 4) as u8,
        at: Point {
            x: (column * (SEATS + 2) + n) * PITCH,
            y: (tier * (ROWS + 3) + row) * PITCH,
        },
        gap_after: n == SEATS / 2 - 1,
        ..SeatSpec::default()
    };
    let row = |row: i32| RowSpec {
        name: (row + 1).to_string(),
        seats: (0..SEATS.min(seats - row * SEATS))
            .map(|n| seat(row, n))
            .collect(),
    };
    SectionSpec {
        name: format!("Block {}", index + 1),
        rows: (0..(seats + SEATS - 1) / SEATS).map(row).collect(),
        ..SectionSpec::default()
    }
}

fn prices() -> PriceList {
    PriceList {
        currency: "EUR".into(),
        minor_digits: 2,
        types: vec![PriceType {
            name: "Full".into(),
            note: String::new(),
        }],
        amounts: [9_900, 7_900, 5_900, 3_900]
            .map(|amount| vec![Some(amount)])
            .to_vec(),
        fees: Vec::new(),
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 190_000,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: Vec::new(),
    }
}
