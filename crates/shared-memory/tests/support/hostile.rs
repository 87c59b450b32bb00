//! Every structure that can be attached, each with a use of all of it: for bytes that anybody may have written.
//!
//! What must hold is in the uses: an error, or something inside of the memory. `tests/hostile.rs` runs them with random
//! bytes, the fuzzer (`fuzz/fuzz_targets/attach.rs`) with bytes that it makes up to reach every branch.

use std::{sync::atomic::AtomicU64, time::Duration};

use shared_memory::{
    Arena, Item, Memfd, Place, ShareableList,
    arena::ArenaError,
    board::Board,
    canvas::Canvas,
    mpmc::{self, Queue},
    ring,
    seqlock::{self, Reader, Writer},
    table::{Plan, Table},
};
use workload::mandelbrot::Area;

#[path = "hostile_ring.rs"]
mod hostile_ring;
use hostile_ring::{BEHIND, use_ring};

/// A structure, and how to build and to use one.
pub(crate) struct Kind {
    /// What it is.
    pub(crate) name: &'static str,
    /// Bytes that it needs.
    pub(crate) size: usize,
    /// Whether it begins with this crate's header; the list's form is Python's.
    pub(crate) has_header: bool,
    /// Builds a right one in new memory.
    pub(crate) build: fn(&Memfd),
    /// Attaches it and does all that can be done with it, with numbers from the script. Whether it could be attached.
    pub(crate) use_all: fn(&Memfd, &mut Script<'_>) -> bool,
}

/// Numbers from bytes; zeros when these are over.
pub(crate) struct Script<'a>(pub(crate) &'a [u8]);

impl Script<'_> {
    /// One of 8 bytes.
    pub(crate) fn word(&mut self) -> [u8; 8] {
        let (first, rest) = self.0.split_at(self.0.len().min(8));
        let mut word = [0; 8];
        word[..first.len()].copy_from_slice(first);
        self.0 = rest;
        word
    }

    /// One of 2 bytes.
    pub(crate) fn small(&mut self) -> usize {
        let (first, rest) = self.0.split_at(self.0.len().min(2));
        self.0 = rest;
        first.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// Half of the time one that is plausible, so that what is behind the first look is reached.
    pub(crate) fn number(&mut self) -> u64 {
        match self.small() {
            small if small.is_multiple_of(2) => (small as u64 >> 1) % 600,
            _ => u64::from_ne_bytes(self.word()),
        }
    }
}

/// A right structure, spoiled in some places, is attached and used.
pub(crate) fn spoiled(kind: &Kind, bytes: &[u8]) -> bool {
    let memory = Memfd::create("spoiled", kind.size).unwrap();
    (kind.build)(&memory);
    let mut script = Script(bytes);
    let mapping = memory.map().unwrap();
    for _ in 0..script.small() % 24 {
        let (at, number) = (script.small(), script.number());
        // On a word's boundary: what is read is read as words.
        mapping.write((at % (kind.size - 7)) & !3, &number.to_ne_bytes()).unwrap();
    }
    (kind.use_all)(&memory, &mut script)
}

/// These bytes and no others are attached and used.
pub(crate) fn raw(kind: &Kind, bytes: &[u8]) -> bool {
    let memory = Memfd::create("raw", bytes.len().max(1)).unwrap();
    memory.map().unwrap().write(0, bytes).unwrap();
    (kind.use_all)(&memory, &mut Script(bytes))
}

type Message = [u64; 3];

const PLAN: Plan = Plan { words: 4, columns: 2, letters: 96 };

fn items() -> [Item; 5] {
    let (text, bytes) = (Item::Str("eleven byte".into()), Item::Bytes(b"\x01\x02".to_vec()));
    [Item::Int(-7), Item::Float(0.5), Item::Bool(true), text, bytes]
}

/// All of them.
pub(crate) fn kinds() -> [Kind; 8] {
    let kind = |name, size, build, use_all| Kind { name, size, has_header: name != "list", build, use_all };
    [
        kind("ring", ring::size(256) + BEHIND, |memory| ring::create(memory).unwrap(), use_ring),
        kind("queue", mpmc::size::<Message>(4), |memory| mpmc::create::<Message>(memory).unwrap(), use_queue),
        kind(
            "snapshot",
            seqlock::size::<Message>(),
            |memory| seqlock::create(memory, &[1_u64; 3]).unwrap(),
            use_snapshot,
        ),
        kind(
            "table",
            PLAN.size(),
            |memory| Table::create(memory, PLAN).unwrap().add(1, b"apple", 1).unwrap(),
            use_table,
        ),
        kind(
            "list",
            ShareableList::size(&items()),
            |memory| drop(ShareableList::create(memory, &items()).unwrap()),
            use_list,
        ),
        kind("canvas", Canvas::size(9, 7), |memory| drop(Canvas::create(memory, 9, 7).unwrap()), use_canvas),
        kind(
            "board",
            Board::size(6),
            |memory| drop(Board::create(memory, |place| place as u64).unwrap()),
            use_board,
        ),
        kind("arena", Arena::size(200), |memory| drop(Arena::create(memory).unwrap()), use_arena),
    ]
}

/// Errors are what is hoped for, so they are passed over; a panic or a signal is not.
fn use_queue(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(queue) = Queue::<Message>::attach(memory) else { return false };
    for _ in 0..8 {
        let _ = match script.small() % 5 {
            0 => queue.try_pop().map(drop),
            1 => queue.pop(Duration::ZERO).map(drop),
            2 => queue.take_within(Duration::ZERO).map(drop),
            3 => queue.push([3; 3], Duration::ZERO),
            _ => queue.try_push([4; 3]).map(drop),
        };
    }
    true
}

fn use_snapshot(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let reader = Reader::<Message>::attach(memory);
    if let Ok(reader) = &reader {
        let _ = reader.try_read();
        let _ = reader.read(Duration::ZERO);
        let _ = reader.read_torn();
    }
    let Ok(mut writer) = Writer::<Message>::attach(memory) else { return reader.is_ok() };
    let value = [script.number(); 3];
    writer.write(&value);
    if let Ok(reader) = &reader {
        assert_eq!(reader.try_read(), Some(value), "what was written after whatever was there");
    }
    true
}

fn use_table(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(table) = Table::attach(memory) else { return false };
    let _ = table.for_each(|word, _| assert!(word.len() <= memory.size()));
    for word in [b"apple".as_slice(), b"a", &[0; 40]] {
        let column = script.small() % 4;
        let _ = table.get(word);
        let _ = table.add(column, word, script.number());
        let _ = table.clear(column);
        let _ = table.keys().find(word);
    }
    true
}

fn use_list(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(list) = ShareableList::attach(memory) else { return false };
    let _ = list.to_vec();
    for item in items() {
        let index = script.small() % (list.len() + 2);
        let _ = list.set(index, &item);
        if let Ok(Item::Str(text)) = list.get(index) {
            assert!(text.len() <= memory.size());
        }
    }
    true
}

fn use_canvas(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(canvas) = Canvas::attach(memory) else { return false };
    for _ in 0..4 {
        let [left, top, width, height] = [(); 4].map(|()| script.number() as u32);
        let area = Area { left, top, width, height };
        let pixels = u64::from(width) * u64::from(height);
        let _ = canvas.draw(area, &vec![1; pixels.min(1_000) as usize]);
        if let Ok(counts) = canvas.tiles(&[area]) {
            assert!(pixels * 2 <= memory.size() as u64, "{area:?}");
            drop(counts);
        }
    }
    assert!(canvas.pixels().count() * 2 <= memory.size());
    true
}

fn use_board(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(board) = Board::attach(memory) else { return false };
    let (pieces, len) = (board.pieces(), board.len());
    for _ in 0..4 {
        let worker = script.small() as u32;
        if let Some(place) = pieces.take(worker) {
            board.record(place, || ());
            pieces.done(place, worker);
        }
        assert!(pieces.take_run(worker, script.number() as usize).end <= len);
        assert!(pieces.owed(worker).chain(pieces.taken(worker)).all(|place| place < len));
        let _ = (board.pid(worker), board.word(script.number() as usize), pieces.left() <= len);
    }
    assert!(board.spans().all(|span| span.piece < len));
    let _ = board.all_done();
    true
}

fn use_arena(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let Ok(arena) = Arena::attach(memory) else { return false };
    for _ in 0..4 {
        let [offset, count, many] = [(); 3].map(|()| script.number() as usize);
        let places =
            [Ok::<_, ArenaError>(Place::<AtomicU64>::from_offset(offset, count)), arena.place_many(many)];
        for place in places.into_iter().flatten() {
            if let Ok(objects) = arena.get(place) {
                assert!(size_of_val(objects) <= memory.size(), "{place:?}");
            }
        }
    }
    let _ = arena.used();
    true
}
