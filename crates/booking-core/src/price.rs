//! Prices: bands × types, fees, tax and vouchers, and the [`quote()`] that explains every cent.
//!
//! Money is an `i64` count of the currency's minor unit (cents); every sum is checked. Shares are
//! in parts per million. What is rounded, and how:
//!
//! | what | how |
//! |---|---|
//! | percentage voucher, percentage fee | each by itself to the minor unit, halves up |
//! | tax | by the [`Rounding`] of the price list |
//!
//! Nothing else is rounded: the total is the sum of its lines.

mod quote;
mod types;
mod validate;

pub use quote::{VoucherUse, quote};
pub use types::*;
pub use validate::{AMOUNT_MAX, FEES_MAX, PRICE_TYPES_MAX, VOUCHER_BYTES_MAX, VOUCHERS_MAX};
