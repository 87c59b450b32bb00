//! Many threads count words: should they share one table, parts of it, or nothing?
//!
//! Each word is one small step, and each way to share puts something between two steps: a lock, an atomic operation, a
//! message. What wins is to share nothing while counting: a map for each thread, merged at the end. Not because locks
//! are slow (an uncontended one costs a few nanoseconds) but because a word costs no more than that, and whatever two
//! cores write in turn has to travel between them each time.
//!
//! The words are in memory, all ways hash the same: what is timed is the counting alone. Look at how short the
//! functions are, and how alike. In Python: `Counter` in a lock, `queue.Queue` to one owner, or
//! `sum(pool.map(Counter, parts), Counter())`.

use std::{
    collections::HashMap as StdMap,
    fs::File,
    hash::BuildHasher,
    io::Read,
    sync::{Mutex, PoisonError},
    thread,
};

use crossbeam_channel::bounded;
use crossbeam_utils::CachePadded;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use lesson::{
    Bound, Lesson, Story,
    measure::{self, Samples},
};
use workload::{Timeline, Words, Workload, sequential};

pub(super) const LESSON: Lesson = Lesson {
    name: "words",
    question: "Many threads count words: should they share one table, parts of it, or nothing?",
    python: &["collections.Counter", "threading.Lock", "queue.Queue"],
    run,
    scenes: &[],
};

/// A word as one number: its letters, 16 at most. So neither hashing nor comparing looks into the text, and what is
/// compared is the sharing. (The one word in a hundred that is longer is left out.)
type Word = u128;
type Map = HashMap<Word, u64, RandomState>;
type Count = fn(&[Vec<Word>]) -> Map;

/// About from the worst to the best; what it is here and now, the table says.
const WAYS: [(&str, Count); 7] = [
    ("a channel to one owner, a message a word", message_per_word),
    ("one map in a mutex, locked for each word", one_mutex),
    ("dashmap", dash_map),
    ("64 maps, each in a mutex", sharded),
    ("a channel to one owner, a message for 1,000 words", message_per_thousand),
    ("one thread, one map, no lock", one_thread),
    ("a map for each thread, merged at the end", own_maps),
];
const MESSAGE: usize = 0;
const MUTEX: usize = 1;
const SHARDED: usize = 3;
const ALONE: usize = 5;
const OWN: usize = 6;

fn one_mutex(parts: &[Vec<Word>]) -> Map {
    let counts = Mutex::new(Map::default());
    each_in_a_thread(parts, |words| {
        for word in words {
            *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(*word).or_default() += 1;
        }
    });
    counts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn sharded(parts: &[Vec<Word>]) -> Map {
    // Padded, so that two locks do not lie on one cache line.
    let shards: [_; 64] = std::array::from_fn(|_| CachePadded::new(Mutex::new(Map::default())));
    let hasher = RandomState::default();
    each_in_a_thread(parts, |words| {
        for word in words {
            let shard = &shards[hasher.hash_one(word) as usize % shards.len()];
            *shard.lock().unwrap_or_else(PoisonError::into_inner).entry(*word).or_default() += 1;
        }
    });
    // A word is in one shard only: there is nothing to add up.
    shards
        .into_iter()
        .flat_map(|shard| shard.into_inner().into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn dash_map(parts: &[Vec<Word>]) -> Map {
    let counts = DashMap::with_hasher(RandomState::default());
    each_in_a_thread(parts, |words| words.iter().for_each(|word| *counts.entry(*word).or_default() += 1));
    counts.into_iter().collect()
}

fn message_per_word(parts: &[Vec<Word>]) -> Map {
    let (sender, words) = bounded(1_024);
    thread::scope(|scope| {
        for part in parts {
            let sender = sender.clone();
            scope.spawn(move || part.iter().try_for_each(|word| sender.send(*word)));
        }
        drop(sender);
        let mut counts = Map::default();
        words.iter().for_each(|word| *counts.entry(word).or_default() += 1);
        counts
    })
}

fn message_per_thousand(parts: &[Vec<Word>]) -> Map {
    let (sender, words) = bounded(64);
    thread::scope(|scope| {
        for part in parts {
            let sender = sender.clone();
            scope.spawn(move || part.chunks(1_000).try_for_each(|words| sender.send(words.to_vec())));
        }
        drop(sender);
        let mut counts = Map::default();
        words.iter().flatten().for_each(|word| *counts.entry(word).or_default() += 1);
        counts
    })
}

fn one_thread(parts: &[Vec<Word>]) -> Map {
    let mut counts = Map::default();
    parts.iter().flatten().for_each(|word| *counts.entry(*word).or_default() += 1);
    counts
}

fn own_maps(parts: &[Vec<Word>]) -> Map {
    let maps = each_in_a_thread(parts, |words| {
        let mut counts = Map::default();
        words.iter().for_each(|word| *counts.entry(*word).or_default() += 1);
        counts
    });
    let mut maps = maps.into_iter();
    let mut all = maps.next().unwrap_or_default();
    for map in maps {
        map.into_iter().for_each(|(word, times)| *all.entry(word).or_default() += times);
    }
    all
}

fn each_in_a_thread<R: Send>(parts: &[Vec<Word>], work: impl Fn(&[Word]) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || work(part))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn run(story: &mut Story) -> lesson::Result {
    let words = Words {
        limit: Some(if story.is_timed() { 4 << 20 } else { 1 << 20 }),
        piece_bytes: u64::MAX,
        ..Words::in_sources()
    };
    let text = lower_case_text(&words)?;
    let all: Vec<Word> = text.split(|byte| *byte == b' ').filter_map(as_number).collect();
    let threads = story.workers().max(2);
    let parts: Vec<_> = all.chunks(all.len().div_ceil(threads).max(1)).map(<[_]>::to_vec).collect();
    story.say(format!("{} words of source code in memory, {threads} threads, seven ways.", all.len()));

    let mut expected = StdMap::new();
    sequential(&words, &Timeline::off())?.counts.for_each(|word, times| {
        expected.extend(as_number(word.as_bytes()).map(|word| (word, times)));
    });
    for (name, count) in WAYS {
        let counts = count(&parts);
        let equal = counts.len() == expected.len()
            && counts.iter().all(|(word, times)| expected.get(word) == Some(times));
        story.equal(format!("{name}: every count is that of the workload's own counting"), true, equal);
    }

    let mut samples: [Samples; 7] = Default::default();
    let claims = [
        // Well below what a quiet machine shows: if another process takes one of two cores, the maps lose most by it.
        ("a message a word against a map a thread", Bound::AtLeast(2.0)),
        ("a mutex locked for each word against a map a thread", Bound::AtLeast(2.0)),
        ("64 mutexes against a map a thread", Bound::AtLeast(1.2)),
        ("two threads and a mutex against ONE thread without: more threads are slower", Bound::AtLeast(1.5)),
    ];
    let judged = story.timed_all(claims.map(|(text, bound)| (text.to_owned(), bound)), 2, || {
        let time = |way: usize| {
            let parts = &parts;
            move || {
                std::hint::black_box(WAYS[way].1(parts));
            }
        };
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g] = [0, 1, 2, 3, 4, 5, 6].map(time);
        samples = measure::in_turn(5, [&mut a, &mut b, &mut c, &mut d, &mut e, &mut f, &mut g]);
        let against = |slow: usize, fast: usize| measure::ratio(&samples[slow], &samples[fast]);
        [against(MESSAGE, OWN), against(MUTEX, OWN), against(SHARDED, OWN), against(MUTEX, ALONE)]
    });
    if judged.is_some() {
        story.show(table(&samples, all.len()));
        story.say("So: count alone and add up at the end. If the table must be seen by all while it grows, take shards; if one must own it, send it a thousand words at a time.");
    }
    Ok(())
}

/// A line for each way, the slowest first.
fn table(samples: &[Samples; 7], words: usize) -> String {
    let mut rows: Vec<_> =
        WAYS.iter().zip(samples).map(|((name, _), samples)| (samples.median(), *name)).collect();
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let best = rows.last().map_or(1.0, |row| row.0);
    let line = |(seconds, name): &(f64, &str)| {
        format!("{name:<50} {:>6.1} ns a word {:>5.1}x\n", seconds * 1e9 / words as f64, seconds / best)
    };
    rows.iter().map(line).collect()
}

/// `None` if there are no letters, or too many.
fn as_number(word: &[u8]) -> Option<Word> {
    let mut bytes = [0; size_of::<Word>()];
    bytes.get_mut(..word.len())?.copy_from_slice(word);
    Some(Word::from_le_bytes(bytes)).filter(|number| *number != 0)
}

/// All files of `words` one after the other, as words in lower case with spaces between.
fn lower_case_text(words: &Words) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut text = Vec::new();
    for stretch in words.pieces()?.iter().flat_map(|piece| &piece.stretches) {
        let mut bytes = Vec::new();
        // What cannot be read is skipped, as the workload does; it is counted there.
        let Ok(file) = File::open(stretch.file.path()) else { continue };
        if file.take(stretch.end).read_to_end(&mut bytes).is_err() {
            continue;
        }
        // The last word may reach beyond the limit.
        let inside = (stretch.to as usize).min(bytes.len());
        let beyond = match inside.checked_sub(1).map(|last| bytes[last].is_ascii_alphabetic()) {
            Some(true) => bytes[inside..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count(),
            _ => 0,
        };
        let letter = |byte: &u8| if byte.is_ascii_alphabetic() { byte.to_ascii_lowercase() } else { b' ' };
        text.extend(bytes[..inside + beyond].iter().map(letter));
        text.push(b' ');
    }
    Ok(text)
}
