//! How do stages work hand in hand without one drowning the next?
//!
//! In a *pipeline* each stage is a thread (or several) that takes from one channel and gives to the next. If the
//! channel is *bounded*, a stage that is too fast waits when it is full: *back-pressure*, and memory stays
//! bounded whatever the input. The stream ends by closing: when a stage's senders are dropped, the next one's
//! loop ends, and so on down the line. It works upwards too: a stage that gives up drops its receiver, the one
//! before it fails to send and ends. Look at `run_stages`: that is all.
//!
//! In Python: `queue.Queue(maxsize)` between threads, closed by `Queue.shutdown` (3.13) or a sentinel. Beware:
//! `maxsize=0` means without bound, whereas `bounded(0)` is a *rendezvous*: hand to hand.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lesson::{Lesson, Story};

/// The lesson.
pub(super) const LESSON: Lesson = Lesson {
    name: "pipeline",
    question: "How do stages work hand in hand without one drowning the next?",
    python: &["queue.Queue", "queue.Queue.shutdown", "queue.ShutDown"],
    run,
    scenes: &[],
};

/// Items made and not yet used up: now, and at most so far; and how many were made in all.
#[derive(Default)]
struct InFlight {
    now: AtomicUsize,
    peak: AtomicUsize,
    made: AtomicUsize,
}

impl InFlight {
    fn enter(&self) {
        self.made.fetch_add(1, SeqCst);
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(now, SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, SeqCst);
    }

    /// Sleeps until so many are in flight: the way to force the worst case.
    fn wait_for(&self, count: usize) {
        while self.now.load(SeqCst) < count {
            thread::yield_now();
        }
    }
}

type Channel<T> = (Sender<T>, Receiver<T>);

// ANCHOR: run_stages
/// Three stages: numbers are made, squared (the square of `refuse` is an error) and summed up. The last stage
/// keeps the first item in its hand until `worst` are in flight.
fn run_stages(
    items: impl Iterator<Item = u64> + Send,
    [(give_number, numbers), (give_square, squares)]: [Channel<u64>; 2],
    refuse: Option<u64>,
    worst: usize,
    flight: &InFlight,
) -> Result<u64, String> {
    thread::scope(|scope| {
        scope.spawn(move || {
            for item in items {
                flight.enter();
                if give_number.send(item).is_err() {
                    break; // nobody takes them any more
                }
            }
            // `give_number` is dropped here, which ends the next stage's loop.
        });
        let squaring = scope.spawn(move || {
            for number in numbers {
                if Some(number) == refuse {
                    // Both channel ends go with this return: the stage before and the one behind end too.
                    return Err(format!("{number} cannot be squared"));
                }
                if give_square.send(number * number).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let mut sum = 0;
        for (index, square) in squares.into_iter().enumerate() {
            if index == 0 {
                flight.wait_for(worst);
            }
            sum += square;
            flight.leave();
        }
        // The stream ended; whether because all was done, the stage itself knows. It does not panic.
        squaring.join().unwrap_or_else(|_| Err("squaring panicked".to_owned())).map(|()| sum)
    })
}
// ANCHOR_END: run_stages

fn run(story: &mut Story) -> lesson::Result {
    const ITEMS: u64 = 1_000;
    const CAPACITY: usize = 4;
    // Two full channels, and one item in the hand of each of the three stages.
    const BOUND: usize = 2 * CAPACITY + 3;
    let sum: u64 = (0..ITEMS).map(|n| n * n).sum();

    story.say(format!(
        "{ITEMS} numbers go through three stages over two channels of capacity {CAPACITY}. The last stage holds its \
         first item until all before it are stuck: the worst that can happen."
    ));
    let bounded_channels = || [bounded(CAPACITY), bounded(CAPACITY)];
    let flight = InFlight::default();
    let answer = run_stages(0..ITEMS, bounded_channels(), None, BOUND, &flight);
    story.equal("every item arrives, and closing ends stage after stage", Ok(sum), answer);
    story.equal(
        "never more in flight than two full channels and three hands",
        BOUND,
        flight.peak.load(SeqCst),
    );

    story.say("The same without a bound, and a last stage that is slow to start.");
    let flight = InFlight::default();
    let answer = run_stages(0..ITEMS, [unbounded(), unbounded()], None, ITEMS as usize, &flight);
    story.equal("the answer is the same", Ok(sum), answer);
    story.equal("but the whole input lay in memory at once", ITEMS as usize, flight.peak.load(SeqCst));

    story.say("An endless input, and a stage that fails at the number 100.");
    let flight = InFlight::default();
    let answer = run_stages(0.., bounded_channels(), Some(100), 0, &flight);
    story.equal("the error comes out", Err("100 cannot be squared".to_owned()), answer);
    // The failing stage has taken 101; behind them a full channel, and one in the maker's hand.
    let (made, most) = (flight.made.load(SeqCst), 101 + CAPACITY + 1);
    story.claim(
        "all stages end, the endless one too",
        format!("at most {most} made"),
        made.to_string(),
        made <= most,
    );
    Ok(())
}
