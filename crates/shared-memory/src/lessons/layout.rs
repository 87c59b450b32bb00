//! What may live in memory that other processes map, and how does one know that it is there?
//!
//! Each process maps the memory at another address. So a pointer in it points nowhere, and with it all that has one inside:
//! `Vec`, `String`, `Box`, a reference. An **offset** from the start means the same to all. The compiler refuses the rest:
//! [`SharedSafe`](crate::SharedSafe) has the lines that do not compile.
//!
//! Each process may be another build of the program. Rust arranges the fields of a struct as it likes, `#[repr(C)]` as they
//! are written, with gaps so that each is aligned. And an older build has other fields. So a segment begins with a
//! **header**: a magic number, a version, the size, and a fingerprint of the types (names, order, types and offsets of the
//! fields). It is checked on attach, before the first look at the contents.
//!
//! In Python `struct.pack_into("<QI", shm.buf, ...)` by hand on both sides, and nobody checks.

use std::{
    mem::offset_of,
    sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use lesson::{Lesson, Story};

use crate::{LayoutError, Memfd, Shared, SharedSafe, layout::Header, shared};

pub(super) const LESSON: Lesson = Lesson {
    name: "layout",
    question: "What may live in memory that other processes map, and how does one know that it is there?",
    python: &["struct.pack_into", "ctypes.Structure", "multiprocessing.sharedctypes"],
    run,
    scenes: &[],
};

// ANCHOR: order
shared! {
    /// What a shop sells.
    struct Order { urgent: AtomicU8, price: AtomicU64, pieces: AtomicU32 }
}
// ANCHOR_END: order

/// The same struct as the next release of the program has it.
mod next_release {
    use super::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, shared};

    shared! {
        /// What a shop sells, and to whom.
        pub(super) struct Order { urgent: AtomicU8, customer: AtomicU16, price: AtomicU64, pieces: AtomicU32 }
    }
}

fn run(story: &mut Story) -> lesson::Result {
    addresses(story)?;
    gaps(story);
    headers(story)?;
    unfinished(story)
}

fn addresses(story: &mut Story) -> lesson::Result {
    story.say("The same memory mapped twice, as two processes would. A number is stored at byte 128.");
    let memory = Memfd::create("layout", 4096)?;
    let (ours, theirs) = (memory.map()?, memory.map()?);
    ours.at::<AtomicU64>(128)?.store(7, Relaxed);
    let addresses = [&ours, &theirs].map(|mapping| mapping.as_ptr().addr() + 128);
    let observed = format!("{:#x} and {:#x}", addresses[0], addresses[1]);
    story.claim("its addresses differ", "two addresses", observed, addresses[0] != addresses[1]);
    story.equal("its offset is the same", 7, theirs.at::<AtomicU64>(128)?.load(Relaxed));
    let outside = theirs.at::<AtomicU64>(4090).map(drop);
    story.equal("an offset that leads out is an error and no read", true, outside.is_err());
    let crooked = theirs.at::<AtomicU64>(130).map(drop);
    story.equal("and so is one where no number can lie", true, crooked.is_err());
    Ok(())
}

fn gaps(story: &mut Story) {
    story.say("A struct of 1 + 8 + 4 bytes, as written, with gaps for alignment:");
    let places =
        [offset_of!(Order, urgent), offset_of!(Order, price), offset_of!(Order, pieces), size_of::<Order>()];
    story.show(
        "  0       1 .. 8   8 .. 16   16 .. 20   20 .. 24\n  urgent  (gap)    price     pieces     (gap)",
    );
    story.equal("urgent, price, pieces and the end are at", [0, 8, 16, 24], places);
    let differ = Order::LAYOUT != next_release::Order::LAYOUT;
    let sizes = (size_of::<Order>(), size_of::<next_release::Order>());
    story.say("The next release has a field more, which falls into the gap.");
    story.equal("the size does not tell them apart", (24, 24), sizes);
    story.equal("the fingerprint does", true, differ);
}

fn headers(story: &mut Story) -> lesson::Result {
    let size = Shared::<Order>::size(0);
    story.say(format!(
        "A segment of {size} bytes: 64 of header, 24 of order. It is built, then spoiled in one place."
    ));
    let spoiled = |spoil: fn(&Header)| -> Result<LayoutError, Box<dyn std::error::Error>> {
        let memory = Memfd::create("layout", size)?;
        let order = Shared::<Order>::create(&memory, |order, _| *order.price.get_mut() = 100)?;
        spoil(order.mapping().at(0)?);
        match Shared::<Order>::attach(&memory) {
            Ok(_) => Err("a spoiled header was believed".into()),
            Err(why) => Ok(why),
        }
    };
    let foreign = spoiled(|header| header.magic.word.store(0x0bad, Relaxed))?;
    story.equal("another program's segment", LayoutError::Foreign { found: 0x0bad }, foreign);
    let newer = spoiled(|header| header.version.store(9, Relaxed))?;
    story.equal(
        "another version of the header",
        LayoutError::Version { found: 9, known: Header::VERSION },
        newer,
    );
    let lies = spoiled(|header| header.size.store(1 << 40, Relaxed))?;
    let (claimed, has) = (1 << 40, size as u64);
    story.equal("a size that is a lie", LayoutError::Size { claimed, has, needed: has }, lies);
    let memory = Memfd::create("layout", size)?;
    let built = Shared::<Order>::create(&memory, |order, _| *order.price.get_mut() = 100)?;
    let other = Shared::<next_release::Order>::attach(&memory).map(drop);
    let observed = format!("{other:?}");
    let holds = matches!(other, Err(LayoutError::Layout { .. }));
    story.claim("another release's order, of the same size", "Err(Layout { .. })", observed, holds);
    let ok = Shared::<Order>::attach(&memory)?;
    story.equal("and the right one is used", 100, ok.price.load(Relaxed));
    drop(built);
    Ok(())
}

fn unfinished(story: &mut Story) -> lesson::Result {
    story.say("The magic number is stored last, with Release. Before that nobody attaches, and nobody builds it again:");
    let memory = Memfd::create("layout", Shared::<Order>::size(0))?;
    let empty = Shared::<Order>::attach(&memory).map(drop);
    let mut meanwhile = Vec::new();
    Shared::<Order>::create(&memory, |_, _| {
        meanwhile.push(Shared::<Order>::attach(&memory).map(drop));
        meanwhile.push(Shared::<Order>::create(&memory, |_, _| ()).map(drop));
    })?;
    let again = Shared::<Order>::create(&memory, |_, _| ()).map(drop);
    let expected =
        [LayoutError::Empty, LayoutError::Unfinished, LayoutError::Taken, LayoutError::Taken].map(Err);
    story.equal(
        "before, while (twice) and after",
        &expected[..],
        &[&[empty][..], &meanwhile, &[again]].concat(),
    );
    Ok(())
}
