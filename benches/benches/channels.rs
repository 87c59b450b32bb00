//! How fast do values go from one thread to one other, and through queues with a lock? In turn in each round;
//! ratios within a round, each beside what two bare cache lines need for a round trip. Of two threads each has a core of its own.

use std::{
    collections::VecDeque,
    env,
    hint::spin_loop,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use benches::own_core;
use crossbeam_utils::CachePadded;
use lesson::measure::{Samples, in_turn, ratio};
use synchronization::{Queue, ring};

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, values) = if quick { (5, 200_000) } else { (11, 2_000_000) };
    stream(rounds, values);
    round_trip(rounds, values / 20);
    queues(rounds, values / 10);
}

/// Prints how many times as fast as `theirs` ours is.
fn report(what: &str, ours: &Samples, theirs: &Samples) {
    println!(
        "{what}: {:.2}x as fast (medians {:.4} s against {:.4} s, {} rounds)",
        ratio(theirs, ours),
        ours.median(),
        theirs.median(),
        ours.len()
    );
}

/// One way, as fast as it goes. Ours and `rtrb` never wait: a full or empty ring is asked again at once. std's channels
/// can be used like that too, or as they mostly are, so that who finds nothing to do sleeps.
fn stream(rounds: usize, values: u64) {
    let samples = in_turn(
        rounds,
        [
            &mut || {
                let (mut producer, mut consumer) = ring::channel(1024);
                one_way(values, move |value| producer.push(value).is_ok(), move || consumer.pop());
            },
            &mut || {
                let (mut producer, mut consumer) = rtrb::RingBuffer::new(1024);
                one_way(values, move |value| producer.push(value).is_ok(), move || consumer.pop().ok());
            },
            &mut || {
                let (sender, receiver) = mpsc::channel();
                one_way(values, move |value| sender.send(value).is_ok(), move || receiver.recv().ok());
            },
            &mut || {
                let (sender, receiver) = mpsc::channel();
                one_way(values, move |value| sender.send(value).is_ok(), move || receiver.try_recv().ok());
            },
            &mut || {
                let (sender, receiver) = mpsc::sync_channel(1024);
                one_way(values, move |value| sender.send(value).is_ok(), move || receiver.recv().ok());
            },
            &mut || {
                let (sender, receiver) = mpsc::sync_channel(1024);
                one_way(
                    values,
                    move |value| sender.try_send(value).is_ok(),
                    move || receiver.try_recv().ok(),
                );
            },
        ],
    );
    let others = [
        "rtrb",
        "std's channel, send and recv",
        "std's channel, send and try_recv",
        "std's sync_channel, send and recv",
        "std's sync_channel, try_send and try_recv",
    ];
    for (other, theirs) in others.iter().zip(&samples[1..]) {
        report(&format!("ring, one way, against {other}"), &samples[0], theirs);
    }
}

fn one_way(
    values: u64,
    mut put: impl FnMut(u64) -> bool + Send,
    mut take: impl FnMut() -> Option<u64> + Send,
) {
    thread::scope(|scope| {
        scope.spawn(move || {
            own_core(1);
            for value in 0..values {
                while !put(value) {
                    spin_loop();
                }
            }
        });
        scope.spawn(move || {
            own_core(0);
            let sum: u64 = (0..values).map(|_| wait(&mut take)).sum();
            assert_eq!(sum, values * (values - 1) / 2, "a value was lost");
        });
    });
}

/// There and back: through two rings, and through two words on lines of their own.
fn round_trip(rounds: usize, trips: u64) {
    let [ours, bare] = in_turn(rounds, [&mut || ping_pong_rings(trips), &mut || ping_pong_lines(trips)]);
    let share = ratio(&ours, &bare);
    println!(
        "ring, round trip: {share:.2}x of two bare cache lines (medians {:.0} ns against {:.0} ns)",
        ours.median() / trips as f64 * 1e9,
        bare.median() / trips as f64 * 1e9
    );
}

fn ping_pong_rings(trips: u64) {
    let (mut there, mut arrived) = ring::channel(16);
    let (mut back, mut returned) = ring::channel(16);
    thread::scope(|scope| {
        scope.spawn(move || {
            own_core(1);
            for _ in 0..trips {
                let value: u64 = wait(|| arrived.pop());
                let _ = back.push(value);
            }
        });
        scope.spawn(move || {
            own_core(0);
            for trip in 0..trips {
                let _ = there.push(trip);
                assert_eq!(wait(|| returned.pop()), trip);
            }
        });
    });
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(value) = look() {
            return value;
        }
        spin_loop();
    }
}

fn ping_pong_lines(trips: u64) {
    let [there, back] = [(); 2].map(|()| CachePadded::new(AtomicU64::new(0)));
    thread::scope(|scope| {
        let (there, back) = (&there, &back);
        scope.spawn(move || {
            own_core(1);
            for trip in 1..=trips {
                // Acquire and Release: each pairs with the other side's, as in the ring.
                while there.load(Ordering::Acquire) != trip {
                    spin_loop();
                }
                back.store(trip, Ordering::Release);
            }
        });
        scope.spawn(move || {
            own_core(0);
            for trip in 1..=trips {
                there.store(trip, Ordering::Release);
                while back.load(Ordering::Acquire) != trip {
                    spin_loop();
                }
            }
        });
    });
}

/// Two producers and two consumers through room for 1,024: ours, crossbeam's, and the plainest that works.
///
/// Ours is 0.3 to 0.4 times as fast as crossbeam's, which has no lock: there, who puts and who gets claim a slot each
/// with one step on a word of their own. Ours takes a lock for each, on whose cache line all four meet: that is the
/// price of any order of the items, of `join`, and of a shutdown that drops what is queued.
fn queues(rounds: usize, values: u64) {
    const ROOM: usize = 1024;
    let [ours, crossbeam, plain] = in_turn(
        rounds,
        [
            &mut || {
                let queue = Queue::bounded(ROOM);
                two_to_two(values, |value| queue.put(value).is_ok(), || queue.get().ok());
            },
            &mut || {
                let (sender, receiver) = crossbeam_channel::bounded(ROOM);
                two_to_two(values, |value| sender.send(value).is_ok(), || receiver.recv().ok());
            },
            &mut || {
                let queue = PlainQueue { room: ROOM, ..PlainQueue::default() };
                two_to_two(values, |value| queue.put(value), || queue.get());
            },
        ],
    );
    report("Queue, two to two, against crossbeam-channel", &ours, &crossbeam);
    report("Queue, two to two, against Mutex<VecDeque> and two Condvars", &ours, &plain);
}

/// What a textbook shows: std's mutex, a condition variable for each kind of waiter, a notification for each item.
#[derive(Default)]
struct PlainQueue {
    items: Mutex<VecDeque<u64>>,
    not_empty: Condvar,
    not_full: Condvar,
    room: usize,
}

impl PlainQueue {
    fn put(&self, value: u64) -> bool {
        let items = self.items.lock().expect("no panic");
        let mut items = self.not_full.wait_while(items, |items| items.len() >= self.room).expect("no panic");
        items.push_back(value);
        drop(items);
        self.not_empty.notify_one();
        true
    }

    fn get(&self) -> Option<u64> {
        let items = self.items.lock().expect("no panic");
        let mut items = self.not_empty.wait_while(items, |items| items.is_empty()).expect("no panic");
        let value = items.pop_front();
        drop(items);
        self.not_full.notify_one();
        value
    }
}

/// One who puts and one who gets on each of two cores.
fn two_to_two(values: u64, put: impl Fn(u64) -> bool + Sync, take: impl Fn() -> Option<u64> + Sync) {
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        let (put, take, sum) = (&put, &take, &sum);
        for core in 0..2 {
            scope.spawn(move || {
                own_core(core);
                assert!((0..values).all(put));
            });
            scope.spawn(move || {
                own_core(1 - core);
                // Relaxed: the end of the thread orders it.
                sum.fetch_add((0..values).map_while(|_| take()).sum(), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(sum.into_inner(), values * (values - 1), "a value was lost");
}
