//! Each end of a ring has one owner at a time: a process, which takes it when nobody has it, or when whoever had it is dead.

use model::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::who::Who;

/// Takes an end for `me`, if it is free or its owner is dead; else says who has it.
///
/// # Errors
/// The owner, who lives.
pub fn claim(end: &AtomicU64, me: Who, is_alive: impl Fn(Who) -> bool) -> Result<(), Who> {
    let mut owner = end.load(Relaxed);
    loop {
        let who = Who::from_bits(owner);
        if who != Who::NOBODY && is_alive(who) {
            return Err(who);
        }
        // Acquire: pairs with the Release in `leave`: what the last owner did in the ring comes before what this one does.
        match end.compare_exchange(owner, me.bits(), Acquire, Relaxed) {
            Ok(_) => return Ok(()),
            Err(other) => owner = other,
        }
    }
}

/// Gives the end up.
pub fn leave(end: &AtomicU64) {
    // Release: pairs with the Acquire in `claim`.
    end.store(Who::NOBODY.bits(), Release);
}
