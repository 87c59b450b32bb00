//! How do processes share a list of mixed values, of which each may change in place?
//!
//! All lengths are fixed when the list is made: a table of offsets, the values, and a table that says what each one is. A
//! value may be replaced by one of another kind, if it fits into its slot. That is `multiprocessing.shared_memory.ShareableList`,
//! and the bytes are the same, so that Python reads ours and we read Python's (see the lesson `python`).
//!
//! What to look at: nothing that stands in the segment is believed. The offsets are checked once and copied; formats and
//! texts are checked at each look, since they may change between two.

use std::time::Duration;

use lesson::{Lesson, Story};

use crate::{
    Item, Memfd, ShareableList,
    list::ListError,
    peer::{self, Cast},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "list",
    question: "How do processes share a list of mixed values, of which each may change in place?",
    python: &["shared_memory.ShareableList", "ShareableList.format"],
    run,
    scenes: &[("changer", changer)],
};

const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    let items = [
        Item::Int(7),
        Item::Float(0.1),
        Item::Bool(true),
        Item::Str("grün".into()),
        Item::Bytes(vec![255]),
        Item::None,
    ];
    let memory = Memfd::create("list", ShareableList::size(&items))?;
    let list = ShareableList::create(&memory, &items)?;
    story.say(format!(
        "A list of six in {} bytes. Another process reads it and changes three of them.",
        memory.size()
    ));
    let mut peer = Cast::scene("list", "changer").with_memory(&memory)?.start()?;
    let seen = peer.line(LIMIT)?;
    story.equal("it has read the same", format!("{items:?}"), seen);
    peer.end(LIMIT)?;
    let changed = [
        Item::Int(8),
        Item::Float(0.1),
        Item::Str("no".into()),
        Item::Str("rot".into()),
        Item::Bytes(vec![255]),
        Item::None,
    ];
    story.equal(
        "and what it has changed is here, also a bool that became a text",
        &changed[..],
        &list.to_vec()?,
    );

    story.say("A slot does not grow: `grün` has five bytes, and the slot is rounded up to eight.");
    list.set(3, &Item::Str("8 bytes!".into()))?;
    let long = list.set(3, &Item::Str("nine byte".into()));
    story.equal("eight fit, nine do not", Err(ListError::TooLong { index: 3, bytes: 9, room: 8 }), long);
    let zero = list.set(4, &Item::Bytes(vec![1, 0]));
    story.equal(
        "zeros at the end would be taken for padding, so they are refused",
        Err(ListError::TrailingZero),
        zero,
    );
    story.equal("there is no seventh", Err(ListError::Index { index: 6, len: 6 }), list.get(6));

    story.say("Now somebody writes nonsense into the segment.");
    let raw = memory.map()?;
    let mut refused = 0;
    for (byte, value) in [(0, -1), (0, 1 << 40), (16, 1 << 30), (24, 4), (56, i64::MAX)] {
        let mut kept = [0; 8];
        raw.read(byte, &mut kept)?;
        raw.write(byte, &i64::to_ne_bytes(value))?;
        refused += i32::from(matches!(ShareableList::attach(&memory), Err(ListError::Corrupt(_))));
        raw.write(byte, &kept)?;
    }
    story.equal("counts and offsets that cannot be are refused: 5 of 5", 5, refused);
    raw.write(0, &i64::to_ne_bytes(1000))?;
    story.equal("who was there before has copied them, and does not care", 6, list.to_vec()?.len());
    Ok(())
}

/// Says what it reads, then changes three.
fn changer() {
    let list = ShareableList::attach(peer::memory().expect("given")).expect("a list");
    peer::say(format!("{:?}", list.to_vec().expect("six values")));
    for (index, item) in [(0, Item::Int(8)), (2, Item::Str("no".into())), (3, Item::Str("rot".into()))] {
        list.set(index, &item).expect("it fits");
    }
}
