//! Which to take for work that computes: Python's threads, Python's processes, or threads in Rust?
//!
//! The same work, the same answer: how many primes there are below a number, and how often each word stands in a text.
//! With the GIL, Python's two threads take as long as one would. Its two processes share the work, once they are
//! started and their results have come back through a pipe. Rust's threads share it too, and each of them does it an
//! order of magnitude faster, as no interpreter is in between.
//!
//! So the choice has two questions, in this order: does the work wait or compute? And if it computes, in whose
//! code? Threads help Python where it waits, and where the computing is done in native code that lets the lock go.

use std::{
    env, fs,
    panic::resume_unwind,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use lesson::{
    Bound, Lesson, Story,
    measure::{self, Samples},
};
use workload::{Job, Primes, RunError, Timeline, Words, Workload, sequential};

use crate::cpython::{self, Script};

pub(super) const LESSON: Lesson = Lesson {
    name: "workload",
    question: "Which to take for work that computes: Python's threads, its processes, or Rust's threads?",
    python: &["ThreadPoolExecutor", "ProcessPoolExecutor", "multiprocessing.Pool"],
    run,
    scenes: &[],
};

const BELOW: u32 = 120_000;
const WORDS: usize = 60_000;
const LIMIT: Duration = Duration::from_secs(20);

/// Primes and their sum, words and different words.
type Answer = [u64; 4];

fn run(story: &mut Story) -> lesson::Result {
    let text = Text::write(story.seed())?;
    let (primes, words) = (Primes { below: BELOW, pieces: 64 }, Words::in_directory(&text.0));
    let words = Words { piece_bytes: 16 << 10, ..words };
    let off = Timeline::off();
    let expected = answer(&sequential(&primes, &off)?, &sequential(&words, &off)?);
    let in_rust = || Ok::<_, RunError>(answer(&on_threads(&primes, 2)?, &on_threads(&words, 2)?));
    story.say(format!("Primes below {BELOW}, and the words of a text of {WORDS} words."));
    story.equal("two Rust threads: the answer of one", expected, in_rust()?);

    let same = |how| format!("Python's {how}: the same answer");
    let shown = format!("{expected:?}");
    let Some(one) = cpython::pick().into_iter().next() else {
        let why = "PATH leads to no CPython from 3.9 on";
        story.skip(same("threads"), &shown, why);
        story.skip(same("processes"), &shown, why);
        return Ok(());
    };
    let prelude = format!("BELOW, TEXT = {BELOW}, {:?}", text.0.join("text").display().to_string());
    let python = || Script::WORKLOAD.run_with(one, &prelude, LIMIT);
    let figures = match python() {
        Ok(figures) => figures,
        Err(why) => {
            story.skip(same("threads"), &shown, &why);
            story.skip(same("processes"), &shown, &why);
            return Ok(());
        }
    };
    for how in ["threads", "processes"] {
        let mut found = Answer::default();
        for (figure, name) in found.iter_mut().zip(["primes", "checksum", "words", "distinct"]) {
            *figure = figures.get(&format!("{how}_{name}"))? as u64;
        }
        story.equal(same(how), expected, found);
    }
    let rust = (0..5).map(|_| measure::seconds(|| drop(in_rust()))).collect::<Samples>().median();
    let (threads, processes) = (figures.get("threads_seconds")?, figures.get("processes_seconds")?);
    if story.is_timed() {
        story.say(format!(
            "Python {}: two threads {:.0} ms, two processes {:.0} ms; two Rust threads {:.1} ms.",
            one.name(),
            1e3 * threads,
            1e3 * processes,
            1e3 * rust
        ));
    }
    story
        .timed("Python's two threads take longer than Rust's two", Bound::AtLeast(5.0), 1, || threads / rust);
    if one.gil {
        let mut first = Some(threads / processes);
        story.timed("and longer than Python's two processes", Bound::AtLeast(1.2), 2, || {
            let again = || {
                let figures = python()?;
                Ok::<f64, String>(figures.get("threads_seconds")? / figures.get("processes_seconds")?)
            };
            first.take().unwrap_or_else(|| again().unwrap_or(f64::NAN))
        });
    }
    Ok(())
}

fn answer(primes: &workload::primes::Tally, words: &workload::words::Tally) -> Answer {
    [primes.count, primes.checksum, words.counts.total(), words.counts.distinct() as u64]
}

// ANCHOR: threads
/// Each thread takes the next piece that nobody has taken.
fn on_threads<W: Workload>(workload: &W, threads: usize) -> Result<W::Part, RunError> {
    let timeline = Timeline::off();
    let job = Job::cut(workload, &timeline)?;
    let next = AtomicUsize::new(0);
    let work = |worker| {
        let mut mine = Vec::new();
        loop {
            // Relaxed: only the number matters, and each is given once.
            let piece = next.fetch_add(1, Relaxed);
            if piece >= job.len() {
                return Ok(mine);
            }
            mine.push((piece, job.run(worker, piece)?));
        }
    };
    let mut parts: Vec<(usize, W::Part)> = Vec::new();
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..threads).map(|worker| scope.spawn(move || work(worker))).collect();
        for thread in threads {
            // A piece that panics is an error of its own, so a thread does not panic.
            parts.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok::<(), RunError>(())
    })?;
    parts.sort_unstable_by_key(|(piece, _)| *piece);
    let mut whole = W::Part::default();
    for (piece, part) in parts {
        job.combine(&mut whole, part, piece)?;
    }
    Ok(whole)
}
// ANCHOR_END: threads

/// A directory with one text in it, gone when it is dropped.
struct Text(PathBuf);

impl Text {
    /// Words of one to eight letters from `seed`: short ones come again and again, long ones hardly.
    fn write(seed: u64) -> std::io::Result<Self> {
        let directory = Self(env::temp_dir().join(format!("gil-words-{}", process::id())));
        let (mut text, mut x) = (String::new(), seed);
        for _ in 0..WORDS {
            // Constants: Knuth's MMIX.
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for letter in 0..1 + (x >> 61) {
                text.push(char::from(b'a' + ((x >> (16 + 4 * letter)) & 15) as u8));
            }
            text.push(' ');
        }
        text.push('\n');
        fs::create_dir_all(&directory.0)?;
        fs::write(directory.0.join("text"), text)?;
        Ok(directory)
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for such files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
