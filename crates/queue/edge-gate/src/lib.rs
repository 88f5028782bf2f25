//! [`onsale_queue::gate`] behind a C-like interface, for WebAssembly runtimes at a CDN's edge.
//! `README.md` beside this crate states the interface.
//!
//! One request at a time: a module's instance has one thread. The exports are the only `unsafe` code
//! of the project; what they trust is the caller's pointers and lengths, nothing that came in a
//! request.
#![warn(missing_docs)]

use onsale_queue::gate::{Gate, Verdict};
use onsale_queue::{Keys, RoomId};
use std::alloc::{Layout, alloc, dealloc};
use std::sync::atomic::{AtomicI64, Ordering};

/// Version of the interface.
pub const ABI: i32 = 1;
/// Longest piece of memory that is given out.
pub const MOST_BYTES: usize = 65_536;
/// The caller's mistake.
pub const MISUSED: i32 = -1;

static EXPIRES_MS: AtomicI64 = AtomicI64::new(0);

/// The version of the interface.
#[unsafe(no_mangle)]
pub extern "C" fn gate_abi() -> i32 {
    ABI
}

fn layout(length: usize) -> Option<Layout> {
    let sensible = (1..=MOST_BYTES).contains(&length);
    Layout::array::<u8>(length).ok().filter(|_| sensible)
}

/// Memory for the caller to write to; null where the length is not sensible.
#[unsafe(no_mangle)]
pub extern "C" fn gate_alloc(length: usize) -> *mut u8 {
    layout(length).map_or(core::ptr::null_mut(), |layout| {
        // SAFETY: the layout's size is not zero.
        unsafe { alloc(layout) }
    })
}

/// Gives memory back.
///
/// # Safety
/// `pointer` came from [`gate_alloc`] with the same `length` and was not given back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gate_free(pointer: *mut u8, length: usize) {
    if let Some(layout) = layout(length).filter(|_| !pointer.is_null()) {
        // SAFETY: by the caller's word it was allocated with this layout.
        unsafe { dealloc(pointer, layout) }
    }
}

/// The verdict on one request: 0 admits, a positive number is why not, [`MISUSED`] the caller's mistake.
///
/// # Safety
/// Each pointer points to as many readable bytes as its length says, `room` to 16.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn gate_check(
    room: *const u8,
    keys: *const u8,
    keys_length: usize,
    session: *const u8,
    session_length: usize,
    token: *const u8,
    token_length: usize,
    now_ms: i64,
) -> i32 {
    // SAFETY: by the caller's word each points to that many bytes.
    let (room, keys, session, token) = unsafe {
        (
            bytes(room, 16),
            bytes(keys, keys_length),
            bytes(session, session_length),
            bytes(token, token_length),
        )
    };
    match (room, keys, session, token) {
        (Some(room), Some(keys), Some(session), Some(token)) => {
            check(room, keys, session, token, now_ms)
        }
        _ => MISUSED,
    }
}

/// When the admission of the last verdict 0 ends.
#[unsafe(no_mangle)]
pub extern "C" fn gate_expires_ms() -> i64 {
    EXPIRES_MS.load(Ordering::Relaxed)
}

/// # Safety
/// `pointer` points to `length` readable bytes, unless `length` is 0.
unsafe fn bytes<'a>(pointer: *const u8, length: usize) -> Option<&'a [u8]> {
    match length {
        0 => Some(&[]),
        _ if pointer.is_null() || length > MOST_BYTES => None,
        // SAFETY: by the caller's word.
        _ => Some(unsafe { core::slice::from_raw_parts(pointer, length) }),
    }
}

fn check(room: &[u8], keys: &[u8], session: &[u8], token: &[u8], now_ms: i64) -> i32 {
    let (keys, odd) = keys.as_chunks::<32>();
    let (Ok(room), true, false) = (room.try_into(), odd.is_empty(), keys.is_empty()) else {
        return MISUSED;
    };
    let Ok(keys) = Keys::new(keys) else {
        return MISUSED;
    };
    let gate = Gate {
        room: RoomId(room),
        keys,
    };
    // What is no text is no token; the gate says so of the replacement.
    let token = core::str::from_utf8(token).unwrap_or("\u{fffd}");
    match gate.check(Some(token), session, now_ms) {
        Verdict::Admit(admission) => {
            EXPIRES_MS.store(admission.expires_ms, Ordering::Relaxed);
            0
        }
        Verdict::Wait(reason) => reason as i32,
    }
}
