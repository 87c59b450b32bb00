//! Processes make CPU-bound work as much faster as threads do; what they cost is start, memory, and each message.
//!
//! The work is the same, cut into the same pieces; the answers are compared. Threads take pieces from a shared
//! counter; processes get theirs through pipes, and send the parts back. As long as a piece takes much longer than a
//! message, nobody sees a difference.
//!
//! In Python it is the other way round: with the interpreter lock, threads do not make such work faster at all, and
//! processes (`ProcessPoolExecutor`) are the usual way to more than one core.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lesson::{
    Bound, Lesson, Story,
    lanes::{Span, svg, text},
    measure::{in_turn, ratio, seconds},
};
use workload::{
    Empty, Mandelbrot, PieceError, Primes, RunError, Size, Timeline, Workers, Workload, now, sequential,
};

use crate::{
    Program,
    process_dynamic::{self, Chunks},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "speedup",
    question: "Do processes make work as much faster as threads do, and at what price?",
    python: &["ProcessPoolExecutor", "ProcessPoolExecutor.map", "ThreadPoolExecutor"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    answers("mandelbrot", &Mandelbrot::sized(Size::Lesson), story)?;
    answers("primes", &Primes::sized(Size::Lesson), story)?;
    lanes(story)?;
    gain(story);
    price(story)
}

fn answers<W: Workload<Part: PartialEq>>(name: &str, work: &W, story: &mut Story) -> lesson::Result {
    let alone = sequential(work, &Timeline::off())?;
    let threads = on_threads(work, 2)? == alone;
    let processes = process_dynamic::run(work, Workers::new(2)?, &Timeline::off())? == alone;
    story.equal(
        format!("{name}: threads and processes give the sequential answer"),
        [true; 2],
        [threads, processes],
    );
    Ok(())
}

// ANCHOR: on_threads
/// The pieces of `work`, on so many threads: whoever is free takes the next one.
fn on_threads<W: Workload>(work: &W, threads: usize) -> Result<W::Part, PieceError> {
    let (pieces, next) = (work.pieces()?, AtomicUsize::new(0));
    let take = || {
        let mut done = Vec::new();
        // Relaxed: it only counts; what the parts are is ordered by the join.
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(piece) = pieces.get(index)
        {
            done.push((index, work.run(piece)?));
        }
        Ok(done)
    };
    let parts = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let joined = all
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(PieceError::new("a thread panicked"))));
        joined.collect::<Result<Vec<_>, _>>()
    })?;
    let mut parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.sort_by_key(|(index, _)| *index);
    Ok(parts.into_iter().fold(W::Part::default(), |mut whole, (_, part)| {
        work.combine(&mut whole, part);
        whole
    }))
}
// ANCHOR_END: on_threads

/// Draws who did what when: how long it takes until the workers are there, and that they then end together.
fn lanes(story: &mut Story) -> lesson::Result {
    let (work, timeline, start) = (Mandelbrot::sized(Size::Measure), Timeline::on(), now());
    process_dynamic::run(&work, Workers::new(2)?, &timeline)?;
    let mut lanes = vec![Span { lane: 0, start, end: now(), mark: '=' }];
    let pieces = timeline.spans();
    // Neighbours in two colours, so that pieces can be told apart.
    lanes.extend(pieces.iter().map(|piece| {
        let mark = if piece.piece % 2 == 0 { 'a' } else { 'b' };
        Span { lane: 1 + piece.worker, start: piece.start, end: piece.end, mark }
    }));
    let names = ["caller", "worker 1", "worker 2"].map(str::to_owned);
    story.say(
        "Two worker processes do an image, piece by piece; the caller waits from their start to the answer:",
    );
    story.show(text(&names, &lanes, 80));
    let about =
        "The caller's bar begins before the workers' first pieces, which both workers then do side by side.";
    story.picture("lanes", || svg("Two worker processes", about, &names, &lanes))?;
    let of_both = [0, 1].map(|worker| pieces.iter().filter(|piece| piece.worker == worker).count());
    story.claim("both workers did pieces", "at least 1 each", format!("{of_both:?}"), !of_both.contains(&0));
    Ok(())
}

fn gain(story: &mut Story) {
    story.say(
        "An image of the Mandelbrot set: alone, on two threads, on two processes whose start is included.",
    );
    let (work, off) = (Mandelbrot::sized(Size::Measure), Timeline::off());
    let claims = [
        ("two threads are faster than one".to_owned(), Bound::AtLeast(1.6)),
        ("so are two processes".to_owned(), Bound::AtLeast(1.5)),
        ("processes take about as long as threads".to_owned(), Bound::AtMost(1.25)),
    ];
    story.timed_all(claims, 2, || {
        let two = Workers::new(2).unwrap_or(Workers::ONE);
        let [alone, threads, processes] = in_turn(
            5,
            [&mut || drop(sequential(&work, &off)), &mut || drop(on_threads(&work, 2)), &mut || {
                drop(process_dynamic::run(&work, two, &off))
            }],
        );
        [ratio(&alone, &threads), ratio(&alone, &processes), ratio(&processes, &threads)]
    });
}

fn price(story: &mut Story) -> lesson::Result {
    const PIECES: usize = 2_000;
    let (one, off) = (Workers::ONE, Timeline::off());
    let dispatch = |pieces, chunks| {
        process_dynamic::with_program(&Program::this(), chunks, &Empty { pieces }, one, &off).map(drop)
    };
    let none = |chunks| dispatch(1, chunks);
    if story.is_timed() {
        let micros = |work: &dyn Fn() -> Result<(), RunError>| -> Result<f64, RunError> {
            let mut outcome = Ok(());
            let taken = seconds(|| outcome = work()) * 1e6;
            outcome.map(|()| taken)
        };
        let start = micros(&|| none(Chunks::Single))?;
        let single = (micros(&|| dispatch(PIECES, Chunks::Single))? - start) / PIECES as f64;
        let chunked = (micros(&|| dispatch(100 * PIECES, Chunks::Measured))? - start) / (100 * PIECES) as f64;
        story.show(format!(
            "start and end of a pool of one  {start:>8.0} us\nan empty piece, one a message   {single:>8.2} us\n\
             an empty piece, in chunks       {chunked:>8.2} us"
        ));
    }
    story.timed(
        "an empty piece in a message of its own costs many times one in a chunk",
        Bound::AtLeast(5.0),
        1,
        || {
            let [single, chunks] = in_turn(
                5,
                [&mut || drop(dispatch(10 * PIECES, Chunks::Single)), &mut || {
                    drop(dispatch(10 * PIECES, Chunks::Measured));
                }],
            );
            ratio(&single, &chunks)
        },
    );
    Ok(())
}
