//! `onsale`: one program that serves, fills a demo, checks plans and verifies ledgers.

use std::process::ExitCode;

/// Many small allocations on many threads: measurably faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    onsale_server::cli::main()
}
