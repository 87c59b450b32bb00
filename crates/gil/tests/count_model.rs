//! The biased count frees each object once, after every use, under every schedule; and the checker sees a twin that does
//! not.

use std::sync::{
    Arc as StdArc,
    atomic::{AtomicUsize as StdAtomicUsize, Ordering::SeqCst},
};

use gil::count::{Atomic, Biased, Counts, Dropped, collect};
#[cfg(any(feature = "loom", feature = "shuttle"))]
use model::sync::atomic::{
    AtomicIsize,
    Ordering::{AcqRel, Relaxed},
};
use model::{
    Explore,
    sync::{Arc, Mutex},
    thread,
};

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
    model::explore(&Explore::named("count: atomic, use against last drop").exhaustive().floor(4), || {
        let (value, drops) = counted();
        let mine = Atomic::new((7, value));
        let theirs = mine.clone();
        let other = thread::spawn(move || assert_eq!(theirs.0, 7));
        assert_eq!(mine.0, 7);
        drop(mine);
        other.join().unwrap();
        assert_eq!(drops(), 1);
    });
}

#[test]
fn a_share_that_another_thread_drops_comes_back() {
    model::explore(&Explore::named("count: biased, queue against owner").exhaustive().floor(4), || {
        let (value, drops) = counted();
        let mine = Biased::new((7, value));
        let theirs = mine.clone();
        let other = thread::spawn(move || {
            assert_eq!(theirs.0, 7);
            drop(theirs.clone());
        });
        assert_eq!(mine.0, 7);
        drop(mine);
        collect();
        other.join().unwrap();
        collect();
        assert_eq!(drops(), 1);
    });
}

/// Where the owner's end comes last of all, nobody in the model can see what it frees: so it is counted over all
/// schedules.
#[test]
fn the_share_of_a_thread_that_has_ended_is_merged_by_another() {
    let all_drops = StdArc::new(StdAtomicUsize::new(0));
    let seen = StdArc::clone(&all_drops);
    let plan = Explore::named("count: biased, queue against owner's end").floor(200);
    let explored = model::explore(&plan, move || {
        let value = Counted(StdArc::clone(&seen));
        let here = Arc::new(Mutex::new(None));
        let there = Arc::clone(&here);
        let owner = thread::spawn(move || {
            let share = Biased::new((7, value));
            let theirs = share.clone();
            *there.lock().unwrap() = Some(share);
            thread::spawn(move || drop(theirs))
        });
        let third = owner.join().unwrap();
        let mine = here.lock().unwrap().take();
        drop(mine);
        third.join().unwrap();
    });
    assert_eq!(all_drops.load(SeqCst) as u64, explored.executions, "freed once in each");
}

/// What [`Counts`] and its twin have in common.
trait Count: Send + Sync + 'static {
    fn new() -> Self;
    fn share(&self);
    fn drop_shared(&self) -> Dropped;
    /// # Safety
    /// By the owner only.
    unsafe fn drop_own(&self) -> Dropped;
    /// # Safety
    /// By the owner only, for a share that was handed over.
    unsafe fn merge(&self) -> Dropped;
}

impl Count for Counts {
    fn new() -> Self {
        Counts::new()
    }
    fn share(&self) {
        Counts::share(self);
    }
    fn drop_shared(&self) -> Dropped {
        Counts::drop_shared(self)
    }
    unsafe fn drop_own(&self) -> Dropped {
        // SAFETY: the caller's promise.
        unsafe { Counts::drop_own(self) }
    }
    unsafe fn merge(&self) -> Dropped {
        // SAFETY: the caller's promise.
        unsafe { Counts::merge(self) }
    }
}

/// [`Counts`] with one thing changed: the merge is a load and a store, so a count in between is overwritten. (One share
/// of the owner only, and no flag for the queue: two threads need no more.)
#[cfg(any(feature = "loom", feature = "shuttle"))]
struct Twin(AtomicIsize);

#[cfg(any(feature = "loom", feature = "shuttle"))]
impl Twin {
    fn after(now: isize) -> Dropped {
        if now == 1 { Dropped::Free } else { Dropped::Nothing }
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
impl Count for Twin {
    fn new() -> Self {
        Self(AtomicIsize::new(0))
    }
    fn share(&self) {
        self.0.fetch_add(4, Relaxed);
    }
    fn drop_shared(&self) -> Dropped {
        Self::after(self.0.fetch_sub(4, AcqRel) - 4)
    }
    unsafe fn drop_own(&self) -> Dropped {
        let next = self.0.load(Relaxed) | 1;
        self.0.store(next, Relaxed);
        Self::after(next)
    }
    unsafe fn merge(&self) -> Dropped {
        Dropped::Nothing
    }
}

/// The owner has one share, and another thread one that was counted as shared: both drop theirs at once.
fn freed_once<C: Count>(name: &str) {
    model::explore(&Explore::named(name).exhaustive().floor(4), || {
        let counts = Arc::new(C::new());
        counts.share();
        let theirs = Arc::clone(&counts);
        let other = thread::spawn(move || theirs.drop_shared());
        // SAFETY: this thread has made the counts.
        let mine = unsafe { counts.drop_own() };
        let theirs = other.join().unwrap();
        let mut freed = [mine, theirs].iter().filter(|dropped| **dropped == Dropped::Free).count();
        for _ in [mine, theirs].iter().filter(|dropped| **dropped == Dropped::Queue) {
            // SAFETY: as above; once for each.
            freed += usize::from(unsafe { counts.merge() } == Dropped::Free);
        }
        assert_eq!(freed, 1, "freed once");
    });
}

#[test]
fn two_last_drops_free_once() {
    freed_once::<Counts>("count: two last drops");
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn the_checker_finds_a_count_that_the_merge_overwrites() {
    testkit::must_find("count: merge by load and store", "freed once", || {
        freed_once::<Twin>("count: broken twin, merge by load and store")
    });
}
