//! How do many objects of several sizes live in one segment, and how do they go?
//!
//! A segment for each object costs system calls, descriptors and a name each. An **arena** is one segment in which objects
//! are placed one behind the other: one atomic step, in any process. A place is an offset, so objects may refer to each
//! other by it. None is freed alone, all go at once with the segment: what is a leak elsewhere is the plan here.
//!
//! Where several segments are needed, one value owns them all: [`Manager`], in Python `SharedMemoryManager`, whose segments
//! are all unlinked at shutdown.

use std::{
    io, process,
    sync::atomic::{
        AtomicU16, AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::{
    Arena, Memfd, Place,
    arena::ArenaError,
    manager::Manager,
    peer::{self, Cast, Peer},
    segment::names,
    shared,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "arena",
    question: "How do many objects of several sizes live in one segment, and how do they go?",
    python: &["managers.SharedMemoryManager", "multiprocessing.heap.Arena"],
    run,
    scenes: &[("placer", placer)],
};

const LIMIT: Duration = Duration::from_secs(20);
const PEERS: usize = 3;
/// Objects that each places.
const EACH: u64 = 2_000;

// ANCHOR: node
shared! {
    /// An object: who placed it, a text of any length, and the object placed before it.
    struct Node { owner: AtomicU32, length: AtomicU32, text: AtomicU64, before: AtomicU64 }
}
// ANCHOR_END: node

/// At the arena's first place: the last object of each process.
type Roots = [AtomicU64; PEERS];

fn run(story: &mut Story) -> lesson::Result {
    let memory = Memfd::create("arena", Arena::size(1 << 20))?;
    let arena = Arena::create(&memory)?;
    let roots = arena.place::<Roots>()?;
    story.say(format!("One segment of 1 MiB. {PEERS} processes place {EACH} objects each, with texts of 0 to 15 words, all at once."));
    let start = |number| {
        Cast::scene("arena", "placer")
            .with_memory(&memory)?
            .with_word(number)
            .with_word(roots.offset())
            .start()
    };
    let mut peers = (0..PEERS).map(start).collect::<io::Result<Vec<Peer>>>()?;
    for peer in &mut peers {
        peer.end(LIMIT)?;
    }
    let roots = &arena.get(roots)?[0];
    let found = roots
        .iter()
        .zip(0..)
        .map(|(root, owner)| walk(&arena, root.load(Acquire), owner))
        .collect::<Result<Vec<_>, _>>()?;
    story.equal(
        "each object is there with all its words, and belongs to whom it should",
        vec![EACH; PEERS],
        found,
    );
    let needed = PEERS as u64 * (0..EACH).map(|index| 24 + 2 * (index % 16)).sum::<u64>() + 24;
    let (used, gaps) = (arena.used() as u64, arena.used() as f64 / needed as f64 - 1.0);
    story.claim(
        "hardly anything is wasted: gaps for alignment only",
        "less than 20 %",
        format!("{used} bytes used, {:.1} % of it gaps", 100.0 * gaps),
        used >= needed && gaps < 0.2,
    );
    let full = arena.place_many::<AtomicU64>(1 << 20).map(drop);
    story.equal("a full arena is an error", true, matches!(full, Err(ArenaError::Full { .. })));
    let nowhere = arena.get(Place::<Node>::from_offset(1 << 30, 1)).map(drop);
    story.equal(
        "and so is a place that nobody has given",
        true,
        matches!(nowhere, Err(ArenaError::Place(_))),
    );
    story.say("All of it goes in one step: the memory is let go.");
    manager(story)
}

fn manager(story: &mut Story) -> lesson::Result {
    let prefix = format!("rust-arena-{}", process::id());
    let mut manager = Manager::new(&*prefix);
    for size in [100, 10_000, 1_000_000] {
        manager.create(size)?;
    }
    story.equal("a manager with three segments of several sizes", 3, names(&prefix)?.len());
    drop(manager);
    story.equal("takes all the names away", 0, names(&prefix)?.len());
    Ok(())
}

/// Follows the list from the last object back to the first: how many there are.
fn walk(arena: &Arena, last: u64, owner: u32) -> Result<u64, Box<dyn std::error::Error>> {
    let (mut place, mut found) = (last, 0);
    while place != 0 {
        let node = &arena.get(Place::<Node>::from_offset(place as usize, 1))?[0];
        let length = node.length.load(Relaxed);
        let text =
            arena.get(Place::<AtomicU16>::from_offset(node.text.load(Relaxed) as usize, length as usize))?;
        let index = EACH - 1 - found;
        let right = text.iter().all(|word| u64::from(word.load(Relaxed)) == index);
        if !right || node.owner.load(Relaxed) != owner || u64::from(length) != index % 16 {
            return Err(format!("object {index} of process {owner} is damaged").into());
        }
        (place, found) = (node.before.load(Relaxed), found + 1);
    }
    Ok(found)
}

/// Places objects, each of which refers to its text and to the one before.
fn placer() {
    let number = |index| peer::word(index).and_then(|word| word.parse::<usize>().ok()).expect("a number");
    let (me, roots) = (number(0), number(1));
    let arena = Arena::attach(peer::memory().expect("given")).expect("an arena");
    let root = &arena.get(Place::<Roots>::from_offset(roots, 1)).expect("placed by the lesson")[0][me];
    for index in 0..EACH {
        let length = index % 16;
        let text = arena.place_many::<AtomicU16>(length as usize).expect("room");
        let place = arena.place::<Node>().expect("room");
        arena.get(text).expect("placed").iter().for_each(|word| word.store(index as u16, Relaxed));
        let node = &arena.get(place).expect("placed")[0];
        node.owner.store(me as u32, Relaxed);
        node.length.store(length as u32, Relaxed);
        node.text.store(text.offset() as u64, Relaxed);
        node.before.store(root.load(Relaxed), Relaxed);
        // Release: who finds the object by its place sees all that was stored into it.
        root.store(place.offset() as u64, Release);
    }
}
