//! Any bytes are a transcript of `truss -f` on illumos.

#![no_main]

mod trace;

use jailkeeper_trace::Dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| trace::read(Dialect::IllumosTruss, bytes));
