//! What a snapshot promises to those who use it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use synchronization::Snapshot;

#[path = "support/drops.rs"]
mod drops;
use drops::Drops;

#[test]
fn what_a_reader_holds_does_not_change() {
    let snapshot = Snapshot::new(1);
    let before = snapshot.load();
    snapshot.store(2);
    assert_eq!((*before, *snapshot.load()), (1, 2));
    assert_eq!(*snapshot.swap(3), 2);
    assert_eq!(*snapshot.update(|old| old * 10), 30);
    assert_eq!(*snapshot.load(), 30);
    assert_eq!(*Snapshot::<u8>::default().load(), 0);
}

#[test]
fn an_old_version_goes_with_its_last_reader() {
    let drops = Drops::of(3);
    let snapshot = Snapshot::new(drops.value(0));
    let reader = snapshot.load();
    snapshot.store(drops.value(1));
    assert_eq!(drops.counts(), [0, 0, 0], "still read");
    drop(reader);
    assert_eq!(drops.counts(), [1, 0, 0]);
    snapshot.store(drops.value(2));
    assert_eq!(drops.counts(), [1, 1, 0], "read by nobody");
    let reader = snapshot.load();
    drop(snapshot);
    assert_eq!(reader.number, 2);
    drop(reader);
    assert_eq!(drops.counts(), [1; 3]);
}

#[test]
fn a_panic_in_an_update_changes_nothing() {
    let drops = Drops::of(2);
    let snapshot = Snapshot::new(drops.value(0));
    let outcome = catch_unwind(AssertUnwindSafe(|| snapshot.update(|_| panic!("on purpose"))));
    assert!(outcome.is_err());
    assert_eq!(snapshot.load().number, 0);
    snapshot.update(|old| drops.value(old.number + 1));
    drop(snapshot);
    assert_eq!(drops.counts(), [1; 2]);
}

#[test]
fn a_look_that_panics_keeps_no_writer_waiting() {
    let snapshot = Snapshot::new(1);
    assert_eq!(snapshot.with(|version| version + 1), 2);
    assert!(catch_unwind(AssertUnwindSafe(|| snapshot.with(|_| panic!("on purpose")))).is_err());
    snapshot.store(2);
    assert_eq!(*snapshot.load(), 2);
}

#[test]
fn a_version_whose_drop_panics_is_replaced_all_the_same() {
    let drops = Drops::of(2);
    let snapshot = Snapshot::new(drops.panicking(0));
    assert!(catch_unwind(AssertUnwindSafe(|| snapshot.store(drops.value(1)))).is_err());
    assert_eq!(snapshot.load().number, 1);
    drop(snapshot);
    assert_eq!(drops.counts(), [1; 2]);
}

#[test]
fn an_update_that_another_one_overtook_runs_again() {
    let snapshot = Snapshot::new(0);
    let mut runs = 0;
    snapshot.update(|seen| {
        runs += 1;
        if runs == 1 {
            snapshot.store(10); // a writer that is faster
        }
        seen + 1
    });
    assert_eq!((runs, *snapshot.load()), (2, 11));
}

#[test]
fn readers_see_whole_versions_and_no_update_is_lost() {
    const UPDATES: u64 = 3_000;
    let snapshot = Snapshot::new(vec![0_u64; 4]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..UPDATES {
                    snapshot.update(|words| words.iter().map(|word| word + 1).collect());
                }
            });
            scope.spawn(|| {
                let mut last = 0;
                while last < 2 * UPDATES {
                    let version = snapshot.load();
                    assert_eq!(**version, [version[0]; 4]);
                    assert!(version[0] >= last, "back in time");
                    last = version[0];
                }
            });
        }
    });
    assert_eq!(snapshot.load()[0], 2 * UPDATES);
}
