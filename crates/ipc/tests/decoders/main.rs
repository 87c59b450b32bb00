//! Whatever bytes a peer sends, each decoder of messages makes a message of them or an error at a byte of them: 100,000 inputs
//! each, half of them almost messages.
//!
//! | what is decoded | here |
//! |---|---|
//! | calls and replies, subscriptions and news, puts and items | `fields.rs` |
//! | requests to a manager, and its answers | `manager.rs` |
//! | challenges and proofs | `auth.rs` |
//! | frames in a stream | `../frames.rs` |
//! | CPython's headers, challenges and pickles | `../pickle.rs` |
//!
//! How much memory they take is in `../allocations.rs`; `just fuzz` lets cargo-fuzz look for inputs that nobody has thought of.

mod auth;
mod fields;
mod manager;

use proptest::{collection::vec, prelude::*};

/// Enough that each way to be wrong is met again and again.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes of which half are small: kinds, codes and lengths mostly make sense, and what they promise is mostly there.
fn mostly_small() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![0..6_u8, any::<u8>()], 0..60)
}
