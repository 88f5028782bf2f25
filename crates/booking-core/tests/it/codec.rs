//! Canonical bytes: one form for each value, and no trust in what is read.

use booking_core::codec::{Reader, Writer};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::new();
    write(&mut out);
    out.finish()
}

proptest! {
    #[test]
    fn any_integer_reads_back_as_written(unsigned: u64, signed: i64) {
        let bytes = written(|out| { out.varint(unsigned); out.zigzag(signed); });
        let mut input = Reader::new(&bytes);
        prop_assert_eq!(input.varint(), Ok(unsigned));
        prop_assert_eq!(input.zigzag(), Ok(signed));
        prop_assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn any_text_and_any_list_read_back_as_written(text: String, list: BTreeSet<u32>) {
        let list: Vec<u32> = list.into_iter().filter(|value| *value < u32::MAX).collect();
        let bytes = written(|out| { out.str(&text); out.ascending(list.iter().copied()); });
        let mut input = Reader::new(&bytes);
        prop_assert_eq!(input.str(), Ok(text.as_str()));
        prop_assert_eq!(input.ascending(u32::MAX), Ok(list));
        prop_assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn an_integer_has_one_form_only(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        let mut input = Reader::new(&bytes);
        if let Ok(value) = input.varint() {
            prop_assert_eq!(written(|out| out.varint(value)), &bytes[..input.at()]);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused_without_panic(bytes: Vec<u8>) {
        let _ = Reader::new(&bytes).str();
        let _ = Reader::new(&bytes).ascending(1_000);
        let _ = Reader::new(&bytes).zigzag();
        let _ = Reader::new(&bytes).array::<16>();
        let _ = Reader::new(&bytes).expect(b"abcd", "no");
    }
}

#[test]
fn small_magnitudes_take_one_byte() {
    for value in -64..64 {
        assert_eq!(written(|out| out.zigzag(value)).len(), 1);
    }
    assert_eq!(written(|out| out.varint(u64::MAX)).len(), 10);
}

#[test]
fn a_padded_integer_is_refused_at_its_first_byte() {
    let error = Reader::new(&[0x81, 0x00]).varint().unwrap_err();
    assert_eq!(
        (error.at, error.what),
        (0, "integer not in its shortest form")
    );
}

#[test]
fn an_integer_of_more_than_64_bits_is_refused() {
    let mut bytes = vec![0xff; 9];
    bytes.push(0x02);
    assert_eq!(
        Reader::new(&bytes).varint().unwrap_err().what,
        "integer too large"
    );
    bytes.insert(9, 0xff);
    assert_eq!(
        Reader::new(&bytes).varint().unwrap_err().what,
        "integer too large"
    );
}

#[test]
fn a_lying_length_is_refused_before_anything_is_allocated() {
    let bytes = written(|out| out.varint(u64::MAX));
    assert_eq!(Reader::new(&bytes).str().unwrap_err().at, 0);
    assert_eq!(Reader::new(&bytes).ascending(u32::MAX).unwrap_err().at, 0);
    assert!(Reader::new(&[3, 0, 0, 0]).count(2).is_err());
    assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
}

#[test]
fn an_index_out_of_range_is_refused_where_it_stands() {
    let bytes = written(|out| out.ascending([3, 9].into_iter()));
    assert_eq!(Reader::new(&bytes).ascending(10), Ok(vec![3, 9]));
    let error = Reader::new(&bytes).ascending(9).unwrap_err();
    assert_eq!((error.at, error.what), (2, "index out of range"));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut input = Reader::new(&[7, 8]);
    assert_eq!(input.u8(), Ok(7));
    let error = input.finish().unwrap_err();
    assert_eq!((error.at, error.what), (1, "trailing bytes"));
}

#[test]
fn a_yes_or_no_is_one_or_zero() {
    assert_eq!(Reader::new(&[1]).bool(), Ok(true));
    assert_eq!(Reader::new(&[0]).bool(), Ok(false));
    assert_eq!(Reader::new(&[2]).bool().unwrap_err().at, 0);
}
