//! When is it right to wait by looking again and again?
//!
//! When what is waited for takes less time than to fall asleep and be woken (microseconds), **and** the one who holds
//! the lock is running on another core. Five ways, each cures the one before:
//!
//! | lock | the waiter | cured |
//! |---|---|---|
//! | test-and-set | swaps the flag again and again | |
//! | test-and-test-and-set | loads, and swaps when it saw the flag free | a cache line torn between all waiters |
//! | with back-off ([`SpinLock`]) | looks ever more seldom | all swap at once when it gets free |
//! | ticket ([`TicketLock`]) | waits until its number is called | anyone may wait for ever |
//! | MCS ([`McsLock`]) | looks at a word of its own | each hand-over disturbs all waiters |
//!
//! With more threads than cores all of it is a disaster, and the fair locks are the worst: a waiter burns the time
//! slice in which the holder, or the one whose turn it is, could have run. A program cannot know how many cores it has
//! to itself, therefore spin only for a moment and then sleep, as std's `Mutex` and
//! [`futex::Mutex`](crate::futex) do. In Python a loop around `lock.acquire(blocking=False)` would be one.

use std::{
    hint::spin_loop,
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::{
    Bound, Lesson, Story,
    measure::{Samples, seconds},
};

use super::{
    confine::on_two_cores,
    crowd::{for_a_time, rounds},
};
use crate::spin::{McsLock, SpinLock, TicketLock};

pub(super) const LESSON: Lesson = Lesson {
    name: "spinlock",
    question: "When is it right to wait by looking again and again?",
    python: &["threading.Lock"],
    run,
    scenes: &[],
};

/// Four for each of two cores.
const MANY: usize = 8;

fn run(story: &mut Story) -> lesson::Result {
    broken(story);
    right(story);
    too_many(story);
    idle(story)
}

/// The naive lock: test-and-set.
#[derive(Default)]
struct TestAndSet(AtomicBool);

impl TestAndSet {
    fn with(&self, work: &mut dyn FnMut()) {
        // Acquire and Release: all that was done under the lock before is seen under it after.
        while self.0.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        work();
        self.0.store(false, Ordering::Release);
    }
}

fn broken(story: &mut Story) {
    story.say(
        "A lock that looks and then takes, in two steps. Both threads look before either takes: forced here.",
    );
    let (flag, both_looked, inside) = (AtomicBool::new(false), Barrier::new(2), AtomicUsize::new(0));
    let look_then_take = || {
        while flag.load(Ordering::Acquire) {
            spin_loop();
        }
        both_looked.wait();
        flag.store(true, Ordering::Release);
        inside.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        scope.spawn(look_then_take);
        look_then_take();
    });
    story.equal("two threads hold a lock that is tested and set in two steps", 2, inside.into_inner());
}

fn right(story: &mut Story) {
    story.say(
        "A swap tests and sets in one step. Three threads count, with a load and a store, under each lock.",
    );
    let (naive, backing_off, tickets, queue) =
        (TestAndSet::default(), SpinLock::new(()), TicketLock::new(()), McsLock::new(()));
    let count = |locked: &(dyn Fn(&mut dyn FnMut()) + Sync)| {
        let seen = rounds(3, 30, locked);
        (seen.right, seen.total())
    };
    let seen = [
        count(&|work| naive.with(work)),
        count(&|work| {
            let _guard = backing_off.lock();
            work();
        }),
        count(&|work| {
            let _guard = tickets.lock();
            work();
        }),
        count(&|work| queue.with(|()| work())),
    ];
    story.equal("test-and-set, back-off, ticket and MCS each keep the count right", [(true, 90); 4], seen);
}

/// How often so many threads get a lock in a moment.
fn turns(locked: &(dyn Fn(&mut dyn FnMut()) + Sync)) -> f64 {
    for_a_time(MANY, Duration::from_millis(60), locked).total() as f64
}

fn turns_under_mutex() -> f64 {
    let mutex = Mutex::new(());
    turns(&|work| {
        let _guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        work();
    })
}

fn too_many(story: &mut Story) {
    story.say(format!(
        "{MANY} threads on two cores take turns for 60 ms, under std's Mutex, then under a ticket lock."
    ));
    story.timed(
        "with more threads than cores a ticket lock lets far fewer pass than a mutex",
        Bound::AtLeast(3.0),
        1,
        || {
            on_two_cores(|| {
                let round = |_| {
                    let tickets = TicketLock::new(());
                    let in_turn = turns(&|work| {
                        let _guard = tickets.lock();
                        work();
                    });
                    turns_under_mutex() / in_turn
                };
                (0..5).map(round).collect::<Samples>().median()
            })
        },
    );
    if story.is_timed() {
        let naive = TestAndSet::default();
        let ratio = on_two_cores(|| turns_under_mutex() / turns(&|work| naive.with(work)));
        story.say(format!(
            "The naive test-and-set lock does not show it: the mutex let {ratio:.1} times as many pass just now. Who \
             runs takes it again at once, and the waiters seldom find it free. Unfair, and therefore fast.",
        ));
    }
    story.say(format!("{MANY} threads on two cores meet at a barrier: at one that spins, then at std's."));
    story.timed("a barrier that spins is far slower than one that sleeps", Bound::AtLeast(20.0), 1, || {
        on_two_cores(|| {
            let round = |_| {
                let (spinning, sleeping) = (SpinBarrier::default(), Barrier::new(MANY));
                let sleep = || {
                    sleeping.wait();
                };
                meet(&|| spinning.wait()) / meet(&sleep)
            };
            (0..5).map(round).collect::<Samples>().median()
        })
    });
}

/// A barrier of [`MANY`] whose waiters spin.
#[derive(Default)]
struct SpinBarrier {
    arrived: AtomicUsize,
    round: AtomicUsize,
}

impl SpinBarrier {
    fn wait(&self) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == MANY {
            // Before the round is opened: whoever passes may arrive again at once.
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round + 1, Ordering::Release);
        } else {
            while self.round.load(Ordering::Acquire) == round {
                spin_loop();
            }
        }
    }
}

/// Seconds for a meeting; one before lets all threads start.
fn meet(wait: &(dyn Fn() + Sync)) -> f64 {
    thread::scope(|scope| {
        for _ in 1..MANY {
            scope.spawn(|| (0..2).for_each(|_| wait()));
        }
        wait();
        seconds(wait)
    })
}

fn idle(story: &mut Story) -> lesson::Result {
    story.say("A lock is held for 40 ms. One thread waits for it on a spin lock, then on a mutex: seconds on the clock, and seconds of CPU that the waiter burns.");
    let spinning = SpinLock::new(());
    let sleeping = Mutex::new(());
    let mut last = [(0.0, 0.0); 2];
    story.timed("who waits spinning burns many times the CPU of who sleeps", Bound::AtLeast(10.0), 1, || {
        let spun = wait_beside(|| drop(spinning.lock()), || spinning.lock());
        let guard = || sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        let slept = wait_beside(|| drop(guard()), guard);
        last = [spun, slept];
        spun.1 / slept.1
    });
    if story.is_timed() {
        let [spun, slept] = last.map(|(wall, cpu)| format!("{:6.1} ms {:10.3} ms", wall * 1e3, cpu * 1e3));
        story.show(format!("            clock    CPU of the waiter\nspinning {spun}\nsleeping {slept}\n"));
    }
    Ok(())
}

/// The lock is held for 40 ms while another thread waits for it: seconds that pass for the waiter, and of its CPU.
fn wait_beside<G>(wait: impl Fn() + Sync, hold: impl FnOnce() -> G) -> (f64, f64) {
    let held = hold();
    let begins = Barrier::new(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            begins.wait();
            let before = cpu_seconds();
            let wall = seconds(&wait);
            (wall, cpu_seconds() - before)
        });
        begins.wait();
        thread::sleep(Duration::from_millis(40));
        drop(held);
        waiter.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// CPU that the calling thread has used so far.
fn cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}
