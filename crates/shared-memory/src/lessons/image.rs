//! How do several processes draw one picture, and nobody copies it?
//!
//! The picture is in shared memory. A worker takes a tile from a board, which is in shared memory too, computes it, stores it
//! in its place, and says on the board that it is done. So no tile is sent: what goes through pipes otherwise, encoded,
//! written, read, decoded and put together by one process, is just there. And as the board says who has taken which tile,
//! what a killed worker owes is known, and drawn again: the same pixels in the same place.
//!
//! In Python `SharedMemory` with a numpy array on it, and a `Pool` whose workers return nothing.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd},
    process,
    time::Duration,
};

use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio},
};
use processes::{Program, process_dynamic};
use workload::{Mandelbrot, RunError, Size, Timeline, Workers, Workload, sequential};

use super::on_threads::on_threads;
use crate::{
    Memfd,
    board::Board,
    canvas::Canvas,
    mechanisms::in_place,
    peer::{self, Cast, Peer},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "image",
    question: "How do several processes draw one picture, and nobody copies it?",
    python: &["shared_memory.SharedMemory", "Pool.map"],
    run,
    scenes: &[("painter", painter)],
};

const LIMIT: Duration = Duration::from_secs(20);
/// The painter is killed when it has drawn so many tiles, before it can say so of the last one.
const KILLED: u64 = 40;

fn work() -> Mandelbrot {
    Mandelbrot::sized(Size::Test)
}

fn run(story: &mut Story) -> lesson::Result {
    let work = work();
    let (areas, alone) = (work.pieces()?, sequential(&work, &Timeline::off())?);
    let image = work.image(&alone)?;
    let memory = Memfd::create("image", Canvas::size(work.width, work.height))?;
    let canvas = Canvas::create(&memory, work.width, work.height)?;
    let notes = Memfd::create("board", Board::size(areas.len()))?;
    let board = Board::create(&notes, |_| 0)?;
    let pieces = board.pieces();
    story.say(format!(
        "A picture of {} tiles. A painter process takes one after the other, and is killed by SIGKILL when it has drawn the {KILLED}th.",
        areas.len()
    ));
    start(&memory, &notes, 0, KILLED)?.end(LIMIT)?;
    let done = || (0..areas.len()).filter(|place| pieces.is_done(*place)).count() as u64;
    story.equal(
        "done, and taken but not done, says the board",
        (KILLED - 1, 1),
        (done(), pieces.owed(0).count()),
    );
    story.say("Two more: one in its place, which begins with what that one owed; and another.");
    let mut painters = [start(&memory, &notes, 0, u64::MAX)?, start(&memory, &notes, 1, u64::MAX)?];
    for painter in &mut painters {
        painter.end(LIMIT)?;
    }
    story.equal("all tiles are done", areas.len() as u64, done());
    story.equal(
        "the picture is the sequential one, pixel by pixel",
        true,
        canvas.pixels().eq(image.counts().iter().copied()),
    );
    let outside = workload::mandelbrot::Area { left: work.width - 1, ..areas[0] };
    story.equal("a tile that would not be inside is refused", true, canvas.draw(outside, &[0; 160]).is_err());
    at_work(story)
}

/// The same, as one takes it: workers of a pool that watches them.
fn at_work(story: &mut Story) -> lesson::Result {
    let (two, off, this) = (Workers::new(2)?, Timeline::off(), Program::this());
    let (dear, cheap) = works(story);
    let alone = sequential(&cheap, &off)?;
    let right =
        |canvas: Canvas| canvas.tiles(&cheap.pieces().unwrap_or_default()).is_ok_and(|tiles| tiles == alone);
    let in_place_right = right(in_place::draw(&this, &cheap, two, &off)?);
    let sent_right = process_dynamic::run(&cheap, two, &off)? == alone;
    let threads_right = on_threads(&cheap, two)? == alone;
    story.equal(
        "workers of a pool, in place and with tiles that are sent; and threads",
        [true; 3],
        [in_place_right, sent_right, threads_right],
    );
    story.say("What it costs, process starts included: a picture that is dear to compute, against threads; a cheap one, against tiles that are sent.");
    let claims = [
        ("in place takes about as long as threads".to_owned(), Bound::AtMost(1.15)),
        ("where a tile is sooner computed than sent, in place is not slower".to_owned(), Bound::AtLeast(0.9)),
    ];
    story.timed_all(claims, 2, || {
        let [threads, in_place] = in_turn(
            5,
            [&mut || done(on_threads(&dear, two)), &mut || {
                done(in_place::draw(&this, &dear, two, &off));
            }],
        );
        let [sent, stored] = in_turn(
            5,
            [&mut || done(process_dynamic::run(&cheap, two, &off)), &mut || {
                done(in_place::draw(&this, &cheap, two, &off));
            }],
        );
        [ratio(&in_place, &threads), ratio(&sent, &stored)]
    });
    Ok(())
}

/// What is timed was done before, without an error.
fn done<T>(outcome: Result<T, RunError>) {
    outcome.map(drop).expect("it was done before");
}

/// A picture that is dear, and one that is cheap for its size.
fn works(story: &Story) -> (Mandelbrot, Mandelbrot) {
    let size = if story.is_timed() { Size::Measure } else { Size::Test };
    let dear = Mandelbrot::sized(size);
    let times = if story.is_timed() { 2 } else { 1 };
    let cheap = Mandelbrot { iterations: 8, width: dear.width * times, height: dear.height * times, ..dear };
    (dear, cheap)
}

/// A painter with this number.
fn start(memory: &Memfd, notes: &Memfd, number: u32, killed: u64) -> std::io::Result<Peer> {
    let notes = format!("/proc/{}/fd/{}", process::id(), notes.as_fd().as_raw_fd());
    let cast = Cast::scene("image", "painter").with_memory(memory)?;
    cast.with_word(notes).with_word(number).killed_at("drawn", killed).start()
}

// ANCHOR: painter
/// Draws what a predecessor owes, then what is free.
fn painter() {
    let canvas = Canvas::attach(peer::memory().expect("given")).expect("a picture");
    let notes = peer::word(0).and_then(|path| File::options().read(true).write(true).open(path).ok());
    let notes = Memfd::from_fd(notes.expect("given").into()).expect("memory");
    let number = peer::word(1).and_then(|word| word.parse().ok()).expect("a number");
    let board = Board::attach(&notes).expect("a board");
    let (work, pieces) = (work(), board.pieces());
    let areas = work.pieces().expect("a picture that can be cut");
    for place in pieces.owed(number).chain(std::iter::from_fn(|| pieces.take(number))) {
        let tile = work.run(&areas[place]).expect("a tile");
        canvas.draw(areas[place], tile.as_slice()).expect("inside");
        peer::at("drawn");
        pieces.done(place, number);
    }
}
// ANCHOR_END: painter
