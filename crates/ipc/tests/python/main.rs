//! CPython's own `multiprocessing.connection` at the other end, of each version in `PATH`, as client and as listener.
//! Without Python they say so and pass.

mod deaths;
mod keys;
mod messages;
mod objects;
mod support;

/// Bytes that differ from place to place, so that a piece in the wrong place is seen.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}
