//! How can everyone read what someone replaces now and then, and nobody wait?
//!
//! By not changing it. A reader takes the current version and keeps it as long as it likes; a writer copies it, changes
//! the copy, and publishes that as the current one. The old version goes with its last reader. This is
//! read-copy-update, and `arc-swap` is the crate for it. The price is the copy, and that two readers may hold
//! different versions at the same time: who needs all to agree needs a lock.
//!
//! In Python one does the same by building a new dict and rebinding the name to it.

use std::{
    sync::{
        Arc as StdArc, RwLock, TryLockError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use lesson::{Lesson, Story};

use crate::Snapshot;

/// How can everyone read what someone replaces now and then, and nobody wait?
pub(super) const LESSON: Lesson = Lesson {
    name: "snapshot",
    question: "How can everyone read what someone replaces now and then, and nobody wait?",
    python: &["types.MappingProxyType", "copy.copy"],
    run,
    scenes: &[],
};

/// A configuration that counts how many of its versions are gone.
struct Version {
    number: u32,
    gone: StdArc<AtomicUsize>,
}

impl Version {
    fn next(&self) -> Self {
        Self { number: self.number + 1, gone: self.gone.clone() }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        self.gone.fetch_add(1, Relaxed);
    }
}

fn run(story: &mut Story) -> lesson::Result {
    let gone = StdArc::new(AtomicUsize::new(0));
    let current = Snapshot::new(Version { number: 1, gone: gone.clone() });
    let reader = current.load();
    current.update(Version::next);
    story.equal("a reader's version does not change under it; a new reader gets the new one", (1, 2), {
        (reader.number, current.load().number)
    });
    story.equal("the old version is kept for its reader", 0, gone.load(Relaxed));
    drop(reader);
    story.equal("and goes with it", 1, gone.load(Relaxed));

    story.say("What can a reader do while a writer computes? Looked at from inside the writer.");
    let mut seen = 0;
    current.update(|old| {
        seen = current.load().number;
        old.next()
    });
    story.equal("snapshot: it reads the current version", (2, 3), (seen, current.load().number));
    let locked = RwLock::new(1);
    let writer = locked.write();
    let refused = matches!(locked.try_read(), Err(TryLockError::WouldBlock));
    story.equal("RwLock: it would have to wait", true, refused);
    drop(writer);

    story.say("Two threads update 2,000 times each while two others read.");
    const UPDATES: u32 = 2_000;
    let current = Snapshot::new([0; 4]);
    let torn: usize = thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut torn = 0;
                    loop {
                        let version = current.load();
                        torn += usize::from(*version != [version[0]; 4]);
                        if version[0] == 2 * UPDATES {
                            return torn;
                        }
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| (0..UPDATES).for_each(|_| _ = current.update(|words| words.map(|word| word + 1))));
        }
        readers.into_iter().flat_map(|reader| reader.join()).sum()
    });
    story.equal("versions that were not whole", 0, torn);
    story.equal(
        "no update is lost: a writer that was overtaken computes again",
        2 * UPDATES,
        current.load()[0],
    );
    Ok(())
}
