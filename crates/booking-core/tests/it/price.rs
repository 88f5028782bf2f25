//! Prices: every rule of a quote, and what holds for all quotes.

use crate::houses::small;
use booking_core::price::*;
use booking_core::{AreaIx, BandIx, PriceTypeIx, SeatIx, SeatMap, quote};
use std::sync::LazyLock;

mod properties;

/// Seats 0–3 are in band 0, seats 4–8 and the area in band 1.
static HOUSE: LazyLock<SeatMap> = LazyLock::new(|| SeatMap::build(small()).unwrap());

const FULL: PriceTypeIx = PriceTypeIx(0);
const CONCESSION: PriceTypeIx = PriceTypeIx(1);

/// Band 0: 80.00 and 60.00; band 1: 50.00, no concession. No fees, no tax.
fn plain() -> PriceList {
    let price_type = |name: &str| PriceType {
        name: name.into(),
        note: String::new(),
    };
    PriceList {
        currency: "EUR".into(),
        minor_digits: 2,
        types: vec![price_type("Full"), price_type("Concession")],
        amounts: vec![vec![Some(80_00), Some(60_00)], vec![Some(50_00), None]],
        fees: vec![],
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 0,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: vec![],
    }
}

fn fee(per: FeePer, amount: FeeAmount) -> Fee {
    Fee {
        name: "Fee".into(),
        per,
        amount,
    }
}

fn voucher(effect: VoucherEffect) -> Voucher {
    Voucher {
        code: "Summer24".into(),
        effect,
        bands: vec![],
        max_tickets_per_order: 0,
        max_orders: 0,
        from_ms: 100,
        until_ms: 200,
    }
}

fn seat(ix: u32) -> OrderItem {
    OrderItem {
        place: Place::Seat(SeatIx(ix)),
        price_type: FULL,
    }
}

const STANDING: OrderItem = OrderItem {
    place: Place::Area(AreaIx(0)),
    price_type: FULL,
};

fn total(prices: &PriceList, items: &[OrderItem]) -> i64 {
    quote(prices, &HOUSE, items, None, 150).unwrap().total_minor
}

fn with_voucher(prices: &PriceList, items: &[OrderItem]) -> Result<Quote, QuoteError> {
    let used = VoucherUse {
        code: "SUMMER24",
        orders_so_far: 0,
    };
    quote(prices, &HOUSE, items, Some(used), 150)
}

fn discounted(voucher: Voucher, items: &[OrderItem]) -> Vec<i64> {
    let prices = PriceList {
        vouchers: vec![voucher],
        ..plain()
    };
    let quote = with_voucher(&prices, items).unwrap();
    let discounts = quote
        .lines
        .iter()
        .filter(|line| matches!(line.kind, LineKind::Discount { .. }));
    discounts.map(|line| line.amount_minor).collect()
}

#[test]
fn a_ticket_costs_what_its_band_and_type_cost() {
    assert_eq!(total(&plain(), &[seat(0)]), 80_00);
    assert_eq!(
        total(
            &plain(),
            &[OrderItem {
                price_type: CONCESSION,
                ..seat(0)
            }]
        ),
        60_00
    );
    assert_eq!(total(&plain(), &[seat(4), STANDING]), 100_00);
}

#[test]
fn nothing_cannot_be_priced() {
    assert_eq!(
        quote(&plain(), &HOUSE, &[], None, 0),
        Err(QuoteError::NoItems)
    );
}

#[test]
fn a_place_the_map_does_not_have_is_refused() {
    for place in [Place::Seat(SeatIx(9)), Place::Area(AreaIx(1))] {
        let item = OrderItem {
            place,
            price_type: FULL,
        };
        let refused = quote(&plain(), &HOUSE, &[seat(0), item], None, 0);
        assert_eq!(refused, Err(QuoteError::UnknownPlace { place }));
    }
}

#[test]
fn a_type_that_is_not_sold_in_a_band_is_refused() {
    for price_type in [CONCESSION, PriceTypeIx(7)] {
        let item = OrderItem {
            price_type,
            ..seat(4)
        };
        let refused = quote(&plain(), &HOUSE, &[item], None, 0);
        assert_eq!(
            refused,
            Err(QuoteError::NotSold {
                place: item.place,
                price_type
            })
        );
    }
}

#[test]
fn lines_stand_in_the_order_of_the_items_each_with_its_fees_and_order_fees_last() {
    let prices = PriceList {
        fees: vec![
            fee(FeePer::Order, FeeAmount::Fixed(2_50)),
            fee(
                FeePer::Ticket,
                FeeAmount::Percent {
                    ppm: 100_000,
                    cap: None,
                },
            ),
        ],
        vouchers: vec![voucher(VoucherEffect::Fixed(5_00))],
        ..plain()
    };
    let quote = with_voucher(&prices, &[seat(4), seat(0)]).unwrap();
    let lines: Vec<_> = quote
        .lines
        .iter()
        .map(|line| (line.kind, line.amount_minor))
        .collect();
    let ticket = |item, ix| LineKind::Ticket {
        item,
        place: Place::Seat(SeatIx(ix)),
        price_type: FULL,
    };
    assert_eq!(
        lines,
        [
            (ticket(0, 4), 50_00),
            (LineKind::Discount { item: 0 }, -5_00),
            (LineKind::TicketFee { fee: 1, item: 0 }, 4_50),
            (ticket(1, 0), 80_00),
            (LineKind::Discount { item: 1 }, -5_00),
            (LineKind::TicketFee { fee: 1, item: 1 }, 7_50),
            (LineKind::OrderFee { fee: 0 }, 2_50),
        ]
    );
}

#[test]
fn a_percentage_fee_is_rounded_half_up_and_capped() {
    let priced = |ppm, cap| {
        let amount = FeeAmount::Percent { ppm, cap };
        total(
            &PriceList {
                fees: vec![fee(FeePer::Ticket, amount)],
                ..plain()
            },
            &[seat(4)],
        ) - 50_00
    };
    assert_eq!(priced(10_300, None), 52, "51.5 cents");
    assert_eq!(priced(10_299, None), 51, "51.495 cents");
    assert_eq!(priced(100_000, Some(3_00)), 3_00);
    assert_eq!(priced(100_000, Some(5_01)), 5_00);
}

#[test]
fn a_percentage_fee_on_the_order_is_of_all_tickets_after_vouchers() {
    let amount = FeeAmount::Percent {
        ppm: 100_000,
        cap: None,
    };
    let prices = PriceList {
        fees: vec![fee(FeePer::Order, amount)],
        vouchers: vec![voucher(VoucherEffect::Percent(500_000))],
        ..plain()
    };
    assert_eq!(
        with_voucher(&prices, &[seat(0), seat(4)])
            .unwrap()
            .total_minor,
        65_00 + 6_50
    );
}

#[test]
fn fees_that_come_to_nothing_have_no_line() {
    let fees = vec![
        fee(
            FeePer::Ticket,
            FeeAmount::Percent {
                ppm: 50_000,
                cap: None,
            },
        ),
        fee(FeePer::Order, FeeAmount::Fixed(0)),
    ];
    let prices = PriceList {
        fees,
        vouchers: vec![voucher(VoucherEffect::PriceOverride(0))],
        ..plain()
    };
    let quote = with_voucher(&prices, &[seat(0)]).unwrap();
    assert_eq!((quote.lines.len(), quote.total_minor), (2, 0));
}

fn taxed(mode: TaxMode, rate_ppm: u32, rounding: Rounding, amounts: [i64; 2]) -> Quote {
    let prices = PriceList {
        amounts: vec![vec![Some(amounts[0]), None], vec![Some(amounts[1]), None]],
        tax: Tax {
            mode,
            rate_ppm,
            rounding,
        },
        ..plain()
    };
    quote(&prices, &HOUSE, &[seat(0), seat(4)], None, 0).unwrap()
}

fn taxes(quote: &Quote) -> Vec<i64> {
    quote.lines.iter().map(|line| line.tax_minor).collect()
}

#[test]
fn inclusive_tax_is_shown_and_not_added() {
    let quote = taxed(
        TaxMode::Inclusive,
        190_000,
        Rounding::HalfUpPerLine,
        [119_00, 11_90],
    );
    assert_eq!((quote.total_minor, quote.tax_minor), (130_90, 20_90));
}

#[test]
fn exclusive_tax_is_added() {
    let quote = taxed(
        TaxMode::Exclusive,
        190_000,
        Rounding::HalfUpPerLine,
        [100_00, 10_00],
    );
    assert_eq!((quote.total_minor, quote.tax_minor), (130_90, 20_90));
}

#[test]
fn half_up_per_line_rounds_each_half_away_from_zero() {
    // 10 % of 25 and of 35 are 2.5 and 3.5.
    let quote = taxed(
        TaxMode::Exclusive,
        100_000,
        Rounding::HalfUpPerLine,
        [25, 35],
    );
    assert_eq!(taxes(&quote), [3, 4]);
    assert_eq!(quote.total_minor, 67);
}

#[test]
fn half_even_per_line_rounds_each_half_to_the_even_side() {
    let quote = taxed(
        TaxMode::Exclusive,
        100_000,
        Rounding::HalfEvenPerLine,
        [25, 35],
    );
    assert_eq!(taxes(&quote), [2, 4]);
}

#[test]
fn half_up_per_order_rounds_once_and_puts_the_difference_on_the_largest_line() {
    // 10 % of 24 and 34 are 2.4 and 3.4: by line 2 + 3, at once 5.8.
    let quote = taxed(
        TaxMode::Exclusive,
        100_000,
        Rounding::HalfUpPerOrder,
        [24, 34],
    );
    assert_eq!(taxes(&quote), [2, 4]);
    assert_eq!((quote.tax_minor, quote.total_minor), (6, 64));
    // Of equally large lines, the first.
    let quote = taxed(
        TaxMode::Exclusive,
        100_000,
        Rounding::HalfUpPerOrder,
        [24, 24],
    );
    assert_eq!(taxes(&quote), [3, 2]);
}

#[test]
fn a_discount_has_the_tax_of_its_ticket_with_the_other_sign() {
    let prices = PriceList {
        tax: Tax {
            mode: TaxMode::Exclusive,
            rate_ppm: 75_000,
            rounding: Rounding::HalfUpPerLine,
        },
        amounts: vec![vec![Some(1_99), None], vec![None, None]],
        vouchers: vec![voucher(VoucherEffect::Percent(1_000_000))],
        ..plain()
    };
    let quote = with_voucher(&prices, &[seat(0)]).unwrap();
    assert_eq!(taxes(&quote), [15, -15]);
    assert_eq!((quote.tax_minor, quote.total_minor), (0, 0));
}

#[test]
fn a_voucher_takes_off_an_amount_a_share_or_sets_the_price() {
    assert_eq!(
        discounted(voucher(VoucherEffect::Fixed(7_00)), &[seat(0), seat(4)]),
        [-7_00, -7_00]
    );
    assert_eq!(
        discounted(voucher(VoucherEffect::Percent(250_000)), &[seat(0)]),
        [-20_00]
    );
    assert_eq!(
        discounted(voucher(VoucherEffect::PriceOverride(55_00)), &[seat(0)]),
        [-25_00]
    );
}

#[test]
fn no_voucher_makes_a_ticket_cost_less_than_nothing_or_more_than_without_it() {
    assert_eq!(
        discounted(voucher(VoucherEffect::Fixed(99_00)), &[seat(0)]),
        [-80_00]
    );
    // The seat of band 1 costs 50.00 anyway.
    let items = [seat(0), seat(4)];
    assert_eq!(
        discounted(voucher(VoucherEffect::PriceOverride(55_00)), &items),
        [-25_00]
    );
}

#[test]
fn a_percentage_discount_is_rounded_half_up() {
    let prices = PriceList {
        amounts: vec![vec![Some(1_01), None], vec![None, None]],
        vouchers: vec![voucher(VoucherEffect::Percent(500_000))],
        ..plain()
    };
    assert_eq!(with_voucher(&prices, &[seat(0)]).unwrap().total_minor, 50);
}

#[test]
fn a_voucher_may_be_for_some_bands_only() {
    let back_only = Voucher {
        bands: vec![BandIx(1)],
        ..voucher(VoucherEffect::Fixed(1_00))
    };
    assert_eq!(discounted(back_only.clone(), &[seat(0), STANDING]), [-1_00]);
    let prices = PriceList {
        vouchers: vec![back_only],
        ..plain()
    };
    assert_eq!(
        with_voucher(&prices, &[seat(0)]),
        Err(QuoteError::VoucherDoesNotApply)
    );
}

#[test]
fn a_voucher_for_some_tickets_of_an_order_takes_the_dearest_first() {
    let two = Voucher {
        max_tickets_per_order: 2,
        ..voucher(VoucherEffect::Percent(1_000_000))
    };
    let items = [seat(4), seat(0), STANDING, seat(1)];
    let prices = PriceList {
        vouchers: vec![two],
        ..plain()
    };
    let quote = with_voucher(&prices, &items).unwrap();
    assert_eq!(quote.total_minor, 100_00, "the two seats of 80.00 are free");
}

#[test]
fn a_voucher_is_valid_from_its_first_instant_and_no_longer_at_its_last() {
    let prices = PriceList {
        vouchers: vec![voucher(VoucherEffect::Fixed(1))],
        ..plain()
    };
    let at = |now_ms| {
        let used = VoucherUse {
            code: "summer24",
            orders_so_far: 0,
        };
        quote(&prices, &HOUSE, &[seat(0)], Some(used), now_ms).map(|quote| quote.total_minor)
    };
    assert_eq!(at(99), Err(QuoteError::VoucherNotValidNow));
    assert_eq!(at(100), Ok(79_99));
    assert_eq!(at(199), Ok(79_99));
    assert_eq!(at(200), Err(QuoteError::VoucherNotValidNow));
}

#[test]
fn a_voucher_is_used_up_after_so_many_orders() {
    let twice = Voucher {
        max_orders: 2,
        ..voucher(VoucherEffect::Fixed(1))
    };
    let prices = PriceList {
        vouchers: vec![twice],
        ..plain()
    };
    let after = |orders_so_far| {
        let used = VoucherUse {
            code: "SUMMER24",
            orders_so_far,
        };
        quote(&prices, &HOUSE, &[seat(0)], Some(used), 150).map(|quote| quote.total_minor)
    };
    assert_eq!(after(1), Ok(79_99));
    assert_eq!(after(2), Err(QuoteError::VoucherUsedUp));
}

#[test]
fn an_unknown_code_is_refused() {
    assert_eq!(
        with_voucher(&plain(), &[seat(0)]),
        Err(QuoteError::VoucherUnknown)
    );
}

#[test]
fn absurd_prices_overflow_instead_of_panicking() {
    let mut prices = plain();
    prices.amounts[0][0] = Some(i64::MAX);
    let two = [seat(0), seat(1)];
    assert_eq!(
        quote(&prices, &HOUSE, &two, None, 0),
        Err(QuoteError::Overflow)
    );
    prices.tax = Tax {
        mode: TaxMode::Exclusive,
        rate_ppm: 1,
        rounding: Rounding::HalfUpPerOrder,
    };
    assert_eq!(
        quote(&prices, &HOUSE, &two[..1], None, 0),
        Err(QuoteError::Overflow)
    );
    prices.amounts[0][0] = Some(-1);
    assert_eq!(
        quote(&prices, &HOUSE, &two, None, 0),
        Err(QuoteError::Overflow)
    );
    let mut prices = plain();
    prices.fees = vec![fee(FeePer::Order, FeeAmount::Fixed(i64::MIN))];
    assert_eq!(
        quote(&prices, &HOUSE, &two, None, 0),
        Err(QuoteError::Overflow)
    );
    prices.fees = vec![fee(FeePer::Order, FeeAmount::Fixed(1)); 257];
    assert_eq!(
        quote(&prices, &HOUSE, &two, None, 0),
        Err(QuoteError::Overflow)
    );
}

#[test]
fn a_sound_price_list_is_valid() {
    assert_eq!(plain().validate(&HOUSE), Ok(()));
}

#[test]
fn every_fault_of_a_price_list_is_reported_with_its_place() {
    let mut prices = plain();
    prices.currency = "euro".into();
    prices.minor_digits = 9;
    prices.types.push(PriceType {
        name: "Full".into(),
        note: String::new(),
    });
    prices.amounts = vec![vec![Some(-1), None], vec![None, None, None], vec![]];
    prices.fees = vec![
        Fee {
            name: " ".into(),
            ..fee(FeePer::Order, FeeAmount::Fixed(-5))
        },
        fee(
            FeePer::Order,
            FeeAmount::Percent {
                ppm: 1_000_001,
                cap: Some(-1),
            },
        ),
    ];
    prices.tax.rate_ppm = u32::MAX;
    prices.vouchers = vec![
        Voucher {
            bands: vec![BandIx(2)],
            ..voucher(VoucherEffect::Fixed(0))
        },
        Voucher {
            code: "SUMMER24".into(),
            from_ms: 200,
            ..voucher(VoucherEffect::Fixed(-3))
        },
        Voucher {
            code: "with space".into(),
            ..voucher(VoucherEffect::Percent(2_000_000))
        },
    ];
    let places: Vec<String> = prices
        .validate(&HOUSE)
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.at)
        .collect();
    assert_eq!(
        places,
        [
            "currency",
            "minor_digits",
            "types[2].name",
            "amounts",
            "amounts[0]",
            "amounts[0][0]",
            "amounts[1]",
            "amounts[2]",
            "amounts[2]",
            "fees[0].name",
            "fees[0].amount",
            "fees[1].amount.ppm",
            "fees[1].amount.cap",
            "tax.rate_ppm",
            "vouchers[0].effect",
            "vouchers[0].bands[0]",
            "vouchers[1].effect",
            "vouchers[1].until_ms",
            "vouchers[1].code",
            "vouchers[2].code",
            "vouchers[2].effect",
        ]
    );
}
