//! Double-checked initialisation: a fast look without the lock, then a second look with it. What the lesson `latch` tells.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc, Mutex,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{self, Acquire, Relaxed, Release},
        },
    },
};

use crate::with;

/// A value that the first one who wants it makes.
#[derive(Default)]
struct Lazy {
    ready: AtomicBool,
    lock: Mutex<()>,
    value: UnsafeCell<u32>,
    made: AtomicUsize,
}

// SAFETY: the value is written once, under the lock and before `ready`, and read only after `ready` was seen. (Where the
// orderings do not make that true, loom reports it.)
unsafe impl Sync for Lazy {}

impl Lazy {
    fn get(&self, look: Ordering, publish: Ordering, second_look: bool) -> u32 {
        // Acquire: pairs with the Release below, so that who sees the flag sees the value.
        if !self.ready.load(look) {
            let _lock = self.lock.lock().unwrap();
            // Another one may have made it between the look and the lock. Relaxed: the lock orders.
            if !second_look || !self.ready.load(Relaxed) {
                self.made.fetch_add(1, Relaxed);
                // SAFETY: under the lock, and not published yet.
                self.value.with_mut(|value| unsafe { *value = 7 });
                self.ready.store(true, publish);
            }
        }
        // SAFETY: published, and never written again.
        self.value.with(|value| unsafe { *value })
    }
}

fn two_want_it(look: Ordering, publish: Ordering, second_look: bool) {
    let lazy = Arc::new(Lazy::default());
    let other = with(&lazy, move |lazy| lazy.get(look, publish, second_look));
    assert_eq!(lazy.get(look, publish, second_look), 7);
    assert_eq!(other.join().unwrap(), 7);
    assert_eq!(lazy.made.load(Relaxed), 1, "made twice");
}

#[test]
fn right() {
    model::explore(&Explore::named("double-checked initialisation").exhaustive().small().floor(4), || {
        two_want_it(Acquire, Release, true);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use testkit::must_find;

    use super::*;

    #[test]
    fn without_the_second_look_it_is_made_twice() {
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "made twice" };
        must_find("double-checked initialisation: one look", expected, || {
            model::explore(&Explore::named("double-checked: one look"), || {
                two_want_it(Acquire, Release, false)
            });
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn published_relaxed() {
        must_find("double-checked initialisation: published Relaxed", "Causality violation", || {
            model::explore(&Explore::named("double-checked: Relaxed store"), || {
                two_want_it(Acquire, Relaxed, true)
            });
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn looked_at_relaxed() {
        must_find("double-checked initialisation: looked at Relaxed", "Causality violation", || {
            model::explore(&Explore::named("double-checked: Relaxed load"), || {
                two_want_it(Relaxed, Release, true)
            });
        });
    }
}
