//! How much faster is CPU-bound work on N threads?
//!
//! At best N times, on N cores, and two things take from it. **Amdahl's law**: what cannot be shared out stays as
//! it is. With a serial share s the speed-up on N cores is 1 / (s + (1 - s) / N), and never more than 1 / s,
//! however many cores there are. **Load imbalance**: all wait for the worker that ends last. If one of two
//! workers is dealt 90 % of the work, the speed-up is 1 / 0.9, whatever Amdahl says.
//!
//! The lesson draws a Mandelbrot picture, where a tile costs anything between nothing and a thousand iterations a
//! pixel, and looks for primes in pieces that all cost the same. Look at the static split, which deals half of
//! the pieces to each thread: it is good for the primes and nearly worthless for the picture. Taking the next
//! piece from a shared counter is good for both.
//!
//! In Python threads do not help here at all, because of the interpreter lock: `ProcessPoolExecutor` does.
//! Source: G. Amdahl, "Validity of the single processor approach", AFIPS 1967.

use lesson::{Bound, Lesson, Story, measure};
use workload::{Mandelbrot, Primes, Timeline, Workers, Workload, mandelbrot::Counts, sequential};

use crate::mechanisms::mechanism;

/// How much faster is CPU-bound work on N threads?
pub(super) const LESSON: Lesson = Lesson {
    name: "speedup",
    question: "How much faster is CPU-bound work on N threads?",
    python: &["ProcessPoolExecutor.map", "multiprocessing.Pool.map"],
    run,
    scenes: &[],
};

const ROUNDS: usize = 5;

fn run(story: &mut Story) -> lesson::Result {
    let picture = Mandelbrot { width: 1_000, height: 750, ..Mandelbrot::default() };
    let primes = Primes { below: 2_000_000, pieces: 256 };
    let counts = same_answers(story, &picture)?;
    same_answers(story, &primes)?;

    story.say("Before any clock: who is dealt how much? Half of the tiles are not half of the iterations.");
    let dearest = dearest_half(&picture, &counts)?;
    story.claim(
        "one of two static halves of the picture holds most of the iterations: all wait for it",
        "at least 0.75 of them",
        format!("{dearest:.2}: the speed-up ends at {:.2}x", 1.0 / dearest),
        dearest >= 0.75,
    );
    if story.is_timed() {
        let share = serial_share(&picture)?;
        story.say(format!(
            "Cutting and combining is all that is not shared out here: {:.2} % of a sequential run. With that \
             Amdahl's law gives {:.2}x on 2 cores and {:.0}x on 64; the static half is what hurts.",
            100.0 * share,
            amdahl(share, 2.0),
            amdahl(share, 64.0)
        ));
    }
    let against = |what: &str, bound| (what.to_owned(), bound);
    story.timed_all(
        [
            against("2 threads that take the next tile are faster than one", Bound::AtLeast(1.75)),
            against("2 threads with half of the tiles each gain little", Bound::AtMost(1.25)),
            against("so the dynamic split is faster than the static one", Bound::AtLeast(1.5)),
        ],
        2,
        || {
            let [alone, split, dynamic] = times(&picture);
            let ratio = measure::ratio;
            [ratio(&alone, &dynamic), ratio(&alone, &split), ratio(&split, &dynamic)]
        },
    );
    story.timed(
        "where pieces cost the same, the static split loses little against the dynamic one",
        Bound::AtMost(1.3),
        2,
        || {
            let [_, split, dynamic] = times(&primes);
            measure::ratio(&split, &dynamic)
        },
    );
    Ok(())
}

/// Seconds of the three ways, in turn: sequential, static, dynamic; with two workers.
fn times<W: Workload>(work: &W) -> [measure::Samples; 3] {
    measure::in_turn(
        ROUNDS,
        [
            &mut || drop(sequential(work, &Timeline::off())),
            &mut || drop(on_two_threads(work, "static")),
            &mut || drop(on_two_threads(work, "dynamic")),
        ],
    )
}

fn on_two_threads<W: Workload>(work: &W, name: &str) -> Result<W::Part, Box<dyn std::error::Error>> {
    let mechanism = mechanism::<W>(name).ok_or("no such mechanism")?;
    Ok((mechanism.run)(work, Workers::new(2)?, &Timeline::off())?)
}

fn same_answers<W: Workload>(story: &mut Story, work: &W) -> Result<W::Part, Box<dyn std::error::Error>> {
    let expected = sequential(work, &Timeline::off())?;
    for name in ["static", "dynamic"] {
        let answer = on_two_threads(work, name)?;
        let holds = answer == expected;
        let (expected, answer) = (work.answer(&expected).to_string(), work.answer(&answer).to_string());
        story.claim(
            format!("{}: {name} on 2 threads gives the sequential answer", W::NAME),
            expected,
            answer,
            holds,
        );
    }
    Ok(expected)
}

// ANCHOR: dearest_half
/// The share of all iterations that the dearer of two static halves holds.
fn dearest_half(picture: &Mandelbrot, counts: &Counts) -> Result<f64, workload::PieceError> {
    let tiles = picture.pieces()?;
    // Counts come tile by tile, in the order of the pieces.
    let first: usize = tiles[..tiles.len() / 2].iter().map(|tile| (tile.width * tile.height) as usize).sum();
    let sum = |counts: &[u16]| counts.iter().map(|&count| f64::from(count)).sum::<f64>();
    let (first, second) = counts.as_slice().split_at(first);
    Ok(sum(first).max(sum(second)) / (sum(first) + sum(second)))
}
// ANCHOR_END: dearest_half

/// The share of a sequential run that is not spent in pieces.
fn serial_share<W: Workload>(work: &W) -> Result<f64, workload::RunError> {
    let timeline = Timeline::on();
    let start = workload::now();
    sequential(work, &timeline)?;
    let whole = workload::now() - start;
    let pieces: u64 = timeline.spans().iter().map(|span| span.end - span.start).sum();
    Ok((whole - pieces) as f64 / whole as f64)
}

/// The best speed-up on so many cores, if this share of the work stays serial.
fn amdahl(serial: f64, cores: f64) -> f64 {
    1.0 / (serial + (1.0 - serial) / cores)
}

#[cfg(test)]
mod tests {
    use super::amdahl;

    #[test]
    fn a_serial_tenth_allows_no_more_than_ten() {
        assert_eq!(amdahl(0.0, 8.0), 8.0);
        assert_eq!(amdahl(1.0, 8.0), 1.0);
        assert!(amdahl(0.1, 1e12) < 10.0 && amdahl(0.1, 1e12) > 9.99);
    }
}
