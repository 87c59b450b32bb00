//! Who frees what several threads share?
//!
//! Whoever gives up the last share. A count of shares goes up with each clone and down with each drop; at zero the value
//! is dropped. To count up needs no ordering. To count down does: whatever a thread did with the value comes before its
//! own decrement (Release), and the free comes after all decrements (Acquire, by the last one only). Without that
//! Acquire the value could be torn down before the last write of another thread has arrived. A run will not show it; the
//! model check `arc_model` finds it in its first schedule.
//!
//! Counting has one hole: two values that hold each other are never freed. A weak share, which does not count, breaks the
//! circle. Python counts too, has `weakref.ref`, and a collector for circles beside it; Rust has none.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use lesson::{Lesson, Story};

use crate::arc::{Arc, Weak};

/// Who frees what several threads share?
pub(super) const LESSON: Lesson = Lesson {
    name: "arc",
    question: "Who frees what several threads share?",
    python: &["sys.getrefcount", "weakref.ref", "gc.collect"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    let first = Arc::new("value");
    let second = first.clone();
    let weak = Arc::downgrade(&first);
    story.equal("strong shares, weak ones", (2, 1), (Arc::strong_count(&first), Arc::weak_count(&first)));
    drop(first);
    story.equal("one strong share is enough", Some("value"), weak.upgrade().map(|share| *share));
    drop(second);
    story.equal("with the last one the value is gone", None, weak.upgrade().map(|share| *share));

    last_drop(story);
    circle(story);
    Ok(())
}

/// A value that reports, when it is dropped, how many uses it has seen.
struct Used {
    uses: AtomicUsize,
    report: mpsc::Sender<usize>,
}

impl Drop for Used {
    fn drop(&mut self) {
        // An error only says that nobody asks any more.
        let _ = self.report.send(self.uses.load(Relaxed));
    }
}

// ANCHOR: last_drop
fn last_drop(story: &mut Story) {
    const ROUNDS: usize = 100;
    const THREADS: usize = 4;
    story.say("Four threads use a value, by a Relaxed increment, and drop their shares; 100 times.");
    let mut reports = Vec::new();
    for _ in 0..ROUNDS {
        let (report, reported) = mpsc::channel();
        let value = Arc::new(Used { uses: AtomicUsize::new(0), report });
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let share = value.clone();
                scope.spawn(move || share.uses.fetch_add(1, Relaxed));
            }
            drop(value);
        });
        reports.extend(reported);
    }
    story.equal("it is dropped once each time", ROUNDS, reports.len());
    let complete = reports.iter().filter(|uses| **uses == THREADS).count();
    story.equal("and whoever drops it sees all four uses", ROUNDS, complete);
}
// ANCHOR_END: last_drop

/// A node that may hold another, strongly or weakly.
struct Node {
    strong: Mutex<Option<Arc<Node>>>,
    weak: Mutex<Option<Weak<Node>>>,
    drops: std::sync::Arc<AtomicUsize>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Relaxed);
    }
}

fn circle(story: &mut Story) {
    let drops = std::sync::Arc::new(AtomicUsize::new(0));
    let node = || Arc::new(Node { strong: Mutex::default(), weak: Mutex::default(), drops: drops.clone() });
    let hold = |from: &Arc<Node>, to: &Arc<Node>| {
        *from.strong.lock().unwrap_or_else(|e| e.into_inner()) = Some(to.clone())
    };

    let (parent, child) = (node(), node());
    hold(&parent, &child);
    *child.weak.lock().unwrap_or_else(|e| e.into_inner()) = Some(Arc::downgrade(&parent));
    drop((parent, child));
    story.equal("parent and child, the child's share weak: dropped", 2, drops.swap(0, Relaxed));

    let (parent, child) = (node(), node());
    hold(&parent, &child);
    hold(&child, &parent);
    let watch = Arc::downgrade(&parent);
    drop((parent, child));
    story.equal("both strong, a circle: dropped", 0, drops.load(Relaxed));
    // Nobody else can reach them; through the weak share we can, and open the circle.
    if let Some(parent) = watch.upgrade() {
        let child = parent.strong.lock().unwrap_or_else(|e| e.into_inner()).take();
        drop((parent, child));
    }
    story.equal("after the circle is opened by hand: dropped", 2, drops.load(Relaxed));
}
