//! Bytes of strangers: whatever decodes is the canonical form of something sound; nothing panics.

use crate::office::{Office, house_and_terms};
use booking_core::{Inventory, PublicView};
use proptest::prelude::*;
use std::sync::LazyLock;

static EVENING: LazyLock<Office> = LazyLock::new(Office::busy_evening);

fn inventory(bytes: &[u8]) -> Option<Inventory> {
    let (map, terms) = house_and_terms();
    Inventory::decode(map, terms, bytes).ok()
}

proptest! {
    #[test]
    fn a_damaged_snapshot_is_refused_or_is_the_canonical_form_of_another(
        at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = EVENING.inventory.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(other) = inventory(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn a_cut_snapshot_is_refused(at: prop::sample::Index) {
        let bytes = EVENING.inventory.encode();
        prop_assert!(inventory(&bytes[..at.index(bytes.len())]).is_none());
    }

    #[test]
    fn a_damaged_view_is_refused_or_is_the_canonical_form_of_another(
        at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = PublicView::of(&EVENING.inventory, 7).encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(other) = PublicView::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_snapshot_and_no_view(bytes: Vec<u8>) {
        let view = PublicView::decode(&bytes).ok();
        prop_assert!(view.is_none_or(|view| view.encode() == bytes));
        prop_assert!(inventory(&bytes).is_none_or(|inventory| inventory.encode() == bytes));
    }
}
