//! A read-write lock pays where reading takes long, and loses where it is short.

use std::{
    hint::black_box,
    sync::{Mutex, RwLock},
    thread,
    time::Duration,
};

use lesson::{Bound, Story, measure};

const READS: u32 = 1_000_000;
const READERS: usize = 4;

pub(super) fn measured(story: &mut Story) {
    story.timed(
        "where reading takes long (5 ms), four readers at once beat four one after the other",
        Bound::AtLeast(2.0),
        1,
        || {
            let (shared, exclusive) = (RwLock::new(7_u32), Mutex::new(7_u32));
            let [at_once, in_turn] = measure::in_turn(
                5,
                [&mut || readers(|| pause(shared.read())), &mut || readers(|| pause(exclusive.lock()))],
            );
            measure::ratio(&in_turn, &at_once)
        },
    );
    let claims = [
        (
            "where it is short, two threads reading take longer than one for as many reads".into(),
            Bound::AtLeast(1.2),
        ),
        ("and the RwLock is not much faster than a Mutex: at best 1 / 0.6".into(), Bound::AtLeast(0.6)),
    ];
    story.timed_all(claims, 2, || {
        let (shared, exclusive) = (RwLock::new(7_u32), Mutex::new(7_u32));
        let read_shared = |times| (0..times).for_each(|_| drop(black_box(shared.read())));
        let read_exclusive = |times| (0..times).for_each(|_| drop(black_box(exclusive.lock())));
        let [alone, two, two_with_mutex] = measure::in_turn(
            5,
            [&mut || read_shared(2 * READS), &mut || on_two(|| read_shared(READS)), &mut || {
                on_two(|| read_exclusive(READS))
            }],
        );
        [measure::ratio(&two, &alone), measure::ratio(&two, &two_with_mutex)]
    });
}

/// Keeps a guard for as long as a long read takes.
fn pause<G>(guard: G) {
    thread::sleep(Duration::from_millis(5));
    drop(guard);
}

fn readers(read: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(&read);
        }
    });
}

fn on_two(work: impl Fn() + Sync) {
    thread::scope(|scope| {
        scope.spawn(&work);
        work();
    });
}
