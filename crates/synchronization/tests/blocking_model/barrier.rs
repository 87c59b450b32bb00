//! All of a cycle pass or none does, nobody passes before all have come, and nobody is left behind.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time,
};
use synchronization::{Barrier, BrokenBarrier};

use crate::{HURRY, until, with};

#[test]
fn nobody_passes_before_all_have_come() {
    model::explore(&Explore::named("barrier: three parties").preemptions(2).floor(140), || {
        let shared = Arc::new((Barrier::new(3), AtomicUsize::new(0)));
        let body = |(barrier, came): &(Barrier, AtomicUsize)| {
            came.fetch_add(1, Relaxed);
            let index = barrier.wait();
            assert_eq!(came.load(Relaxed), 3, "passed too early");
            index.unwrap()
        };
        let others = [with(&shared, body), with(&shared, body)];
        let mine = body(&shared);
        let [first, second] = others.map(|other| other.join().unwrap());
        let mut indices = [mine, first, second];
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2]);
    });
}

#[test]
fn it_is_used_again_at_once() {
    model::explore(&Explore::named("barrier: two parties, three cycles").floor(30), || {
        let barrier = Arc::new(Barrier::new(2));
        let cycles = |barrier: &Barrier| [(); 3].map(|()| barrier.wait().unwrap());
        let other = with(&barrier, cycles);
        let (mine, theirs) = (cycles(&barrier), other.join().unwrap());
        assert!(mine.iter().zip(theirs).all(|(mine, theirs)| mine + theirs == 1), "{mine:?} {theirs:?}");
    });
}

#[test]
fn the_action_runs_once_in_a_cycle_and_before_anyone_goes_on() {
    model::explore(&Explore::named("barrier: action").floor(11), || {
        let runs = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&runs);
        let barrier = Barrier::with_action(2, move || {
            counts.fetch_add(1, Relaxed);
        });
        let shared = Arc::new((barrier, runs));
        let body = |(barrier, runs): &(Barrier, Arc<AtomicUsize>)| {
            barrier.wait().unwrap();
            let after_first = runs.load(Relaxed);
            barrier.wait().unwrap();
            (after_first, runs.load(Relaxed))
        };
        let other = with(&shared, body);
        assert_eq!((body(&shared), other.join().unwrap()), ((1, 2), (1, 2)));
    });
}

#[test]
fn either_all_pass_or_time_ran_out_for_all() {
    let plan = Explore::named("barrier: time runs out against the last party").floor(20);
    model::explore(&plan, || {
        let barrier = Arc::new(Barrier::new(2));
        let hurried = with(&barrier, |barrier| barrier.wait_timeout(HURRY));
        let clock = model::thread::spawn(time::pass);
        let mine = barrier.wait();
        let theirs = hurried.join().unwrap();
        clock.join().unwrap();
        assert_eq!(mine.is_ok(), theirs.is_ok(), "they do not agree");
        assert_eq!(barrier.is_broken(), mine.is_err());
    });
}

#[test]
fn an_action_on_its_way_is_waited_for() {
    let plan = Explore::named("barrier: time runs out during the action").floor(20);
    model::explore(&plan, || {
        let barrier = Arc::new(Barrier::with_action(2, model::thread::yield_now));
        let hurried = with(&barrier, |barrier| barrier.wait_timeout(HURRY));
        let clock = model::thread::spawn(time::pass);
        let mine = barrier.wait();
        assert_eq!(mine.is_ok(), hurried.join().unwrap().is_ok(), "they do not agree");
        clock.join().unwrap();
    });
}

#[test]
fn either_all_pass_or_it_was_aborted_for_all() {
    model::explore(&Explore::named("barrier: abort").preemptions(2).floor(90), || {
        let barrier = Arc::new(Barrier::new(2));
        let other = with(&barrier, Barrier::wait);
        let aborts = with(&barrier, Barrier::abort);
        let mine = barrier.wait();
        assert_eq!(mine.is_ok(), other.join().unwrap().is_ok(), "they do not agree");
        aborts.join().unwrap();
        assert!(barrier.is_broken());
    });
}

#[test]
fn who_waited_at_a_reset_learns_it_even_if_the_next_cycle_passes_first() {
    model::explore(&Explore::named("barrier: reset").preemptions(2).floor(90), || {
        let barrier = Arc::new(Barrier::new(2));
        let before = with(&barrier, Barrier::wait);
        until(|| barrier.waiting() == 1);
        barrier.reset();
        let after = with(&barrier, Barrier::wait);
        assert!(barrier.wait().is_ok());
        assert!(after.join().unwrap().is_ok());
        assert_eq!(before.join().unwrap(), Err(BrokenBarrier), "it passed without a partner");
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::{
        sync::{Condvar, Mutex},
        time::Deadline,
    };
    use testkit::must_find;

    use super::*;

    /// Two parties.
    #[derive(Default)]
    struct Meeting {
        /// Who has come, and in which generation.
        state: Mutex<(usize, usize)>,
        full: Condvar,
    }

    impl Meeting {
        /// Knows no generations: the second cycle begins before all have left the first.
        fn wait_for_the_count(&self) {
            let mut state = self.state.lock().unwrap();
            state.0 += 1;
            if state.0 == 2 {
                state.0 = 0;
                self.full.notify_all();
            } else {
                drop(self.full.wait_while(state, |(came, _)| *came != 0).unwrap());
            }
        }

        /// Knows generations, but not how they ended.
        fn wait(&self) {
            let mut state = self.state.lock().unwrap();
            state.0 += 1;
            if state.0 == 2 {
                *state = (0, state.1 + 1);
                self.full.notify_all();
            } else {
                let generation = state.1;
                drop(self.full.wait_while(state, |(_, now)| *now == generation).unwrap());
            }
        }

        fn reset(&self) {
            let mut state = self.state.lock().unwrap();
            *state = (0, state.1 + 1);
            self.full.notify_all();
        }

        /// Late is late, even if the other one has come.
        fn wait_or_leave(&self, deadline: Deadline) -> bool {
            let mut state = self.state.lock().unwrap();
            state.0 += 1;
            if state.0 == 2 {
                self.full.notify_all();
                return true;
            }
            while state.0 < 2 {
                let late;
                (state, late) = deadline.wait(&self.full, state);
                if late {
                    state.0 = 2; // broken: lets the other one know
                    self.full.notify_all();
                    return false;
                }
            }
            true
        }
    }

    #[test]
    fn without_generations_the_next_cycle_takes_one_in() {
        must_find("barrier: no generations", "deadlock", || {
            model::explore(&Explore::named("barrier: no generations"), || {
                let meeting = Arc::new(Meeting::default());
                let body = |meeting: &Meeting| (0..3).for_each(|_| meeting.wait_for_the_count());
                let other = with(&meeting, body);
                body(&meeting);
                other.join().unwrap();
            });
        });
    }

    #[test]
    fn a_reset_that_looks_like_a_full_cycle() {
        must_find("barrier: a reset is a generation", "it passed without a partner", || {
            model::explore(&Explore::named("barrier: a reset is a generation"), || {
                let shared = Arc::new((Meeting::default(), AtomicUsize::new(0)));
                let before = with(&shared, |(meeting, passed)| {
                    meeting.wait();
                    passed.fetch_add(1, Relaxed);
                });
                until(|| shared.0.state.lock().unwrap().0 == 1);
                shared.0.reset();
                before.join().unwrap();
                assert_eq!(shared.1.load(Relaxed), 0, "it passed without a partner");
            });
        });
    }

    #[test]
    fn one_is_late_and_the_other_one_passes() {
        must_find("barrier: no look after the end of time", "they do not agree", || {
            let plan = Explore::named("barrier: no look after the end of time").iterations(20_000);
            model::explore(&plan, || {
                let meeting = Arc::new(Meeting::default());
                let hurried = with(&meeting, |meeting| meeting.wait_or_leave(Deadline::after(HURRY)));
                let clock = model::thread::spawn(time::pass);
                until(|| meeting.state.lock().unwrap().0 > 0);
                let mine = meeting.wait_or_leave(Deadline::never());
                let theirs = hurried.join().unwrap();
                clock.join().unwrap();
                // One who comes to a broken barrier counts 3.
                assert!(mine == theirs || meeting.state.lock().unwrap().0 != 2, "they do not agree");
            });
        });
    }
}
