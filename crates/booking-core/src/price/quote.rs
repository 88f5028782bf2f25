//! From items to lines: ticket, discount, fees, tax.

use super::types::{
    Fee, FeeAmount, FeePer, LineKind, OrderItem, Place, PriceList, Quote, QuoteError, QuoteLine,
    Rounding, Tax, TaxMode, Voucher, VoucherEffect,
};
use crate::id::{BandIx, PriceTypeIx};
use crate::seatmap::SeatMap;
use alloc::{vec, vec::Vec};

/// A whole, in parts per million.
pub(super) const WHOLE_PPM: u32 = 1_000_000;

/// A voucher code as typed, with how often it has been used so far.
#[derive(Clone, Copy, Debug)]
pub struct VoucherUse<'a> {
    /// The code.
    pub code: &'a str,
    /// Orders that used it so far (from the inventory).
    pub orders_so_far: u32,
}

/// Prices `items` and explains every cent. Pure: the browser shows it, the server recomputes it.
///
/// O(items × fees), and sorting where a voucher applies to some tickets only. `now_ms` decides
/// only whether a voucher is valid. Fees and discounts that come to nothing have no line. The
/// order of the items decides the order of the lines but never the total.
///
/// ```
/// use booking_core::price::*;
/// use booking_core::seatmap::*;
/// use booking_core::{PriceTypeIx, SeatIx, SeatMap, quote};
///
/// let seat = SeatSpec { label: "1".into(), ..SeatSpec::default() };
/// let row = RowSpec { name: "A".into(), seats: vec![seat] };
/// let map = SeatMap::build(SeatMapSpec {
///     name: "One seat".into(),
///     bands: vec![PriceBand { name: "Only".into() }],
///     sections: vec![SectionSpec { name: "Stalls".into(), rows: vec![row], ..Default::default() }],
///     ..SeatMapSpec::default()
/// })
/// .unwrap();
/// let prices = PriceList {
///     currency: "EUR".into(),
///     minor_digits: 2,
///     types: vec![PriceType { name: "Full".into(), note: String::new() }],
///     amounts: vec![vec![Some(50_00)]],
///     fees: vec![Fee {
///         name: "Booking fee".into(),
///         per: FeePer::Ticket,
///         amount: FeeAmount::Percent { ppm: 25_000, cap: None },
///     }],
///     tax: Tax { mode: TaxMode::Inclusive, rate_ppm: 190_000, rounding: Rounding::HalfUpPerLine },
///     vouchers: vec![],
/// };
/// let item = OrderItem { place: Place::Seat(SeatIx(0)), price_type: PriceTypeIx(0) };
/// let quote = quote(&prices, &map, &[item], None, 0).unwrap();
/// assert_eq!(quote.lines.len(), 2, "the ticket and its fee");
/// assert_eq!(quote.total_minor, 51_25);
/// assert_eq!(quote.tax_minor, 7_98 + 20, "19 % is in each line");
/// ```
pub fn quote(
    prices: &PriceList,
    map: &SeatMap,
    items: &[OrderItem],
    voucher: Option<VoucherUse<'_>>,
    now_ms: i64,
) -> Result<Quote, QuoteError> {
    if items.is_empty() {
        return Err(QuoteError::NoItems);
    }
    let tickets = items.iter().map(|item| Ticket::of(prices, map, *item));
    let tickets = tickets.collect::<Result<Vec<_>, _>>()?;
    let discounts = match voucher {
        None => vec![0; tickets.len()],
        Some(used) => discounts(find_voucher(prices, used, now_ms)?, &tickets)?,
    };
    let mut lines = lines(&prices.fees, items, &tickets, &discounts)?;
    tax_lines(&mut lines, prices.tax)?;
    let amounts = sum(lines.iter().map(|line| line.amount_minor))?;
    let tax_minor = sum(lines.iter().map(|line| line.tax_minor))?;
    let total_minor = match prices.tax.mode {
        TaxMode::Inclusive => amounts,
        TaxMode::Exclusive => amounts.checked_add(tax_minor).ok_or(QuoteError::Overflow)?,
    };
    debug_assert!(total_minor >= 0, "no discount is larger than its ticket");
    Ok(Quote {
        currency: prices.currency.clone(),
        lines,
        tax_minor,
        total_minor,
    })
}

/// What a ticket costs before vouchers.
struct Ticket {
    band: BandIx,
    price: i64,
}

impl Ticket {
    fn of(prices: &PriceList, map: &SeatMap, item: OrderItem) -> Result<Self, QuoteError> {
        let OrderItem { place, price_type } = item;
        let band = match place {
            Place::Seat(seat) if map.has_seat(seat) => map.band(seat),
            Place::Area(area) => {
                map.area(area)
                    .ok_or(QuoteError::UnknownPlace { place })?
                    .band
            }
            Place::Seat(_) => return Err(QuoteError::UnknownPlace { place }),
        };
        let price =
            price_of(prices, band, price_type).ok_or(QuoteError::NotSold { place, price_type })?;
        not_negative(price)?;
        Ok(Self { band, price })
    }
}

fn price_of(prices: &PriceList, band: BandIx, price_type: PriceTypeIx) -> Option<i64> {
    *prices.amounts.get(band.index())?.get(price_type.index())?
}

fn find_voucher<'a>(
    prices: &'a PriceList,
    used: VoucherUse<'_>,
    now_ms: i64,
) -> Result<&'a Voucher, QuoteError> {
    let voucher = prices
        .vouchers
        .iter()
        .find(|voucher| voucher.code.eq_ignore_ascii_case(used.code))
        .ok_or(QuoteError::VoucherUnknown)?;
    if now_ms < voucher.from_ms || now_ms >= voucher.until_ms {
        return Err(QuoteError::VoucherNotValidNow);
    }
    if voucher.max_orders > 0 && used.orders_so_far >= voucher.max_orders {
        return Err(QuoteError::VoucherUsedUp);
    }
    Ok(voucher)
}

/// What the voucher takes off each ticket: the dearest first where it is limited.
fn discounts(voucher: &Voucher, tickets: &[Ticket]) -> Result<Vec<i64>, QuoteError> {
    let covers = |ticket: &Ticket| voucher.bands.is_empty() || voucher.bands.contains(&ticket.band);
    let mut covered: Vec<usize> = (0..tickets.len())
        .filter(|i| covers(&tickets[*i]))
        .collect();
    if voucher.max_tickets_per_order > 0 {
        // Stable: of tickets that cost the same, the first named.
        covered.sort_by_key(|i| core::cmp::Reverse(tickets[*i].price));
        covered.truncate(voucher.max_tickets_per_order.into());
    }
    let mut discounts = vec![0; tickets.len()];
    for i in covered {
        let price = tickets[i].price;
        discounts[i] = match voucher.effect {
            VoucherEffect::Fixed(amount) => not_negative(amount)?.min(price),
            VoucherEffect::Percent(ppm) => percent(price, ppm)?.min(price),
            VoucherEffect::PriceOverride(instead) => price - not_negative(instead)?.min(price),
        };
    }
    if discounts.iter().all(|discount| *discount == 0) {
        return Err(QuoteError::VoucherDoesNotApply);
    }
    Ok(discounts)
}

/// All lines, without tax.
fn lines(
    fees: &[Fee],
    items: &[OrderItem],
    tickets: &[Ticket],
    discounts: &[i64],
) -> Result<Vec<QuoteLine>, QuoteError> {
    let mut lines = Vec::with_capacity(items.len() * (1 + fees.len()));
    let mut add = |kind, amount_minor| {
        lines.push(QuoteLine {
            kind,
            amount_minor,
            tax_minor: 0,
        });
    };
    let mut tickets_total = 0_i64;
    for (i, ((item, ticket), discount)) in items.iter().zip(tickets).zip(discounts).enumerate() {
        let position = u16::try_from(i).map_err(|_| QuoteError::Overflow)?;
        let (place, price_type) = (item.place, item.price_type);
        add(
            LineKind::Ticket {
                item: position,
                place,
                price_type,
            },
            ticket.price,
        );
        if *discount != 0 {
            add(LineKind::Discount { item: position }, -discount);
        }
        let price = ticket.price - discount;
        tickets_total = tickets_total
            .checked_add(price)
            .ok_or(QuoteError::Overflow)?;
        for (fee, amount) in fees_on(fees, FeePer::Ticket, price)? {
            add(
                LineKind::TicketFee {
                    fee,
                    item: position,
                },
                amount,
            );
        }
    }
    for (fee, amount) in fees_on(fees, FeePer::Order, tickets_total)? {
        add(LineKind::OrderFee { fee }, amount);
    }
    Ok(lines)
}

/// The fees of one sort that come to something on `base`.
fn fees_on(fees: &[Fee], per: FeePer, base: i64) -> Result<Vec<(u8, i64)>, QuoteError> {
    let mut amounts = Vec::new();
    for (i, fee) in fees.iter().enumerate().filter(|(_, fee)| fee.per == per) {
        let index = u8::try_from(i).map_err(|_| QuoteError::Overflow)?;
        let amount = match fee.amount {
            FeeAmount::Fixed(amount) => not_negative(amount)?,
            FeeAmount::Percent { ppm, cap } => {
                percent(base, ppm)?.min(not_negative(cap.unwrap_or(i64::MAX))?)
            }
        };
        if amount != 0 {
            amounts.push((index, amount));
        }
    }
    Ok(amounts)
}

/// Fills in each line's tax by the named rounding rule.
fn tax_lines(lines: &mut [QuoteLine], tax: Tax) -> Result<(), QuoteError> {
    let halves = match tax.rounding {
        Rounding::HalfUpPerLine | Rounding::HalfUpPerOrder => Halves::AwayFromZero,
        Rounding::HalfEvenPerLine => Halves::ToEven,
    };
    let of = match tax.mode {
        // A price that contains the tax is (100 % + rate) of what it is without.
        TaxMode::Inclusive => u64::from(WHOLE_PPM) + u64::from(tax.rate_ppm),
        TaxMode::Exclusive => WHOLE_PPM.into(),
    };
    for line in lines.iter_mut() {
        line.tax_minor = share(line.amount_minor, tax.rate_ppm, of, halves)?;
    }
    if tax.rounding == Rounding::HalfUpPerOrder {
        let amounts = sum(lines.iter().map(|line| line.amount_minor))?;
        let rounded_once = share(amounts, tax.rate_ppm, of, halves)?;
        let by_line = sum(lines.iter().map(|line| line.tax_minor))?;
        // The first of the largest: `max_by_key` alone would take the last.
        if let Some(largest) = lines.iter_mut().rev().max_by_key(|line| line.amount_minor) {
            let difference = rounded_once.checked_sub(by_line);
            largest.tax_minor = difference
                .and_then(|difference| largest.tax_minor.checked_add(difference))
                .ok_or(QuoteError::Overflow)?;
        }
    }
    Ok(())
}

/// Which way exactly half a minor unit goes.
#[derive(Clone, Copy)]
enum Halves {
    AwayFromZero,
    ToEven,
}

/// `amount` × `ppm` / `of`, rounded to the nearest whole; the same for -amount, negated.
fn share(amount: i64, ppm: u32, of: u64, halves: Halves) -> Result<i64, QuoteError> {
    let product = u128::from(amount.unsigned_abs()) * u128::from(ppm);
    let (whole, rest) = (product / u128::from(of), product % u128::from(of));
    let up = match (2 * rest).cmp(&u128::from(of)) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Greater => true,
        core::cmp::Ordering::Equal => match halves {
            Halves::AwayFromZero => true,
            Halves::ToEven => whole % 2 == 1,
        },
    };
    let rounded = i64::try_from(whole + u128::from(up)).map_err(|_| QuoteError::Overflow)?;
    Ok(if amount < 0 { -rounded } else { rounded })
}

fn percent(amount: i64, ppm: u32) -> Result<i64, QuoteError> {
    share(amount, ppm, WHOLE_PPM.into(), Halves::AwayFromZero)
}

fn not_negative(amount: i64) -> Result<i64, QuoteError> {
    if amount < 0 {
        Err(QuoteError::Overflow)
    } else {
        Ok(amount)
    }
}

fn sum(mut amounts: impl Iterator<Item = i64>) -> Result<i64, QuoteError> {
    amounts
        .try_fold(0_i64, i64::checked_add)
        .ok_or(QuoteError::Overflow)
}
