//! Canonical bytes of terms, as the ledger keeps them: whoever replays it later must be able to
//! judge every order by the terms it was sold under, wherever else those are forgotten.

use super::{AccessibleRule, BookingRules, GapRule, SaleTerms};
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::BandIx;
use crate::price::{
    Fee, FeeAmount, FeePer, PriceList, PriceType, Rounding, Tax, TaxMode, Voucher, VoucherEffect,
};
use alloc::vec::Vec;

/// "Onsale terms", version 1.
const MAGIC: &[u8; 4] = b"OST1";

type Read<T> = Result<T, DecodeError>;

impl SaleTerms {
    /// Canonical bytes (versioned): equal terms give equal bytes. O(n).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        write_terms(&mut out, self);
        out.finish()
    }

    /// Reads what [`encode`](Self::encode) wrote. Whether the prices make sense is another
    /// question: see [`PriceList::validate`].
    ///
    /// ```
    /// use booking_core::{SaleTerms, terms::BookingRules, test_support::plain_prices};
    /// let terms = SaleTerms { rules: BookingRules::default(), prices: plain_prices(2) };
    /// assert_eq!(SaleTerms::decode(&terms.encode()), Ok(terms));
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let terms = read_terms(&mut from)?;
        from.finish()?;
        Ok(terms)
    }
}

pub(crate) fn write_terms(out: &mut Writer, terms: &SaleTerms) {
    out.raw(MAGIC);
    write_rules(out, &terms.rules);
    write_prices(out, &terms.prices);
}

pub(crate) fn read_terms(from: &mut Reader<'_>) -> Read<SaleTerms> {
    from.expect(MAGIC, "not terms of a known version")?;
    Ok(SaleTerms {
        rules: read_rules(from)?,
        prices: read_prices(from)?,
    })
}

fn write_rules(out: &mut Writer, rules: &BookingRules) {
    let BookingRules {
        on_sale_from_ms,
        on_sale_until_ms,
        hold_ttl_ms,
        hold_extension_ms,
        hold_max_ms,
        max_places_per_hold,
        max_holds_per_fan,
        max_places_per_fan,
        single_seat_gap,
        accessible_seats,
    } = rules;
    for ms in [
        on_sale_from_ms,
        on_sale_until_ms,
        hold_ttl_ms,
        hold_extension_ms,
        hold_max_ms,
    ] {
        out.zigzag(*ms);
    }
    for most in [max_places_per_hold, max_holds_per_fan, max_places_per_fan] {
        out.varint((*most).into());
    }
    out.u8(match single_seat_gap {
        GapRule::Off => 0,
        GapRule::Warn => 1,
        GapRule::ForbidUnlessUnavoidable => 2,
    });
    match accessible_seats {
        AccessibleRule::Anyone => out.u8(0),
        AccessibleRule::OnlyOnNeed => out.u8(1),
        AccessibleRule::OnlyOnNeedUntil { until_ms } => {
            out.u8(2);
            out.zigzag(*until_ms);
        }
    }
}

fn read_rules(from: &mut Reader<'_>) -> Read<BookingRules> {
    Ok(BookingRules {
        on_sale_from_ms: from.zigzag()?,
        on_sale_until_ms: from.zigzag()?,
        hold_ttl_ms: from.zigzag()?,
        hold_extension_ms: from.zigzag()?,
        hold_max_ms: from.zigzag()?,
        max_places_per_hold: from.u16()?,
        max_holds_per_fan: from.u16()?,
        max_places_per_fan: from.u16()?,
        single_seat_gap: one_of(
            from,
            &[
                GapRule::Off,
                GapRule::Warn,
                GapRule::ForbidUnlessUnavoidable,
            ],
        )?,
        accessible_seats: match from.u8()? {
            0 => AccessibleRule::Anyone,
            1 => AccessibleRule::OnlyOnNeed,
            2 => AccessibleRule::OnlyOnNeedUntil {
                until_ms: from.zigzag()?,
            },
            _ => return Err(from.fault("no such rule")),
        },
    })
}

fn write_prices(out: &mut Writer, prices: &PriceList) {
    let PriceList {
        currency,
        minor_digits,
        types,
        amounts,
        fees,
        tax,
        vouchers,
    } = prices;
    out.str(currency);
    out.u8(*minor_digits);
    out.count(types.len());
    for PriceType { name, note } in types {
        out.str(name);
        out.str(note);
    }
    out.count(amounts.len());
    for row in amounts {
        out.count(row.len());
        for amount in row {
            write_option(out, *amount);
        }
    }
    out.count(fees.len());
    for Fee { name, per, amount } in fees {
        out.str(name);
        out.u8(match per {
            FeePer::Ticket => 0,
            FeePer::Order => 1,
        });
        match amount {
            FeeAmount::Fixed(amount) => {
                out.u8(0);
                out.zigzag(*amount);
            }
            FeeAmount::Percent { ppm, cap } => {
                out.u8(1);
                out.varint((*ppm).into());
                write_option(out, *cap);
            }
        }
    }
    out.u8(match tax.mode {
        TaxMode::Inclusive => 0,
        TaxMode::Exclusive => 1,
    });
    out.varint(tax.rate_ppm.into());
    out.u8(match tax.rounding {
        Rounding::HalfUpPerLine => 0,
        Rounding::HalfEvenPerLine => 1,
        Rounding::HalfUpPerOrder => 2,
    });
    out.count(vouchers.len());
    for voucher in vouchers {
        write_voucher(out, voucher);
    }
}

fn read_prices(from: &mut Reader<'_>) -> Read<PriceList> {
    Ok(PriceList {
        currency: from.string()?,
        minor_digits: from.u8()?,
        types: list(from, 2, |from| {
            Ok(PriceType {
                name: from.string()?,
                note: from.string()?,
            })
        })?,
        amounts: list(from, 1, |from| list(from, 1, read_option))?,
        fees: list(from, 4, |from| {
            Ok(Fee {
                name: from.string()?,
                per: one_of(from, &[FeePer::Ticket, FeePer::Order])?,
                amount: match from.u8()? {
                    0 => FeeAmount::Fixed(from.zigzag()?),
                    1 => FeeAmount::Percent {
                        ppm: from.u32()?,
                        cap: read_option(from)?,
                    },
                    _ => return Err(from.fault("no such kind of fee")),
                },
            })
        })?,
        tax: Tax {
            mode: one_of(from, &[TaxMode::Inclusive, TaxMode::Exclusive])?,
            rate_ppm: from.u32()?,
            rounding: one_of(
                from,
                &[
                    Rounding::HalfUpPerLine,
                    Rounding::HalfEvenPerLine,
                    Rounding::HalfUpPerOrder,
                ],
            )?,
        },
        vouchers: list(from, 8, read_voucher)?,
    })
}

fn write_voucher(out: &mut Writer, voucher: &Voucher) {
    let Voucher {
        code,
        effect,
        bands,
        max_tickets_per_order,
        max_orders,
        from_ms,
        until_ms,
    } = voucher;
    out.str(code);
    match effect {
        VoucherEffect::Fixed(amount) => {
            out.u8(0);
            out.zigzag(*amount);
        }
        VoucherEffect::Percent(ppm) => {
            out.u8(1);
            out.varint((*ppm).into());
        }
        VoucherEffect::PriceOverride(amount) => {
            out.u8(2);
            out.zigzag(*amount);
        }
    }
    out.count(bands.len());
    for band in bands {
        out.u8(band.0);
    }
    out.varint((*max_tickets_per_order).into());
    out.varint((*max_orders).into());
    out.zigzag(*from_ms);
    out.zigzag(*until_ms);
}

fn read_voucher(from: &mut Reader<'_>) -> Read<Voucher> {
    Ok(Voucher {
        code: from.string()?,
        effect: match from.u8()? {
            0 => VoucherEffect::Fixed(from.zigzag()?),
            1 => VoucherEffect::Percent(from.u32()?),
            2 => VoucherEffect::PriceOverride(from.zigzag()?),
            _ => return Err(from.fault("no such effect of a voucher")),
        },
        bands: list(from, 1, |from| Ok(BandIx(from.u8()?)))?,
        max_tickets_per_order: from.u16()?,
        max_orders: from.u32()?,
        from_ms: from.zigzag()?,
        until_ms: from.zigzag()?,
    })
}

fn write_option(out: &mut Writer, value: Option<i64>) {
    out.bool(value.is_some());
    if let Some(value) = value {
        out.zigzag(value);
    }
}

fn read_option(from: &mut Reader<'_>) -> Read<Option<i64>> {
    if from.bool()? {
        from.zigzag().map(Some)
    } else {
        Ok(None)
    }
}

fn one_of<T: Copy>(from: &mut Reader<'_>, choices: &[T]) -> Read<T> {
    let number = from.u8()?;
    let choice = choices.get(usize::from(number)).copied();
    choice.ok_or_else(|| from.fault("no such choice"))
}

fn list<'a, T>(
    from: &mut Reader<'a>,
    least_bytes: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut items = Vec::new();
    for _ in 0..from.count(least_bytes)? {
        items.push(item(from)?);
    }
    Ok(items)
}
