//! Who has a seat, in four bytes.

use super::table::Slot;

/// Who has a seat: a kind in the two high bits, a slot in the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32);

/// [`Owner`] taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerKind {
    Open,
    Killed,
    Hold(Slot),
    Order(Slot),
    Allocation(Slot),
}

const KIND: u32 = 3 << 30;
const HOLD: u32 = 1 << 30;
const ORDER: u32 = 2 << 30;
const ALLOCATION: u32 = 3 << 30;

impl Owner {
    pub(crate) const OPEN: Self = Self(0);
    pub(crate) const KILLED: Self = Self(1);

    // A map has at most 2,000,000 seats and 10,000,000 places, so no slot comes near 2^30.
    pub(crate) const fn hold(slot: Slot) -> Self {
        Self(HOLD | slot)
    }
    pub(crate) const fn order(slot: Slot) -> Self {
        Self(ORDER | slot)
    }
    pub(crate) const fn allocation(slot: Slot) -> Self {
        Self(ALLOCATION | slot)
    }
    pub(crate) const fn kind(self) -> OwnerKind {
        let slot = self.0 & !KIND;
        match self.0 & KIND {
            HOLD => OwnerKind::Hold(slot),
            ORDER => OwnerKind::Order(slot),
            ALLOCATION => OwnerKind::Allocation(slot),
            _ if slot == 0 => OwnerKind::Open,
            _ => OwnerKind::Killed,
        }
    }
}
