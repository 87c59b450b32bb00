//! Runs a program on real threads under one given schedule: one operation at a time, and the next when it is known
//! what became of it.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    thread::{self, Builder},
};

use deadlock::detector::{Detector, Mutex, MutexGuard, Report};

use super::program::{Op, Program, State};

/// What became of an operation.
enum Told {
    Done,
    Refused(Arc<Report>),
}

/// What a run has to be like at each moment, known without the detector: mutexes that serve in the order of arrival.
struct Expected<'a> {
    program: &'a Program,
    state: State,
    /// For each lock who waits.
    queues: Vec<VecDeque<usize>>,
    over: Vec<bool>,
}

impl Expected<'_> {
    fn waits(&self, thread: usize) -> bool {
        self.queues.iter().any(|queue| queue.contains(&thread))
    }

    fn can_move(&self, thread: usize) -> bool {
        !self.over[thread] && !self.waits(thread) && self.program.next(&self.state, thread).is_some()
    }

    /// Those who wait for each other in a ring that is closed if `thread` locks now.
    fn ring(&self, thread: usize) -> Option<Vec<usize>> {
        let ring = self.program.ring(&self.state, thread)?;
        // One that has not begun to lock is not waiting yet.
        ring.iter().skip(1).all(|&member| self.waits(member)).then_some(ring)
    }

    /// `lock` was given back: the thread that has it now.
    fn hand_over(&mut self, lock: usize) -> Option<usize> {
        let next = self.queues[lock].pop_front()?;
        self.state[next] += 1;
        Some(next)
    }
}

/// Runs the program; first along `schedule`, then as `choose` says among those that can move. How often a
/// thread was refused. Panics as soon as anything is not as the model of mutexes says it must be.
pub(crate) fn run(
    program: &Program,
    detector: &Detector,
    schedule: &[usize],
    mut choose: impl FnMut(usize) -> usize,
) -> usize {
    let count = program.threads.len();
    let locks: Vec<Mutex<()>> =
        (0..program.locks).map(|lock| detector.mutex(format!("lock {lock}"), ())).collect();
    let mut expected = Expected {
        program,
        state: vec![0; count],
        queues: vec![VecDeque::new(); program.locks],
        over: vec![false; count],
    };
    let mut refused = 0;
    thread::scope(|scope| {
        let mut ends = Vec::new();
        for (number, ops) in program.threads.iter().enumerate() {
            let (go, turns) = mpsc::channel::<()>();
            let (tell, told) = mpsc::channel();
            let locks = &locks;
            let body = move || perform(ops, locks, &turns, &tell);
            let started = Builder::new().name(number.to_string()).spawn_scoped(scope, body);
            started.expect("the system can start a thread");
            ends.push((go, told));
        }
        let mut given = schedule.iter().copied();
        loop {
            let movable: Vec<usize> = (0..count).filter(|&thread| expected.can_move(thread)).collect();
            if movable.is_empty() {
                break;
            }
            let thread = given.next().unwrap_or_else(|| movable[choose(movable.len())]);
            if !expected.can_move(thread) {
                continue; // a ring that was broken before the end of the schedule
            }
            refused += usize::from(step(&mut expected, detector, &ends, thread));
        }
        let left: Vec<usize> = (0..count).filter(|&thread| expected.waits(thread)).collect();
        assert!(left.is_empty(), "missed: {left:?} wait for ever");
    });
    refused
}

/// One operation of `thread`; whether it was refused, which is right if and only if it closes a ring.
fn step(
    expected: &mut Expected,
    detector: &Detector,
    ends: &[(mpsc::Sender<()>, mpsc::Receiver<Told>)],
    thread: usize,
) -> bool {
    let op = expected.program.next(&expected.state, thread).expect("it can move");
    let done = |thread: usize| match ends[thread].1.recv().expect("it lives") {
        Told::Done => {}
        Told::Refused(report) => panic!("invented: {report}"),
    };
    ends[thread].0.send(()).expect("it lives");
    match op {
        Op::Unlock(lock) => {
            done(thread);
            expected.state[thread] += 1;
            expected.hand_over(lock).into_iter().for_each(done);
        }
        Op::Lock(lock) if expected.program.owner(&expected.state, lock).is_none() => {
            done(thread);
            expected.state[thread] += 1;
        }
        Op::Lock(lock) => match expected.ring(thread) {
            None => {
                expected.queues[lock].push_back(thread);
                let name = thread.to_string();
                while !detector.waiting().contains(&name) {
                    if let Ok(Told::Refused(report)) = ends[thread].1.try_recv() {
                        panic!("invented: {report}");
                    }
                    thread::yield_now();
                }
            }
            Some(ring) => {
                let Told::Refused(report) = ends[thread].1.recv().expect("it lives") else {
                    panic!("missed: {ring:?} and yet it went on");
                };
                let members: Vec<String> =
                    report.threads().iter().map(|stuck| stuck.thread.clone()).collect();
                let ring: Vec<String> = ring.iter().map(ToString::to_string).collect();
                assert_eq!(members, ring, "the ring from the refused on");
                // It has given back all it held before it told, in the order of the locks, and stands at its start.
                let owned = |lock: &usize| expected.program.owner(&expected.state, *lock) == Some(thread);
                let held: Vec<usize> = (0..expected.program.locks).filter(owned).collect();
                expected.over[thread] = true;
                expected.state[thread] = 0;
                for lock in held {
                    expected.hand_over(lock).into_iter().for_each(done);
                }
                return true;
            }
        },
    }
    false
}

fn perform(ops: &[Op], locks: &[Mutex<()>], turns: &mpsc::Receiver<()>, tell: &mpsc::Sender<Told>) {
    let mut held: Vec<Option<MutexGuard<()>>> = locks.iter().map(|_| None).collect();
    for op in ops {
        if turns.recv().is_err() {
            return; // the run has failed elsewhere
        }
        match *op {
            Op::Unlock(lock) => held[lock] = None,
            Op::Lock(lock) => match locks[lock].lock() {
                Ok(guard) => held[lock] = Some(guard),
                Err(error) => {
                    let report = error.report().cloned().expect("nobody panics while it holds a lock");
                    held.iter_mut().for_each(|guard| *guard = None);
                    // Nobody listens when the run has failed elsewhere.
                    let _ = tell.send(Told::Refused(report));
                    return;
                }
            },
        }
        let _ = tell.send(Told::Done);
    }
}
