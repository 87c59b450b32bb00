//! How do several processes fill one hash table, and what is left of it when one of them is killed?
//!
//! A word is entered by one atomic step: its letters are written where nobody looks, then their place is put in a free slot,
//! if it is still free. A look and a store in its place lose words, in a schedule that is drawn. As there is no state in
//! between, a process may be killed anywhere: what it has entered is whole, and nobody waits for it.
//!
//! Its *counts* are another matter: they are halfway. So each process counts in a column of its own, and whoever does the
//! dead one's work again clears that column first. It also makes the table fast: frequent words are what all would fight for.
//!
//! In Python nothing like it: a dict cannot be shared. `Manager().dict()` is a server that is asked for each word.

use std::{collections::BTreeMap, io, thread, time::Duration};

use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio},
};
use model::schedule::{Atomic, Bounds};
use processes::{Program, process_dynamic};
use workload::{RunError, Size, Timeline, Words, Workers, sequential, words::Counts};

use super::on_threads::on_threads;
use crate::{
    Memfd,
    mechanisms::one_table,
    peer::{self, Cast, Peer},
    table::{Plan, Table, TableError, keys::Steps},
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "words",
    question: "How do several processes fill one hash table, and what is left of it when one is killed?",
    python: &["multiprocessing.Manager", "SyncManager.dict", "collections.Counter"],
    run,
    scenes: &[("adder", adder)],
};

const LIMIT: Duration = Duration::from_secs(20);
/// Words that each process adds.
const WORDS: u64 = 500;
/// The process is killed at this one.
const KILLED: u64 = 100;

fn run(story: &mut Story) -> lesson::Result {
    story.say("Two processes enter a word each: the first free slot. Every order of their steps is tried:");
    // ANCHOR: slots
    broken(story, "lost-word", "looked, then stored: a word is lost", 1, &Bounds::all(), |program| {
        let slots = [Atomic::new("slot 0", 0), Atomic::new("slot 1", 0)];
        for (name, word) in [("process A", 7), ("process B", 8)] {
            let slots = slots.clone();
            program.thread(name, move || {
                if let Some(free) = slots.iter().find(|slot| slot.load() == 0) {
                    free.store(word);
                }
            });
        }
        program.expect("words", 2, move || slots.iter().filter(|slot| slot.load() != 0).count());
    })?;
    story.say(
        "Fixed: one step, which fails if somebody was quicker. Then one looks at what is there, and goes on:",
    );
    fixed(story, "compare_exchange loses none, with 3 processes", &Bounds::all(), |program| {
        let slots = ["slot 0", "slot 1", "slot 2"].map(|name| Atomic::new(name, 0));
        for (name, word) in [("A", 7), ("B", 8), ("C", 9)] {
            let slots = slots.clone();
            program.thread(name, move || {
                slots.iter().find(|slot| slot.compare_exchange(0, word).is_ok());
            });
        }
        program.expect("words", 3, move || slots.iter().filter(|slot| slot.load() != 0).count());
    });
    // ANCHOR_END: slots
    kills(story)?;
    fought_for(story)?;
    at_work(story)
}

/// Two at once add frequent words, to one column or to a column each. Threads, each with a mapping of its own: to the
/// processor they are what processes are.
fn fought_for(story: &mut Story) -> lesson::Result {
    const TIMES: usize = 50_000;
    let plan = Plan { words: 64, columns: 2, letters: 1024 };
    let memory = Memfd::create("words", plan.size())?;
    let table = Table::create(&memory, plan)?;
    let add = |column: usize| {
        let table = Table::attach(&memory).expect("it was made above");
        for word in [b"the".as_slice(), b"self", b"let", b"fn"].iter().cycle().take(TIMES) {
            table.add(column, word, 1).expect("room");
        }
    };
    let both = |second: usize| {
        thread::scope(|scope| {
            scope.spawn(|| add(0));
            add(second);
        })
    };
    both(0);
    story.equal(
        "four frequent words, added by two at once to one column: none is lost",
        2 * TIMES as u64,
        content(&table)?.values().sum(),
    );
    story.timed(
        "who adds to the same counts waits for the other's cache line: a column each is not slower",
        Bound::AtLeast(1.0),
        2,
        || {
            let [one, each] = in_turn(7, [&mut || both(0), &mut || both(1)]);
            ratio(&one, &each)
        },
    );
    Ok(())
}

/// A process is killed at each step of word number 100.
fn kills(story: &mut Story) -> lesson::Result {
    story.say(format!("A process adds {WORDS} words, and is killed at each step of word {KILLED}. Then another does it all again."));
    let mut lines = String::from("  killed when   words entered   words counted\n");
    let mut seen = Vec::new();
    let mut all = true;
    for point in ["written", "published", "added"] {
        let plan = Plan { words: 2048, columns: 2, letters: 1 << 15 };
        let memory = Memfd::create("words", plan.size())?;
        let table = Table::create(&memory, plan)?;
        start(&memory, 0, point, KILLED)?.end(LIMIT)?;
        let found = (entered(&table), content(&table)?.len() as u64);
        lines.push_str(&format!("  {point:<13} {:<15} {}\n", found.0, found.1));
        seen.push(found);
        // ANCHOR: again
        table.clear(0)?;
        let mut both = [start(&memory, 0, "never", 1)?, start(&memory, 1, "never", 1)?];
        // ANCHOR_END: again
        for peer in &mut both {
            peer.end(LIMIT)?;
        }
        // Twice each: once by either, none from the dead one.
        all &= content(&table)? == (0..WORDS).map(|number| (word(number), 2)).collect();
    }
    story.show(lines);
    let whole = KILLED - 1;
    story.equal("before the one step nothing is seen of a word", (whole, whole), seen[0]);
    story.equal("after it the word is there, and not counted", (KILLED, whole), seen[1]);
    story.equal("and then it is counted", (KILLED, KILLED), seen[2]);
    story.equal("its column cleared and its work done again, all counts are exact", true, all);
    Ok(())
}

/// Real text: the answer, and what it costs.
fn at_work(story: &mut Story) -> lesson::Result {
    let (two, off, this) = (Workers::new(2)?, Timeline::off(), Program::this());
    let work = Words::sized(if story.is_timed() { Size::Measure } else { Size::Test });
    let alone = sequential(&work, &off)?;
    let room = alone.counts.distinct();
    let count = || one_table::count(&this, &work, two, room, &off);
    let counted = count()?;
    story.say(format!(
        "Real text: {} words, {room} different ones, counted by two processes into one table.",
        alone.counts.total()
    ));
    story.equal(
        "the table has the sequential answer, and so have threads with a table each",
        [true; 2],
        [content(&counted.table)? == words_of(&alone.counts), on_threads(&work, two)? == alone],
    );
    let claims = [
        ("it takes about as long as threads with a table each".to_owned(), Bound::AtMost(1.3)),
        ("not longer than processes whose tables are sent and merged".to_owned(), Bound::AtLeast(0.95)),
    ];
    story.timed_all(claims, 2, || {
        let [threads, table, sent] = in_turn(
            5,
            [&mut || done(on_threads(&work, two)), &mut || done(count()), &mut || {
                done(process_dynamic::run(&work, two, &off))
            }],
        );
        [ratio(&table, &threads), ratio(&sent, &table)]
    });
    Ok(())
}

/// What is timed was done before, without an error.
fn done<T>(outcome: Result<T, RunError>) {
    outcome.map(drop).expect("it was done before");
}

fn content(table: &Table) -> Result<BTreeMap<Vec<u8>, u64>, TableError> {
    let mut words = BTreeMap::new();
    table.for_each(|word, times| *words.entry(word.to_vec()).or_default() += times)?;
    Ok(words)
}

fn words_of(counts: &Counts) -> BTreeMap<Vec<u8>, u64> {
    let mut words = BTreeMap::new();
    counts.for_each(|word, times| *words.entry(word.as_bytes().to_vec()).or_default() += times);
    words
}

/// Slots that are not free.
fn entered(table: &Table) -> u64 {
    let free = |slot: &&model::sync::atomic::AtomicU64| slot.load(std::sync::atomic::Ordering::Relaxed) != 0;
    table.keys().slots.iter().filter(free).count() as u64
}

fn start(memory: &Memfd, column: usize, point: &str, nth: u64) -> io::Result<Peer> {
    let cast = Cast::scene("words", "adder").with_memory(memory)?;
    cast.with_word(column).killed_at(point, nth).start()
}

/// Of one to three units of letters.
fn word(number: u64) -> Vec<u8> {
    format!("word{}{number}", "-".repeat(number as usize % 14)).into_bytes()
}

/// Where this process may be killed.
struct Points;

impl Steps for Points {
    fn at(&self, point: &'static str) {
        peer::at(point);
    }
}

/// Adds all words once to its column; the second process in the opposite order, so that both meet.
fn adder() {
    let table = Table::attach(peer::memory().expect("given")).expect("a table");
    let column = peer::word(0).and_then(|word| word.parse().ok()).expect("a number");
    for number in 0..WORDS {
        let number = if column == 0 { number } else { WORDS - 1 - number };
        table.add_with(column, &word(number), 1, &Points).expect("room");
    }
}
