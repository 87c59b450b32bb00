//! Seven problems that everybody in this field has met, each solved in one file, its invariant checked where it is solved.
//!
//! They are told in Allen B. Downey, "The Little Book of Semaphores" (second edition, 2.2.1, 2016; chapters 4 to 7),
//! and most are older. Each file states the problem, the invariant, and a `run` that plays it with threads and panics
//! when the invariant breaks: the lesson plays it on real threads, `tests/classics_model.rs` under very many
//! schedules, where the well-known wrong solutions must fail.
//!
//! Semaphores are used as Downey uses them: acquired in one thread, released in another. So permits are
//! [forgotten](crate::Permit::forget) and [released](crate::Semaphore::release) by hand, which `wait_for` and `signal`
//! put in words.

pub mod barber;
pub mod bathroom;
pub mod bounded_buffer;
pub mod readers_writers;
pub mod santa;
pub mod smokers;
mod switch;
pub mod water;

pub use switch::Switch;

use crate::Semaphore;

/// Takes a permit that somebody else gives: Dijkstra's P.
pub fn wait_for(semaphore: &Semaphore) {
    semaphore.acquire().forget();
}

/// Gives a permit that somebody else takes: Dijkstra's V.
pub fn signal(semaphore: &Semaphore) {
    semaphore.release(1);
}
