//! How does one thread alone deadlock, in a line that looks harmless?
//!
//! By asking for what it holds. A `Mutex` does not know its owner: the second `lock` waits for a guard that this very
//! thread would have to drop. The guard is easy to overlook, since a temporary lives **to the end of its statement**:
//!
//! - two in one: `println!("{} {}", m.lock().unwrap().a, m.lock().unwrap().b)`: the first guard lives until the line
//!   is printed;
//! - `match m.lock().unwrap().get(..) { .. }`: through all arms; so in `if let` (since edition 2024 not in `else`) and
//!   `while let`;
//! - a readers-writer lock: a reader that reads again, while a writer waits in between, waits behind the writer, which
//!   waits for the reader; and a reader that asks to write waits for itself;
//! - a callback: whoever calls foreign code under a lock does not know what that code locks.
//!
//! The cure in all cases: give the guard a name and a block, take out what is needed, and let it go before going on.
//!
//! In Python `Lock` does the same, `RLock` counts instead; Rust has no reentrant lock that would give `&mut` (it would
//! be two of them).

use std::{
    sync::{Arc, Barrier},
    thread,
};

use lesson::{Lesson, Story};

use crate::detector::{Detector, Mutex, Recovery};

pub(super) const LESSON: Lesson = Lesson {
    name: "self",
    question: "How does one thread alone deadlock, in a line that looks harmless?",
    python: &["threading.Lock", "threading.RLock"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("A thread locks what it holds. With std's mutex it would stand here for ever; the detector says so and refuses:");
    let detector = Detector::new(Recovery::Break);
    let pair = detector.mutex("pair", (1, 2));
    let held = pair.lock();
    let again = pair.lock();
    let report = again.as_ref().err().and_then(|error| error.report().cloned());
    drop((again, held));
    let Some(report) = report else { return Err("the second lock was not refused".into()) };
    story.show(report.to_string());
    story.picture("twice", || report.svg())?;
    story.equal(
        "who waits for whom: one thread, a circle",
        (1, true),
        (report.threads().len(), report.is_cycle()),
    );

    temporaries(story, &pair);
    readers(story)?;
    callback(story, &detector);
    Ok(())
}

// ANCHOR: temporaries
fn temporaries(story: &mut Story, pair: &Mutex<(u32, u32)>) {
    story.say("Where is the guard? Each of these holds one that has no name:");
    let line = format!("{} {}", pair.lock().is_ok(), pair.lock().is_ok());
    story.equal(
        "two in one statement: the first lives to its end, the second is refused",
        "true false",
        &line,
    );

    let refused = match pair.lock().map_or(0, |pair| pair.0) {
        _ if pair.lock().is_err() => "refused",
        _ => "free",
    };
    story.equal("`match` on a value that was taken out of the guard: the guard is gone", "free", refused);
    let refused = match pair.lock().as_deref() {
        Ok(_) if pair.lock().is_err() => "refused",
        _ => "free",
    };
    story.equal("`match` on what is borrowed from the guard: it lives through all arms", "refused", refused);
    let in_body = if let Ok((1, _)) = pair.lock().as_deref() { pair.lock().is_err() } else { false };
    let in_else = if let Ok((7, _)) = pair.lock().as_deref() { false } else { pair.lock().is_err() };
    story.equal(
        "`if let`: refused in the body, and (since edition 2024) not in `else`",
        (true, false),
        (in_body, in_else),
    );

    let (first, second) = {
        let pair = pair.lock();
        pair.map_or((0, 0), |pair| *pair)
    };
    let line = format!("{first} {second}, {}", if pair.lock().is_ok() { "free" } else { "held" });
    story.equal("cured: one guard, in a block, and what is needed is taken out", "1 2, free", &line);
}
// ANCHOR_END: temporaries

// ANCHOR: readers
fn readers(story: &mut Story) -> lesson::Result {
    story.say("A readers-writer lock. A reader reads again, and in between a writer has queued up:");
    let detector = Detector::new(Recovery::Break);
    let config = Arc::new(detector.rwlock("config", 7));
    let reads = Arc::new(Barrier::new(2));
    let reader = {
        let (config, reads) = (Arc::clone(&config), Arc::clone(&reads));
        detector.spawn("reader", move || {
            let first = config.read();
            reads.wait();
            // No luck: as soon as the writer waits, nobody new may read.
            while config.try_read().is_ok() {
                thread::yield_now();
            }
            let refused = config.read().is_err();
            drop(first);
            refused
        })
    };
    let writer = {
        let config = Arc::clone(&config);
        detector.spawn("writer", move || {
            reads.wait();
            config.write().map(|mut config| *config += 1).is_err()
        })
    };
    let refused = (reader.join()?, writer.join()?);
    if let Some(report) = detector.reports().first() {
        story.show(report.to_string());
        story.picture("readers", || report.svg())?;
    }
    story.equal("one of the two was refused, so the other one went on", true, refused.0 != refused.1);
    let reading = config.read();
    story.equal("read, then upgrade to write: it would wait for itself", true, config.write().is_err());
    drop(reading);
    Ok(())
}
// ANCHOR_END: readers

type Callback = Arc<dyn Fn(&Bell) -> bool + Send + Sync>;

/// Calls all who have subscribed.
struct Bell(Mutex<Vec<Callback>>);

impl Bell {
    /// Whether it could be noted.
    fn subscribe(&self, callback: Callback) -> bool {
        self.0.lock().map(|mut callbacks| callbacks.push(callback)).is_ok()
    }

    /// Broken: calls under the lock.
    fn ring_locked(&self) -> Vec<bool> {
        let callbacks = self.0.lock();
        callbacks.iter().flat_map(|callbacks| callbacks.iter()).map(|callback| callback(self)).collect()
    }

    /// Copies the list, gives the lock back, then calls.
    fn ring(&self) -> Vec<bool> {
        let callbacks = self.0.lock().map_or(Vec::new(), |callbacks| callbacks.clone());
        callbacks.iter().map(|callback| callback(self)).collect()
    }
}

fn callback(story: &mut Story, detector: &Detector) {
    story.say("A bell calls those who have subscribed, and one of them subscribes another one:");
    let bell = Bell(detector.mutex("subscribers", Vec::new()));
    bell.subscribe(Arc::new(|bell| bell.subscribe(Arc::new(|_| true))));
    story.equal("called under the lock it would wait for itself", vec![false], bell.ring_locked());
    story.equal("called after the lock was given back it may", vec![true], bell.ring());
}
