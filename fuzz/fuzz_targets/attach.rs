//! Whatever bytes are in a segment: each structure is attached and used, with errors, and without leaving the memory.
//! The first byte says which structure, and whether all bytes are the fuzzer's or only some that it spoils.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the names are for the tests")]
#[path = "../../crates/shared-memory/tests/support/hostile.rs"]
mod hostile;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let kinds = hostile::kinds();
    let kind = &kinds[usize::from(choice / 2) % kinds.len()];
    if choice % 2 == 0 {
        hostile::spoiled(kind, bytes);
    } else {
        hostile::raw(kind, bytes);
    }
});
