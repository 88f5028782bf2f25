//! Makes `#[test]` mean the same in WebAssembly.
//!
//! Rust's own test harness prints nothing on `wasm32-unknown-unknown`; wasm-bindgen's does, under an
//! attribute of its own. A crate that says
//!
//! ```ignore
//! #[cfg(all(test, target_arch = "wasm32"))]
//! #[macro_use]
//! extern crate wasm_test;
//! ```
//!
//! in its root runs every `#[test]` it has there, those inside `proptest!` too, and no test can be
//! forgotten for the second target. The crate also needs `wasm-bindgen-test` to develop against.

use proc_macro::TokenStream;

/// `#[test]`, run by wasm-bindgen's harness.
#[proc_macro_attribute]
pub fn test(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut test: TokenStream = "#[::wasm_bindgen_test::wasm_bindgen_test]"
        .parse()
        .expect("an attribute is made of tokens");
    test.extend(item);
    test
}
