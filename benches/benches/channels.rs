//! How fast do values go from one thread to one other, and through queues with a lock? In turn in each round;
//! ratios within a round, each beside what two bare cache lines need for a round trip.

use std::{
    collections::VecDeque,
    env,
    hint::{black_box, spin_loop},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use crossbeam_utils::CachePadded;
use lesson::measure::{Samples, in_turn, ratio, seconds};
use synchronization::{Queue, ring};

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, values) = if quick { (5, 200_000) } else { (11, 2_000_000) };
    stream(rounds, values);
    round_trip(rounds, values / 20);
    queues(rounds, values / 20);
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

/// One way, as fast as it goes; a full or empty ring is asked again at once.
fn stream(rounds: usize, values: u64) {
    let [ours, rtrb, std] = in_turn(
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
                let (sender, receiver) = mpsc::sync_channel(1024);
                one_way(
                    values,
                    move |value| sender.try_send(value).is_ok(),
                    move || receiver.try_recv().ok(),
                );
            },
        ],
    );
    report("ring, one way, against rtrb", &ours, &rtrb);
    report("ring, one way, against std's sync_channel", &ours, &std);
}

fn one_way(
    values: u64,
    mut put: impl FnMut(u64) -> bool + Send,
    mut take: impl FnMut() -> Option<u64> + Send,
) {
    thread::scope(|scope| {
        scope.spawn(move || {
            for value in 0..values {
                while !put(value) {
                    spin_loop();
                }
            }
        });
        let mut sum = 0;
        for _ in 0..values {
            sum += loop {
                match take() {
                    Some(value) => break value,
                    None => spin_loop(),
                }
            };
        }
        assert_eq!(sum, values * (values - 1) / 2, "a value was lost");
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
            for _ in 0..trips {
                let value: u64 = wait(|| arrived.pop());
                let _ = back.push(value);
            }
        });
        for trip in 0..trips {
            let _ = there.push(trip);
            assert_eq!(wait(|| returned.pop()), trip);
        }
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
            for trip in 1..=trips {
                // Acquire and Release: each pairs with the other side's, as in the ring.
                while there.load(Ordering::Acquire) != trip {
                    spin_loop();
                }
                back.store(trip, Ordering::Release);
            }
        });
        for trip in 1..=trips {
            there.store(trip, Ordering::Release);
            while back.load(Ordering::Acquire) != trip {
                spin_loop();
            }
        }
    });
}

/// Two producers and two consumers: ours, crossbeam's, and the plainest that works.
fn queues(rounds: usize, values: u64) {
    let [ours, crossbeam, plain] = in_turn(
        rounds,
        [
            &mut || {
                let queue = Queue::bounded(1024);
                two_to_two(
                    values,
                    |value| queue.put(value).unwrap_or_default(),
                    || queue.get().unwrap_or_default(),
                );
            },
            &mut || {
                let (sender, receiver) = crossbeam_channel::bounded(1024);
                two_to_two(
                    values,
                    |value| sender.send(value).unwrap_or_default(),
                    || receiver.recv().unwrap_or_default(),
                );
            },
            &mut || {
                let queue = Arc::new((Mutex::new(VecDeque::new()), Condvar::new()));
                two_to_two(
                    values,
                    |value| {
                        queue.0.lock().expect("no panic").push_back(value);
                        queue.1.notify_one();
                    },
                    || {
                        let filled = queue.0.lock().expect("no panic");
                        let mut filled =
                            queue.1.wait_while(filled, |items| items.is_empty()).expect("no panic");
                        filled.pop_front().unwrap_or_default()
                    },
                );
            },
        ],
    );
    report("Queue, two to two, against crossbeam-channel", &ours, &crossbeam);
    report("Queue, two to two, against Mutex<VecDeque> and Condvar", &ours, &plain);
}

fn two_to_two(values: u64, put: impl Fn(u64) + Sync, take: impl Fn() -> u64 + Sync) {
    black_box(seconds(|| {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..values).for_each(&put));
            }
            for _ in 0..2 {
                scope.spawn(|| (0..values).map(|_| take()).sum::<u64>());
            }
        });
    }));
}
