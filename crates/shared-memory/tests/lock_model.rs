//! The robust lock under every schedule: exclusion with all orderings, no wake-up lost, one heir for each that dies.

use std::time::Duration;

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    thread,
};
use shared_memory::lock::{Holder, Life, RawLock, Refusal, Taken};

/// Threads of the model, by number from 1: none is born twice.
fn holder(number: u32) -> Holder {
    Holder::new(number, 7)
}

/// What the lock's word is while that thread holds it.
fn holder_word(number: u32) -> u64 {
    7 << 32 | u64::from(number)
}

/// Nobody dies, and nobody looks: a wake-up that is lost is a deadlock.
struct Immortal;

impl Life for Immortal {
    fn is_alive(&self, _: Holder) -> bool {
        true
    }
    fn nap(&self) -> Option<Duration> {
        None
    }
}

/// A value behind the lock, with its two halves equal unless somebody died in between.
struct Pair {
    lock: RawLock,
    halves: UnsafeCell<[u32; 2]>,
    /// The number of the thread that has died; 0: nobody.
    dead: AtomicU32,
}

// SAFETY: the halves are used only by whoever has the lock; loom tells where that is not so.
unsafe impl Sync for Pair {}

impl Life for &Pair {
    fn is_alive(&self, holder: Holder) -> bool {
        // Acquire: who has learnt of a death from the kernel sees all that came before it.
        holder.thread() != self.dead.load(Acquire)
    }
    /// Who waits for the dead one looks again and again; who waits for another sleeps until woken, else a checker would
    /// follow looks without end.
    fn nap(&self) -> Option<Duration> {
        let state = self.lock.state.load(Relaxed) & !RawLock::WAITERS;
        (state == holder_word(self.dead.load(Relaxed))).then_some(Duration::from_millis(10))
    }
}

impl Pair {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: RawLock::default(), halves: UnsafeCell::new([0; 2]), dead: AtomicU32::new(0) })
    }

    /// Adds one to both; repairs if need be. Whether it was an heir.
    fn add(&self, me: u32, life: &impl Life) -> bool {
        let taken = self.lock.lock(holder(me), life).unwrap();
        self.halves.with_mut(|halves| {
            // SAFETY: the lock is held.
            let halves = unsafe { &mut *halves };
            match taken {
                Taken::OwnerDied => {
                    assert_eq!(
                        *halves,
                        [halves[1] + 1, halves[1]],
                        "an heir sees all that the dead one wrote"
                    );
                    halves[1] += 1;
                }
                Taken::Sound => assert_eq!(halves[0], halves[1], "half written, and nobody said so"),
            }
            *halves = halves.map(|half| half + 1);
        });
        self.lock.unlock(life);
        taken == Taken::OwnerDied
    }

    /// Adds one to the first half, and dies.
    fn die(&self, me: u32) {
        self.lock.lock(holder(me), &Immortal).unwrap();
        // SAFETY: the lock is held.
        self.halves.with_mut(|halves| unsafe { (*halves)[0] += 1 });
        // Release: what it has written is there when the kernel says that it is dead.
        self.dead.store(me, Release);
    }

    fn sum(&self) -> [u32; 2] {
        // SAFETY: all have ended.
        self.halves.with(|halves| unsafe { *halves })
    }
}

#[test]
fn two_exclude_each_other_and_lose_no_wake_up() {
    model::explore(&Explore::named("robust lock: two, twice").floor(70), || {
        let pair = Pair::new();
        let theirs = Arc::clone(&pair);
        let other = thread::spawn(move || {
            theirs.add(2, &Immortal);
            theirs.add(2, &Immortal);
        });
        pair.add(1, &Immortal);
        pair.add(1, &Immortal);
        other.join().unwrap();
        assert_eq!(pair.sum(), [4, 4]);
        assert_eq!(pair.lock.state.load(Relaxed), RawLock::FREE);
    });
}

#[test]
fn three_forget_no_sleeper() {
    model::explore(&Explore::named("robust lock: three").preemptions(2).floor(200), || {
        let pair = Pair::new();
        let others = [2, 3].map(|me| {
            let theirs = Arc::clone(&pair);
            thread::spawn(move || theirs.add(me, &Immortal))
        });
        pair.add(1, &Immortal);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(pair.sum(), [3, 3]);
    });
}

#[test]
fn of_two_who_wait_for_the_dead_one_inherits() {
    model::explore(&Explore::named("robust lock: a death, two heirs").preemptions(2).floor(120), || {
        let pair = Pair::new();
        pair.die(2);
        let theirs = Arc::clone(&pair);
        let waits = thread::spawn(move || theirs.add(3, &&*theirs));
        let mine = pair.add(1, &&*pair);
        assert!(mine != waits.join().unwrap(), "one heir");
        assert_eq!(pair.sum(), [3, 3]);
    });
}

#[test]
fn twice_is_an_error_and_what_is_given_up_is_refused() {
    model::explore(&Explore::named("robust lock: given up").floor(10), || {
        let pair = Pair::new();
        pair.lock.lock(holder(1), &Immortal).unwrap();
        assert_eq!(pair.lock.lock(holder(1), &Immortal), Err(Refusal::Deadlock));
        let theirs = Arc::clone(&pair);
        let waits = thread::spawn(move || theirs.lock.lock(holder(2), &Immortal));
        pair.lock.give_up();
        assert_eq!(waits.join().unwrap(), Err(Refusal::NotRecoverable));
        assert_eq!(pair.lock.lock(holder(1), &Immortal), Err(Refusal::NotRecoverable));
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "lock_model/twins.rs"]
mod twins;
