//! Whether a price list makes sense, by itself and for a map.

use super::quote::WHOLE_PPM;
use super::types::{Fee, FeeAmount, PriceList, Voucher, VoucherEffect};
use crate::fault::{FaultList, Faults};
use crate::seatmap::{NAME_BYTES_MAX, SeatMap};
use alloc::collections::BTreeMap;
use core::fmt::Display;

/// Most minor units a price, fee, cap or voucher may come to: no sum of an order overflows.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Most price types.
pub const PRICE_TYPES_MAX: usize = 64;
/// Most fees.
pub const FEES_MAX: usize = 32;
/// Most vouchers.
pub const VOUCHERS_MAX: usize = 100_000;
/// Most bytes of a voucher code.
pub const VOUCHER_BYTES_MAX: usize = 64;
/// Most digits after the point that a currency has.
const MINOR_DIGITS_MAX: u8 = 4;

impl PriceList {
    /// Checks that this list is sound and fits `map`, or reports *all* faults with their places
    /// (`amounts[2][0]`). A sound list never makes [`quote`](super::quote()) overflow.
    pub fn validate(&self, map: &SeatMap) -> Result<(), Faults> {
        let mut faults = FaultList::default();
        let currency = self.currency.as_bytes();
        if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
            faults.add("currency", "must be three capital letters, as in \"EUR\"");
        }
        if self.minor_digits > MINOR_DIGITS_MAX {
            faults.add(
                "minor_digits",
                format_args!("must be at most {MINOR_DIGITS_MAX}"),
            );
        }
        self.check_types(&mut faults);
        self.check_amounts(map, &mut faults);
        at_most("fees", self.fees.len(), FEES_MAX, &mut faults);
        for (i, fee) in self.fees.iter().enumerate() {
            check_fee(i, fee, &mut faults);
        }
        share("tax.rate_ppm", self.tax.rate_ppm, &mut faults);
        self.check_vouchers(map, &mut faults);
        faults.into_result()
    }

    fn check_types(&self, faults: &mut FaultList) {
        at_most("types", self.types.len(), PRICE_TYPES_MAX, faults);
        if self.types.is_empty() {
            faults.add("types", "there must be at least one price type");
        }
        let mut seen = BTreeMap::new();
        for (i, price_type) in self.types.iter().enumerate() {
            name(format_args!("types[{i}].name"), &price_type.name, faults);
            if let Some(first) = seen.insert(&price_type.name, i) {
                faults.add(
                    format_args!("types[{i}].name"),
                    format_args!("{:?} is the name of types[{first}] too", price_type.name),
                );
            }
        }
    }

    fn check_amounts(&self, map: &SeatMap, faults: &mut FaultList) {
        let (rows, bands) = (self.amounts.len(), map.bands().len());
        if rows != bands {
            faults.add(
                "amounts",
                format_args!("has {rows} rows for {bands} price bands"),
            );
        }
        for (i, row) in self.amounts.iter().enumerate() {
            let (found, types) = (row.len(), self.types.len());
            if found != types {
                faults.add(
                    format_args!("amounts[{i}]"),
                    format_args!("has {found} amounts for {types} price types"),
                );
            }
            for (j, price) in row.iter().enumerate() {
                if let Some(price) = price {
                    amount(format_args!("amounts[{i}][{j}]"), *price, faults);
                }
            }
            if row.iter().all(Option::is_none) {
                faults.add(
                    format_args!("amounts[{i}]"),
                    "no price type is sold in this band",
                );
            }
        }
    }

    fn check_vouchers(&self, map: &SeatMap, faults: &mut FaultList) {
        at_most("vouchers", self.vouchers.len(), VOUCHERS_MAX, faults);
        let mut seen = BTreeMap::new();
        for (i, voucher) in self.vouchers.iter().enumerate() {
            check_voucher(i, voucher, map.bands().len(), faults);
            if let Some(first) = seen.insert(voucher.code.to_ascii_uppercase(), i) {
                faults.add(
                    format_args!("vouchers[{i}].code"),
                    format_args!("is the code of vouchers[{first}] too (case does not count)"),
                );
            }
        }
    }
}

fn check_fee(i: usize, fee: &Fee, faults: &mut FaultList) {
    name(format_args!("fees[{i}].name"), &fee.name, faults);
    match fee.amount {
        FeeAmount::Fixed(fixed) => amount(format_args!("fees[{i}].amount"), fixed, faults),
        FeeAmount::Percent { ppm, cap } => {
            share(format_args!("fees[{i}].amount.ppm"), ppm, faults);
            if let Some(cap) = cap {
                amount(format_args!("fees[{i}].amount.cap"), cap, faults);
            }
        }
    }
}

fn check_voucher(i: usize, voucher: &Voucher, bands: usize, faults: &mut FaultList) {
    let code = voucher.code.as_bytes();
    if code.is_empty() || code.len() > VOUCHER_BYTES_MAX || !code.iter().all(u8::is_ascii_graphic) {
        faults.add(
            format_args!("vouchers[{i}].code"),
            format_args!("must be 1 to {VOUCHER_BYTES_MAX} ASCII characters without spaces"),
        );
    }
    let at = format_args!("vouchers[{i}].effect");
    match voucher.effect {
        VoucherEffect::Fixed(0) | VoucherEffect::Percent(0) => {
            faults.add(at, "takes nothing off");
        }
        VoucherEffect::Fixed(off) => amount(at, off, faults),
        VoucherEffect::Percent(ppm) => share(at, ppm, faults),
        VoucherEffect::PriceOverride(instead) => amount(at, instead, faults),
    }
    for (j, band) in voucher.bands.iter().enumerate() {
        if band.index() >= bands {
            faults.add(
                format_args!("vouchers[{i}].bands[{j}]"),
                format_args!("there is no band {band}, only {bands} bands from 0"),
            );
        }
    }
    if voucher.from_ms >= voucher.until_ms {
        faults.add(
            format_args!("vouchers[{i}].until_ms"),
            "must be later than from_ms",
        );
    }
}

fn name(at: impl Display, value: &str, faults: &mut FaultList) {
    if value.trim().is_empty() || value.len() > NAME_BYTES_MAX || value.contains(char::is_control) {
        faults.add(
            at,
            format_args!("must be 1 to {NAME_BYTES_MAX} bytes of text without control characters"),
        );
    }
}

fn amount(at: impl Display, minor: i64, faults: &mut FaultList) {
    if !(0..=AMOUNT_MAX).contains(&minor) {
        faults.add(
            at,
            format_args!("{minor} is not an amount from 0 to {AMOUNT_MAX} minor units"),
        );
    }
}

fn share(at: impl Display, ppm: u32, faults: &mut FaultList) {
    if ppm > WHOLE_PPM {
        faults.add(
            at,
            format_args!("{ppm} parts per million are more than the whole"),
        );
    }
}

fn at_most(at: &str, count: usize, most: usize, faults: &mut FaultList) {
    if count > most {
        faults.add(
            at,
            format_args!("there are {count}; at most {most} are taken"),
        );
    }
}
