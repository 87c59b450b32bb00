//! A whole dinner: on real threads with figures, or as a program for the explorer. In both, no two neighbours may eat
//! at the same time.

use std::{
    hint::black_box,
    sync::{
        Arc, Barrier, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use model::schedule::{Program, pause};

use super::{Explored, Real, Strategy, left_and_right};

/// What came of a dinner.
#[derive(Clone, Debug)]
pub struct Dinner {
    /// Meals of each philosopher when the first one had had all of his.
    pub when_first_was_done: Vec<u64>,
    /// Meals of all in the end.
    pub meals: u64,
    /// How long it took until all were done.
    pub took: Duration,
}

impl Dinner {
    /// Meals in a second, all philosophers together.
    pub fn per_second(&self) -> f64 {
        self.meals as f64 / self.took.as_secs_f64()
    }

    /// The least and the most meals when the first one was done: who waits most, and who least.
    pub fn least_and_most(&self) -> (u64, u64) {
        let meals = || self.when_first_was_done.iter().copied();
        (meals().min().unwrap_or(0), meals().max().unwrap_or(0))
    }
}

/// Which forks are in use; notices when two use one.
struct InUse(Vec<AtomicBool>);

impl InUse {
    // Relaxed: whoever uses a fork holds it, and the strategy's locks order what happens to it.
    fn eat(&self, who: usize, meal: impl FnOnce()) {
        let (left, right) = left_and_right(who, self.0.len());
        for fork in [left, right] {
            assert!(!self.0[fork].swap(true, Relaxed), "fork {fork} is used by two");
        }
        meal();
        for fork in [left, right] {
            self.0[fork].store(false, Relaxed);
        }
    }
}

/// So many philosophers, each on a thread, eat `meals` times each as fast as they can; a meal keeps a core busy for
/// some microseconds. With [`Naive`](super::Naive) it
/// may never end.
///
/// # Panics
/// When a fork is used by two at the same time.
pub fn dinner<S: Strategy<Real>>(seats: usize, meals: u64) -> Dinner {
    let strategy = S::new(seats);
    let in_use = InUse((0..seats).map(|_| AtomicBool::new(false)).collect());
    let eaten: Vec<AtomicU64> = (0..seats).map(|_| AtomicU64::new(0)).collect();
    let (begin, start) = (Barrier::new(seats), OnceLock::new());
    let eat_all = |who: usize| {
        begin.wait();
        let start = *start.get_or_init(Instant::now);
        for _ in 0..meals {
            strategy.dine(who, || in_use.eat(who, chew));
            eaten[who].fetch_add(1, Relaxed);
        }
        let seen: Vec<u64> = eaten.iter().map(|meals| meals.load(Relaxed)).collect();
        (start.elapsed(), seen)
    };
    let eat_all = &eat_all;
    let ends: Vec<(Duration, Vec<u64>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..seats).map(|who| scope.spawn(move || eat_all(who))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no fork is used by two");
        threads.into_iter().map(join).collect()
    });
    let first = ends.iter().min_by_key(|(end, _)| *end).map(|(_, seen)| seen.clone());
    Dinner {
        when_first_was_done: first.unwrap_or_default(),
        meals: eaten.into_iter().map(AtomicU64::into_inner).sum(),
        took: ends.iter().map(|(end, _)| *end).max().unwrap_or_default(),
    }
}

/// A meal: some microseconds of work in registers.
fn chew() {
    black_box((0..2_000_u64).fold(1, |x, bite| black_box(x ^ bite)));
}

/// The same for the explorer: each philosopher is a thread of the schedule, and to eat takes a step if `eating` says so
/// (then two who eat at once can be seen; without it there are far fewer schedules).
pub fn program<S: Strategy<Explored>>(seats: usize, meals: u64, eating: bool) -> impl Fn(&mut Program) {
    move |program| {
        let strategy = Arc::new(S::new(seats));
        let in_use = Arc::new(InUse((0..seats).map(|_| AtomicBool::new(false)).collect()));
        for who in 0..seats {
            let (strategy, in_use) = (Arc::clone(&strategy), Arc::clone(&in_use));
            program.thread(who.to_string(), move || {
                for _ in 0..meals {
                    let meal = || {
                        if eating {
                            pause("eats")
                        }
                    };
                    strategy.dine(who, || in_use.eat(who, meal));
                }
            });
        }
    }
}
