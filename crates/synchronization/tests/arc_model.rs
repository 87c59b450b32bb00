//! The last drop comes after every use, under every schedule; and the checker sees it when it does not.

use std::sync::{
    Arc as StdArc,
    atomic::{AtomicUsize as StdAtomicUsize, Ordering::SeqCst},
};

use model::{Explore, thread};
use synchronization::arc::{Arc, Weak};

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

/// Counts its drops where the checker does not look.
struct Counted(StdArc<StdAtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counted() -> (Counted, impl Fn() -> usize) {
    let drops = StdArc::new(StdAtomicUsize::new(0));
    (Counted(StdArc::clone(&drops)), move || drops.load(SeqCst))
}

#[test]
fn the_last_drop_comes_after_every_use() {
    model::explore(&Explore::named("arc: use against last drop").exhaustive().floor(4), || {
        let (value, drops) = counted();
        let mine = Arc::new((7, value));
        let theirs = mine.clone();
        let other = thread::spawn(move || assert_eq!(theirs.0, 7));
        assert_eq!(mine.0, 7);
        drop(mine);
        other.join().unwrap();
        assert_eq!(drops(), 1);
    });
}

#[test]
fn the_only_share_may_write() {
    model::explore(&Explore::named("arc: get_mut against a drop").exhaustive().floor(4), || {
        let mut mine = Arc::new(7);
        let theirs = mine.clone();
        let other = thread::spawn(move || assert_eq!(*theirs, 7));
        if let Some(value) = Arc::get_mut(&mut mine) {
            *value = 8;
        }
        other.join().unwrap();
        assert!(Arc::get_mut(&mut mine).is_some());
    });
}

#[test]
fn one_of_two_gets_the_value() {
    model::explore(&Explore::named("arc: into_inner twice").exhaustive().floor(2), || {
        let (value, drops) = counted();
        let mine = Arc::new(value);
        let theirs = mine.clone();
        let other = thread::spawn(move || Arc::into_inner(theirs).is_some());
        let got = Arc::into_inner(mine);
        assert!(other.join().unwrap() ^ got.is_some());
        drop(got);
        assert_eq!(drops(), 1);
    });
}

#[test]
fn an_upgrade_gets_a_living_value_or_none() {
    model::explore(&Explore::named("arc: upgrade against last drop").exhaustive().floor(4), || {
        let gate = Gate::new();
        let (value, drops) = counted();
        let mine = Arc::new((7, value));
        let weak: Weak<_> = Arc::downgrade(&mine);
        let their_gate = gate.clone();
        let other = thread::spawn(move || {
            their_gate.enter();
            if let Some(strong) = weak.upgrade() {
                assert_eq!(strong.0, 7);
            }
        });
        gate.enter();
        drop(mine);
        other.join().unwrap();
        assert_eq!(drops(), 1);
    });
}

#[test]
fn get_mut_sees_a_weak_share_that_becomes_strong() {
    model::explore(&Explore::named("arc: get_mut against upgrade").exhaustive().floor(4), || {
        let gate = Gate::new();
        let mut mine = Arc::new(7);
        let weak = Arc::downgrade(&mine);
        let their_gate = gate.clone();
        let other = thread::spawn(move || {
            their_gate.enter();
            let strong = weak.upgrade();
            drop(weak);
            assert_eq!(strong.as_deref().copied(), Some(7));
        });
        gate.enter();
        if let Some(value) = Arc::get_mut(&mut mine) {
            *value = 8; // whoever upgraded is done with it
        }
        other.join().unwrap();
    });
}

#[cfg(feature = "loom")]
mod broken {
    use std::sync::Arc as StdArc;

    use model::{
        cell::UnsafeCell,
        sync::atomic::{
            AtomicUsize,
            Ordering::{self, Acquire, Relaxed, Release},
        },
    };
    use testkit::must_find;

    use super::*;

    /// The count alone, with the two orderings to choose; "freeing" writes to the value.
    struct Counting {
        count: AtomicUsize,
        value: UnsafeCell<u32>,
    }

    // SAFETY: that the freeing write comes after all reads is what is on trial here.
    unsafe impl Sync for Counting {}

    impl Counting {
        fn use_and_drop(&self, give_up: Ordering, last: Ordering) {
            // SAFETY: on trial.
            assert_eq!(self.value.with(|value| unsafe { *value }), 7);
            if self.count.fetch_sub(1, give_up) == 1 {
                self.count.load(last);
                // SAFETY: on trial.
                self.value.with_mut(|value| unsafe { *value = 0 });
            }
        }
    }

    fn two_owners(give_up: Ordering, last: Ordering) {
        let mine = StdArc::new(Counting { count: AtomicUsize::new(2), value: UnsafeCell::new(7) });
        let theirs = StdArc::clone(&mine);
        let other = thread::spawn(move || theirs.use_and_drop(give_up, last));
        mine.use_and_drop(give_up, last);
        other.join().unwrap();
    }

    #[test]
    fn release_and_acquire_are_enough() {
        model::explore(&Explore::named("arc: the count alone").exhaustive().floor(2), || {
            two_owners(Release, Acquire);
        });
    }

    #[test]
    fn last_drop_without_acquire() {
        must_find("arc: last drop without Acquire", "Causality violation", || {
            model::explore(&Explore::named("arc without Acquire"), || two_owners(Release, Relaxed));
        });
    }

    #[test]
    fn drop_without_release() {
        must_find("arc: drop without Release", "Causality violation", || {
            model::explore(&Explore::named("arc without Release"), || two_owners(Relaxed, Acquire));
        });
    }
}
