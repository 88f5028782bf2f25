//! What holds for all quotes of all sound price lists.

use super::*;
use proptest::prelude::*;

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![0..300_i64, 0..1_000_000_i64, Just(AMOUNT_MAX)]
}

fn any_ppm() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(50_000), 0..=1_000_000_u32]
}

fn any_fee() -> impl Strategy<Value = Fee> {
    let per = prop_oneof![Just(FeePer::Ticket), Just(FeePer::Order)];
    let amount = prop_oneof![
        any_amount().prop_map(FeeAmount::Fixed),
        (any_ppm(), prop::option::of(any_amount()))
            .prop_map(|(ppm, cap)| FeeAmount::Percent { ppm, cap }),
    ];
    (per, amount).prop_map(|(per, amount)| fee(per, amount))
}

fn any_voucher() -> impl Strategy<Value = Voucher> {
    let effect = prop_oneof![
        (1..=AMOUNT_MAX).prop_map(VoucherEffect::Fixed),
        (1..=1_000_000_u32).prop_map(VoucherEffect::Percent),
        any_amount().prop_map(VoucherEffect::PriceOverride),
    ];
    let bands = prop_oneof![Just(vec![]), Just(vec![BandIx(0)]), Just(vec![BandIx(1)])];
    (effect, bands, 0..4_u16).prop_map(|(effect, bands, max_tickets_per_order)| Voucher {
        bands,
        max_tickets_per_order,
        ..voucher(effect)
    })
}

fn any_tax() -> impl Strategy<Value = Tax> {
    let mode = prop_oneof![Just(TaxMode::Inclusive), Just(TaxMode::Exclusive)];
    let rounding = prop_oneof![
        Just(Rounding::HalfUpPerLine),
        Just(Rounding::HalfEvenPerLine),
        Just(Rounding::HalfUpPerOrder)
    ];
    (mode, any_ppm(), rounding).prop_map(|(mode, rate_ppm, rounding)| Tax {
        mode,
        rate_ppm,
        rounding,
    })
}

prop_compose! {
    /// A sound price list with one voucher.
    fn any_prices()(
        amounts in prop::array::uniform2(prop::array::uniform2(any_amount())),
        fees in prop::collection::vec(any_fee(), 0..5),
        tax in any_tax(),
        voucher in any_voucher(),
    ) -> PriceList {
        let amounts = amounts.map(|band| band.map(Some).to_vec()).to_vec();
        PriceList { amounts, fees, tax, vouchers: vec![voucher], ..plain() }
    }
}

fn any_items() -> impl Strategy<Value = Vec<OrderItem>> {
    let place = prop_oneof![
        (0..9_u32).prop_map(|ix| Place::Seat(SeatIx(ix))),
        Just(Place::Area(AreaIx(0)))
    ];
    let item = (place, 0..2_u8).prop_map(|(place, ix)| OrderItem {
        place,
        price_type: PriceTypeIx(ix),
    });
    prop::collection::vec(item, 1..12)
}

/// With the voucher where it applies, else without.
fn best_quote(prices: &PriceList, items: &[OrderItem]) -> Quote {
    with_voucher(prices, items).unwrap_or_else(|refused| {
        assert_eq!(refused, QuoteError::VoucherDoesNotApply);
        quote(prices, &HOUSE, items, None, 150).unwrap()
    })
}

proptest! {
    #[test]
    fn a_sound_price_list_quotes_everything_and_every_cent_has_a_line(
        prices in any_prices(), items in any_items(),
    ) {
        prop_assert_eq!(prices.validate(&HOUSE), Ok(()));
        let quote = best_quote(&prices, &items);
        let amounts: i64 = quote.lines.iter().map(|line| line.amount_minor).sum();
        let taxes: i64 = quote.lines.iter().map(|line| line.tax_minor).sum();
        prop_assert_eq!(quote.tax_minor, taxes);
        let total = match prices.tax.mode {
            TaxMode::Inclusive => amounts,
            TaxMode::Exclusive => amounts + taxes,
        };
        prop_assert_eq!(quote.total_minor, total);
        prop_assert!(quote.total_minor >= 0 && quote.tax_minor >= 0);
    }

    #[test]
    fn the_order_of_the_items_does_not_change_the_total(
        prices in any_prices(), items in any_items(), shift: prop::sample::Index,
    ) {
        let total = best_quote(&prices, &items).total_minor;
        let mut turned = items.clone();
        turned.rotate_left(shift.index(items.len()));
        prop_assert_eq!(best_quote(&prices, &turned).total_minor, total);
        turned.reverse();
        prop_assert_eq!(best_quote(&prices, &turned).total_minor, total);
    }

    #[test]
    fn inclusive_tax_never_changes_the_total(mut prices in any_prices(), items in any_items()) {
        prices.tax.mode = TaxMode::Inclusive;
        let total = best_quote(&prices, &items).total_minor;
        prices.tax.rate_ppm = 0;
        let untaxed = best_quote(&prices, &items);
        prop_assert_eq!(untaxed.total_minor, total);
        prop_assert_eq!(untaxed.tax_minor, 0);
    }

    #[test]
    fn a_voucher_never_makes_the_tickets_dearer(prices in any_prices(), items in any_items()) {
        let of = |quote: &Quote| -> i64 {
            let tickets = quote.lines.iter().filter(|line| {
                matches!(line.kind, LineKind::Ticket { .. } | LineKind::Discount { .. })
            });
            tickets.map(|line| line.amount_minor).sum()
        };
        let without = of(&quote(&prices, &HOUSE, &items, None, 150).unwrap());
        let with = of(&best_quote(&prices, &items));
        prop_assert!((0..=without).contains(&with));
    }

    #[test]
    fn rounding_once_differs_from_the_exact_tax_by_at_most_half_a_unit(
        mut prices in any_prices(), items in any_items(),
    ) {
        prices.tax.rounding = Rounding::HalfUpPerOrder;
        let quote = best_quote(&prices, &items);
        let amounts: i64 = quote.lines.iter().map(|line| line.amount_minor).sum();
        let of = match prices.tax.mode {
            TaxMode::Inclusive => 1_000_000 + i128::from(prices.tax.rate_ppm),
            TaxMode::Exclusive => 1_000_000,
        };
        let exact_times_of = i128::from(amounts) * i128::from(prices.tax.rate_ppm);
        let error = (i128::from(quote.tax_minor) * of - exact_times_of).abs();
        prop_assert!(2 * error <= of);
    }
}
