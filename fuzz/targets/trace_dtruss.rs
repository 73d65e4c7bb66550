//! Any bytes are a transcript of `dtruss -f` on macOS.

#![no_main]

mod trace;

use jailkeeper_trace::Dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| trace::read(Dialect::Dtruss, bytes));
