//! The modelled futex keeps what futex(2) promises, and promises nothing that it does not.

#![cfg(target_os = "linux")]

use std::time::Duration;

use model::{
    Explore,
    cell::UnsafeCell,
    futex,
    sync::{
        Arc,
        atomic::{
            AtomicU32,
            Ordering::{self, Acquire, Release},
        },
    },
    thread,
};

/// A message in plain memory and a word that says it is there, on which the receiver sleeps.
#[derive(Default)]
struct Message {
    content: UnsafeCell<u32>,
    ready: AtomicU32,
}

// SAFETY: the content is written before `ready` is set and read only after it was seen set.
unsafe impl Sync for Message {}

impl Message {
    fn send(&self, publish: Ordering, wake: u32) {
        // SAFETY: `ready` is not set yet, so nobody reads.
        self.content.with_mut(|content| unsafe { *content = 7 });
        self.ready.store(1, publish);
        futex::wake(&self.ready, wake);
    }

    fn receive(&self, look: Ordering) -> u32 {
        while self.ready.load(look) == 0 {
            futex::wait(&self.ready, 0, None);
        }
        // SAFETY: it was seen set, so the write is done, and visible if `publish` and `look` order it.
        self.content.with(|content| unsafe { *content })
    }
}

fn pass(publish: Ordering, look: Ordering, wake: u32) {
    let message = Arc::new(Message::default());
    let theirs = Arc::clone(&message);
    let sender = thread::spawn(move || theirs.send(publish, wake));
    assert_eq!(message.receive(look), 7);
    sender.join().unwrap();
}

#[test]
fn a_word_that_changed_or_a_wake_ends_the_wait() {
    let plan = Explore::named("futex: message").exhaustive().floor(4);
    model::explore(&plan, || pass(Release, Acquire, 1));
}

/// Two receivers, who may both sleep when the message comes.
fn pass_to_two(wake: u32) {
    let message = Arc::new(Message::default());
    let theirs = Arc::clone(&message);
    let other = thread::spawn(move || theirs.receive(Acquire));
    let theirs = Arc::clone(&message);
    let sender = thread::spawn(move || theirs.send(Release, wake));
    assert_eq!(message.receive(Acquire), 7);
    assert_eq!(other.join().unwrap(), 7);
    sender.join().unwrap();
}

#[test]
fn a_wake_for_all_wakes_all() {
    model::explore(&Explore::named("futex: two sleepers").floor(20), || pass_to_two(u32::MAX));
}

#[test]
fn a_limit_runs_out() {
    model::explore(&Explore::named("futex: limit").floor(2), || {
        let word = Arc::new(AtomicU32::new(0));
        assert!(!futex::wait(&word, 0, Some(Duration::from_millis(1))), "nobody wakes it");
        assert!(futex::wait(&word, 1, Some(Duration::MAX)), "the word differs");
        let theirs = Arc::clone(&word);
        let waker = thread::spawn(move || futex::wake(&theirs, 1));
        futex::wait(&word, 0, Some(Duration::from_millis(1)));
        waker.join().unwrap();
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    #[cfg(feature = "loom")]
    use model::sync::atomic::Ordering::Relaxed;
    use testkit::must_find;

    #[test]
    fn without_a_wake() {
        must_find("futex: no wake", "deadlock", || {
            model::explore(&Explore::named("futex: no wake"), || pass(Release, Acquire, 0));
        });
    }

    #[test]
    fn a_wake_for_one_wakes_one() {
        must_find("futex: one wake for two sleepers", "deadlock", || {
            model::explore(&Explore::named("futex: one wake for two"), || pass_to_two(1));
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn a_wake_orders_nothing() {
        must_find("futex: published Relaxed, then woken", "Causality violation", || {
            model::explore(&Explore::named("futex: Relaxed publish"), || pass(Relaxed, Acquire, 1));
        });
        must_find("futex: woken, then looked Relaxed", "Causality violation", || {
            model::explore(&Explore::named("futex: Relaxed look"), || pass(Release, Relaxed, 1));
        });
    }
}
