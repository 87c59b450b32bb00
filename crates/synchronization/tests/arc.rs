//! What our `Arc` and `Weak` promise to those who use them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Barrier,
    thread,
};

use synchronization::arc::{Arc, Weak};

#[path = "support/drops.rs"]
mod drops;
use drops::Drops;

#[test]
fn counts_and_identity() {
    let first = Arc::new(7);
    let second = first.clone();
    let weak = Arc::downgrade(&first);
    let weaker = weak.clone();
    assert_eq!((Arc::strong_count(&first), Arc::weak_count(&first), weak.strong_count()), (2, 2, 2));
    assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &Arc::new(7)));
    drop((second, weaker));
    assert_eq!((Arc::strong_count(&first), Arc::weak_count(&first)), (1, 1));
    assert_eq!(format!("{first:?} {weak:?}"), "7 (Weak)");
    assert_eq!(*Arc::<u8>::default(), 0);
}

#[test]
fn the_value_goes_with_the_last_strong_share() {
    let drops = Drops::of(1);
    let first = Arc::new(drops.value(0));
    let weak = Arc::downgrade(&first);
    let second = weak.upgrade().expect("it lives");
    drop(first);
    assert_eq!(drops.counts(), [0]);
    drop(second);
    assert_eq!(drops.counts(), [1]);
    assert!(weak.upgrade().is_none());
    assert_eq!(weak.strong_count(), 0);
    drop(weak);
    assert_eq!(drops.counts(), [1]);
}

#[test]
fn a_weak_share_of_nothing() {
    let weak = Weak::<u8>::new();
    assert!(weak.upgrade().is_none() && weak.clone().upgrade().is_none());
    assert_eq!(Weak::<u8>::default().strong_count(), 0);
}

#[test]
fn only_an_only_share_may_write() {
    let mut first = Arc::new(1);
    let second = first.clone();
    assert!(Arc::get_mut(&mut first).is_none(), "a second share");
    drop(second);
    let weak = Arc::downgrade(&first);
    assert!(Arc::get_mut(&mut first).is_none(), "a weak share could be upgraded");
    drop(weak);
    *Arc::get_mut(&mut first).expect("alone") += 1;
    assert_eq!(*first, 2);
}

#[test]
fn the_value_itself_comes_out_once() {
    let drops = Drops::of(1);
    let first = Arc::new(drops.value(0));
    let second = first.clone();
    let weak = Arc::downgrade(&first);
    assert!(Arc::into_inner(first).is_none());
    let value = Arc::into_inner(second).expect("the last");
    assert!(weak.upgrade().is_none());
    assert_eq!((value.number, drops.counts()), (0, vec![0]));
    drop(value);
    assert_eq!(drops.counts(), [1]);
}

#[test]
fn a_drop_that_panics_still_counts_and_frees() {
    let drops = Drops::of(1);
    let share = Arc::new(drops.panicking(0));
    let weak = Arc::downgrade(&share);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(share))).is_err());
    assert_eq!(drops.counts(), [1]);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_value_may_hold_a_weak_share_of_its_owner() {
    struct Node {
        parent: Weak<Node>,
        name: &'static str,
    }

    let root = Arc::new(Node { parent: Weak::new(), name: "root" });
    let leaf = Arc::new(Node { parent: Arc::downgrade(&root), name: "leaf" });
    assert!(root.parent.upgrade().is_none());
    assert_eq!((leaf.name, leaf.parent.upgrade().map(|parent| parent.name)), ("leaf", Some("root")));
    drop(root);
    assert!(leaf.parent.upgrade().is_none(), "no cycle keeps it alive");
}

#[test]
fn values_without_a_size() {
    let unit = Arc::new(());
    assert_eq!(Arc::into_inner(unit.clone()), None);
    assert_eq!(Arc::into_inner(unit), Some(()));
}

#[test]
fn many_threads_drop_it_once() {
    const THREADS: usize = 4;
    for _ in 0..200 {
        let drops = Drops::of(1);
        let start = Barrier::new(THREADS);
        let shares = vec![Arc::new(drops.value(0)); THREADS];
        thread::scope(|scope| {
            for share in shares {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let weak = Arc::downgrade(&share.clone());
                    drop(share);
                    drop(weak.upgrade());
                });
            }
        });
        assert_eq!(drops.counts(), [1]);
    }
}
