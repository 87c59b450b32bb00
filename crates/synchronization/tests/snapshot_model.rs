//! A reader gets a complete version that lives, an update is never lost, and an old version goes exactly once.

use std::sync::{
    Arc as StdArc,
    atomic::{AtomicUsize as StdAtomicUsize, Ordering::SeqCst},
};

use model::{Explore, sync::Arc, thread};
use synchronization::Snapshot;

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

/// A version that counts itself where the checker does not look.
struct Version {
    number: u32,
    drops: StdArc<StdAtomicUsize>,
}

impl Version {
    fn next(&self) -> Self {
        Self { number: self.number + 1, drops: StdArc::clone(&self.drops) }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        self.drops.fetch_add(1, SeqCst);
    }
}

fn first() -> (Arc<Snapshot<Version>>, impl Fn() -> usize) {
    let drops = StdArc::new(StdAtomicUsize::new(0));
    let first = Version { number: 0, drops: StdArc::clone(&drops) };
    (Arc::new(Snapshot::new(first)), move || drops.load(SeqCst))
}

#[test]
fn a_reader_against_a_writer() {
    model::explore(&Explore::named("snapshot: load against update").floor(50), || {
        let gate = Gate::new();
        let (snapshot, drops) = first();
        let (theirs, their_gate) = (Arc::clone(&snapshot), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.update(Version::next);
        });
        gate.enter();
        let seen = snapshot.load();
        assert!(seen.number <= 1);
        drop(seen);
        writer.join().unwrap();
        assert_eq!((snapshot.load().number, drops()), (1, 1));
        drop(snapshot);
        assert_eq!(drops(), 2);
    });
}

#[test]
fn a_reader_against_a_store() {
    model::explore(&Explore::named("snapshot: load against store").floor(50), || {
        let gate = Gate::new();
        let snapshot = Arc::new(Snapshot::new(0));
        let (theirs, their_gate) = (Arc::clone(&snapshot), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.store(1);
        });
        gate.enter();
        assert!(*snapshot.load() <= 1);
        writer.join().unwrap();
        assert_eq!(*snapshot.load(), 1);
    });
}

#[test]
fn a_look_against_an_update() {
    model::explore(&Explore::named("snapshot: a look against update").floor(20), || {
        let gate = Gate::new();
        let (snapshot, drops) = first();
        let (theirs, their_gate) = (Arc::clone(&snapshot), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.update(Version::next);
        });
        gate.enter();
        assert!(snapshot.with(|version| version.number) <= 1);
        writer.join().unwrap();
        assert_eq!(drops(), 1);
    });
}

#[test]
fn two_updates_both_count() {
    model::explore(&Explore::named("snapshot: two updates").floor(60), || {
        let gate = Gate::new();
        let (snapshot, drops) = first();
        let (theirs, their_gate) = (Arc::clone(&snapshot), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.update(Version::next);
        });
        gate.enter();
        snapshot.update(Version::next);
        writer.join().unwrap();
        assert_eq!(snapshot.load().number, 2, "an update is lost");
        let made = drops() + 1;
        drop(snapshot);
        assert_eq!(drops(), made, "each version is dropped once");
    });
}

#[test]
fn two_swaps_give_back_different_versions() {
    model::explore(&Explore::named("snapshot: two swaps").floor(20), || {
        let gate = Gate::new();
        let snapshot = Arc::new(Snapshot::new(0));
        let (theirs, their_gate) = (Arc::clone(&snapshot), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            *theirs.swap(1)
        });
        gate.enter();
        let mut seen = [*snapshot.swap(2), 0, *snapshot.load()];
        seen[1] = writer.join().unwrap();
        seen[2] = *snapshot.load();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

#[cfg(feature = "loom")]
mod broken {
    use model::{
        cell::UnsafeCell,
        sync::atomic::{
            AtomicUsize,
            Ordering::{AcqRel, Acquire, Release},
        },
    };
    use testkit::must_find;

    use super::*;

    /// Version 0 is current and is "freed" (written to) by the writer once no reader is signed in.
    struct SignIn {
        current: AtomicUsize,
        signed_in: AtomicUsize,
        versions: [UnsafeCell<bool>; 2],
    }

    // SAFETY: that a version is freed after its readers have left is what is on trial here.
    unsafe impl Sync for SignIn {}
    // SAFETY: nothing in it belongs to a thread.
    unsafe impl Send for SignIn {}

    fn read_and_replace(look_by_load: bool) {
        let gate = Gate::new();
        let mine = Arc::new(SignIn {
            current: AtomicUsize::new(0),
            signed_in: AtomicUsize::new(0),
            versions: [UnsafeCell::new(true), UnsafeCell::new(true)],
        });
        let (theirs, their_gate) = (Arc::clone(&mine), gate.clone());
        let reader = thread::spawn(move || {
            their_gate.enter();
            theirs.signed_in.fetch_add(1, Acquire);
            let version = theirs.current.load(Acquire);
            // SAFETY: on trial.
            assert!(theirs.versions[version].with(|alive| unsafe { *alive }), "a freed version is read");
            theirs.signed_in.fetch_sub(1, Release);
        });
        gate.enter();
        mine.current.swap(1, AcqRel);
        let readers =
            if look_by_load { mine.signed_in.load(Acquire) } else { mine.signed_in.fetch_add(0, AcqRel) };
        if readers == 0 {
            // SAFETY: on trial.
            mine.versions[0].with_mut(|alive| unsafe { *alive = false });
        }
        reader.join().unwrap();
    }

    #[test]
    fn a_look_by_read_modify_write_holds() {
        model::explore(&Explore::named("snapshot: the sign-in alone").exhaustive().floor(4), || {
            read_and_replace(false);
        });
    }

    /// Store buffering: the writer reads an old count, the reader an old address.
    #[test]
    fn a_look_by_load() {
        must_find("snapshot: sign-ins looked at by a load", "Causality violation", || {
            model::explore(&Explore::named("a look by load"), || read_and_replace(true));
        });
    }
}
