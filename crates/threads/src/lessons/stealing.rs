//! Who does the work when pieces differ?
//!
//! Three answers. **Static**: whoever it was dealt to, before anyone knew what it costs. **Dynamic**: whoever asks
//! next, at a counter all share. **Stealing**: whoever it was dealt to, unless another has run out of work first;
//! that one takes from the far end of a queue. Stealing keeps what belongs together on one core as long as all are
//! busy, and is as well balanced as dynamic in the end.
//!
//! First a case that is forced: sixteen pieces, two workers, and the first piece does not end before others have.
//! No clock decides here, so each claim holds on any machine. Then a real picture, drawn lane by lane: a letter is
//! the share that a tile was dealt in (a: the first worker's), a blank is a worker with nothing to do.
//!
//! In Python `concurrent.futures` and `multiprocessing.Pool` know only the dynamic form, a queue that all share.

use std::{
    env, error, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use lesson::{Lesson, Story, lanes};
use serde::{Deserialize, Serialize};
use workload::{Mandelbrot, PieceError, Size, Span, Timeline, Workers, Workload};

use crate::mechanisms::mechanism;

/// Who does the work when pieces differ?
pub(super) const LESSON: Lesson = Lesson {
    name: "stealing",
    question: "Who does the work when pieces differ?",
    python: &["Pool.imap_unordered", "Executor.submit"],
    run,
    scenes: &[],
};

const NAMES: [&str; 3] = ["static", "dynamic", "stealing"];

fn run(story: &mut Story) -> lesson::Result {
    forced(story)?;
    story.say("Now a picture of the Mandelbrot set, whose tiles differ widely in what they cost.");
    let workers = Workers::new(story.workers())?;
    let work = Mandelbrot::sized(Size::Lesson);
    let tiles = work.pieces()?.len();
    for name in NAMES {
        let timeline = Timeline::on();
        let mechanism = mechanism::<Mandelbrot>(name).ok_or("no such mechanism")?;
        let counts = (mechanism.run)(&work, workers, &timeline)?;
        let spans = timeline.spans();
        let (lanes, drawn) = lanes_of(&spans, workers.at_most(tiles), tiles);
        story.show(format!("{name}: {}\n{}", mechanism.about, lanes::text(&lanes, &drawn, 72)));
        each_piece_once(story, &format!("picture, {name}"), &spans, tiles);
        match keep(&work, &counts, name, &spans, &lanes::svg(name, mechanism.about, &lanes, &drawn)) {
            Ok(path) => story.say(format!("Who computed which tile, in colours: {}", path.display())),
            Err(why) => story.say(format!("(The picture of who computed which tile was not written: {why})")),
        }
    }
    Ok(())
}

/// Sixteen pieces, two workers. The first piece waits for others, so who does the rest is not a matter of luck.
fn forced(story: &mut Story) -> lesson::Result {
    const PIECES: usize = 16;
    let spans = |name, first_waits_for| -> Result<Vec<Span>, Box<dyn error::Error>> {
        let timeline = Timeline::on();
        let work = Held { pieces: PIECES, first_waits_for, done: Arc::default() };
        (mechanism::<Held>(name).ok_or("no such mechanism")?.run)(&work, Workers::new(2)?, &timeline)?;
        Ok(timeline.spans())
    };
    let holder = |spans: &[Span]| spans.iter().find(|span| span.piece == 0).map_or(0, |span| span.worker);

    story.say(
        "Sixteen pieces, two workers; piece 0 does not end before the other worker has done all it can.",
    );
    let split = spans("static", PIECES / 2)?;
    each_piece_once(story, "static", &split, PIECES);
    let held = holder(&split);
    let last_of_other =
        split.iter().filter(|span| span.worker != held).map(|span| span.start).max().unwrap_or(0);
    let behind = |span: &&Span| span.worker == held && span.piece != 0 && span.start >= last_of_other;
    let alone = split.iter().filter(behind).count();
    story.equal(
        "static: when the other worker begins its last piece, this many wait behind the dear one; nobody helps",
        PIECES / 2 - 1,
        alone,
    );

    let dynamic = spans("dynamic", PIECES - 1)?;
    each_piece_once(story, "dynamic", &dynamic, PIECES);
    let by_holder = dynamic.iter().filter(|span| span.worker == holder(&dynamic)).count();
    story.equal(
        "dynamic: the worker with the dear piece does only that one, the other all the rest",
        1,
        by_holder,
    );

    let stealing = spans("stealing", PIECES - 1)?;
    each_piece_once(story, "stealing", &stealing, PIECES);
    let moved = stealing.iter().filter(|span| span.worker != dealt_to(span.piece, 2, PIECES)).count();
    story.claim(
        "stealing: pieces dealt to one worker were done by the other",
        "at least 1",
        moved.to_string(),
        moved >= 1,
    );
    Ok(())
}

fn each_piece_once(story: &mut Story, what: &str, spans: &[Span], pieces: usize) {
    let mut done: Vec<usize> = spans.iter().map(|span| span.piece).collect();
    done.sort_unstable();
    done.dedup();
    story.equal(
        format!("{what}: every piece is done, and exactly once (pieces, spans)"),
        (pieces, pieces),
        (done.len(), spans.len()),
    );
}

/// To whom a static split deals this piece.
fn dealt_to(piece: usize, workers: usize, pieces: usize) -> usize {
    ((piece + 1) * workers).div_ceil(pieces) - 1
}

/// A lane for each worker; a letter for the share that a piece was dealt in.
fn lanes_of(spans: &[Span], workers: usize, pieces: usize) -> (Vec<String>, Vec<lanes::Span>) {
    let drawn = spans.iter().map(|span| {
        let mark = b'a' + (dealt_to(span.piece, workers, pieces) % 26) as u8;
        lanes::Span { lane: span.worker, start: span.start, end: span.end, mark: char::from(mark) }
    });
    ((0..workers).map(|worker| format!("worker {worker}")).collect(), drawn.collect())
}

/// Writes picture and timeline where cargo keeps what it makes.
fn keep(
    work: &Mandelbrot,
    counts: &workload::mandelbrot::Counts,
    name: &str,
    spans: &[Span],
    timeline: &str,
) -> Result<PathBuf, Box<dyn error::Error>> {
    let directory = target()?.join("threads");
    fs::create_dir_all(&directory)?;
    let picture = directory.join(format!("stealing-{name}.png"));
    work.image(counts)?.write_png_by_worker(&picture, spans)?;
    fs::write(directory.join(format!("stealing-{name}.svg")), timeline)?;
    Ok(picture)
}

/// Cargo marks its target directory with this file; this program lies somewhere below.
fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let marked = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file());
    marked.map(Path::to_owned).ok_or_else(|| io::Error::other("this program is not in a target directory"))
}

/// Work in which the first piece ends only after so many others: it stands for one that takes very long.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    pieces: usize,
    first_waits_for: usize,
    #[serde(skip)]
    done: Arc<(Mutex<usize>, Condvar)>,
}

impl Workload for Held {
    const NAME: &'static str = "held";
    type Piece = usize;
    type Part = usize;

    fn pieces(&self) -> Result<Vec<usize>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, &piece: &usize) -> Result<usize, PieceError> {
        let (done, changed) = &*self.done;
        let mut count = done.lock().unwrap_or_else(PoisonError::into_inner);
        if piece == 0 {
            // The limit is there for a mechanism that would never come to the others: an error, not a hang.
            let limit = Duration::from_secs(10);
            let late;
            (count, late) = changed
                .wait_timeout_while(count, limit, |count| *count < self.first_waits_for)
                .unwrap_or_else(PoisonError::into_inner);
            if late.timed_out() {
                return Err(PieceError::new("the others never came"));
            }
        }
        *count += 1;
        changed.notify_all();
        Ok(1)
    }

    fn combine(&self, left: &mut usize, right: usize) {
        *left += right;
    }
}

#[cfg(test)]
mod tests {
    use super::dealt_to;

    #[test]
    fn shares_are_those_of_the_static_split() {
        for (pieces, workers) in [(16, 2), (7, 3), (225, 8), (5, 5), (1, 1)] {
            for worker in 0..workers {
                for piece in worker * pieces / workers..(worker + 1) * pieces / workers {
                    assert_eq!(dealt_to(piece, workers, pieces), worker, "{piece} of {pieces} on {workers}");
                }
            }
        }
    }
}
