//! What does the interpreter lock cost where nobody wants it, and how long until the next one has it? Ratios within a
//! round.
//!
//! A hand-over is measured from the moment at which one thread lets go until the other, which slept, runs with it.
//! Beside it stands the least that does the same: a flag under a mutex, and a condition variable. Both threads have a
//! core of their own.

use std::{
    env,
    hint::black_box,
    sync::{
        Barrier, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use benches::own_core;
use gil::Gil;
use lesson::measure::{Samples, in_turn, ratio};

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, times) = if quick { (5, 200) } else { (11, 500) };
    checkpoints(rounds);
    hand_overs(rounds, times);
}

fn checkpoints(rounds: usize) {
    const TIMES: u64 = 20_000_000;
    let gil = Gil::default();
    let mut held = gil.attach();
    let mut bare = || {
        for time in 0..TIMES {
            black_box(time);
        }
    };
    let mut checked = || {
        for time in 0..TIMES {
            black_box(time);
            black_box(held.checkpoint());
        }
    };
    let [bare, checked] = in_turn(rounds, [&mut bare, &mut checked]);
    let each = |samples: &Samples| samples.median() / TIMES as f64 * 1e9;
    println!(
        "a checkpoint with nobody waiting: {:.2} ns, of which the loop {:.2} ns",
        each(&checked),
        each(&bare)
    );
}

fn hand_overs(rounds: usize, times: usize) {
    let (mut bare, mut asked, mut unasked) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..rounds {
        bare.push(bare_condvar(times));
        asked.push(by_gil(times, |held, _, _| assert!(held.give_way())));
        unasked.push(by_gil(times, |held, clock, time| held.blocking(|| clock.wait_until_taken(time + 1))));
    }
    for (name, own) in [
        ("bare condition variable", &bare),
        ("gil, asked", &asked),
        ("gil, before a blocking call", &unasked),
    ] {
        println!("{name:35} {:7.2} us a hand-over, {:.2}x of bare", own.median(), ratio(own, &bare));
    }
}

/// How long the giver lets the sleeper fall asleep before each hand-over.
fn pause() {
    let until = Instant::now() + Duration::from_micros(100);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// When the giver let go, in nanoseconds, and the sum of all times until the taker ran.
struct Clock {
    start: Instant,
    given: AtomicU64,
    sum: AtomicU64,
    taken: AtomicUsize,
    /// How often the giver has had the lock back.
    back: AtomicUsize,
}

impl Clock {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            given: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            taken: AtomicUsize::new(0),
            back: AtomicUsize::new(0),
        }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn give(&self) {
        self.given.store(self.now(), SeqCst);
    }

    fn take(&self) {
        self.sum.fetch_add(self.now() - self.given.load(SeqCst), SeqCst);
        self.taken.fetch_add(1, SeqCst);
    }

    fn wait_until_taken(&self, times: usize) {
        while self.taken.load(SeqCst) < times {
            std::hint::spin_loop();
        }
    }

    /// Microseconds a hand-over.
    fn each(&self, times: usize) -> f64 {
        assert_eq!(self.taken.load(SeqCst), times, "hand-overs");
        self.sum.load(SeqCst) as f64 / times as f64 / 1e3
    }
}

/// One thread holds a lock and gives it away, another sleeps until it has it, drops it, and comes again.
fn by_gil(times: usize, give: impl Fn(&mut gil::Held<'_>, &Clock, usize) + Sync) -> f64 {
    // So long that nobody asks: what is measured is the hand-over.
    let gil = Gil::new(Duration::from_secs(60));
    let clock = Clock::new();
    let giver_is_there = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            own_core(0);
            let mut held = gil.attach();
            giver_is_there.wait();
            for time in 0..times {
                while gil.waiting() == 0 {
                    thread::yield_now();
                }
                pause();
                clock.give();
                give(&mut held, &clock, time);
                clock.back.fetch_add(1, SeqCst);
            }
        });
        scope.spawn(|| {
            own_core(1);
            giver_is_there.wait();
            for time in 0..times {
                // Else it would take the lock again while the giver, who waits for it, is still waking up.
                while clock.back.load(SeqCst) < time {
                    thread::yield_now();
                }
                let held = gil.attach();
                clock.take();
                drop(held);
            }
        });
    });
    clock.each(times)
}

/// The same with a flag under a mutex.
fn bare_condvar(times: usize) -> f64 {
    let (turn, came, went) = (Mutex::new((false, false)), Condvar::new(), Condvar::new());
    let lock = || turn.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = Clock::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            own_core(1);
            for _ in 0..times {
                let mut state = lock();
                // Is there, and waits.
                state.1 = true;
                let mut state =
                    came.wait_while(state, |(given, _)| !*given).unwrap_or_else(PoisonError::into_inner);
                *state = (false, false);
                drop(state);
                // Before it runs, as who takes the interpreter lock does: the giver is told.
                went.notify_one();
                clock.take();
            }
        });
        scope.spawn(|| {
            own_core(0);
            for _ in 0..times {
                while !lock().1 {
                    thread::yield_now();
                }
                pause();
                clock.give();
                let mut state = lock();
                state.0 = true;
                came.notify_one();
                drop(went.wait_while(state, |(given, _)| *given).unwrap_or_else(PoisonError::into_inner));
            }
        });
    });
    clock.each(times)
}
