//! Can a Rust process and CPython share memory, and who deletes it?
//!
//! `multiprocessing.shared_memory.SharedMemory` is the same file in /dev/shm as ours: any name of one is a name for the other, and
//! doubles are the same eight bytes. `ShareableList` has a layout of its own, which ours follows byte for byte. So either side
//! may create, and either may attach.
//!
//! **The trap**: CPython's resource tracker is told of every segment, also of one that the program only *attached* to, and
//! when the program ends it takes the name away, from all who still want it (cpython#82300; `track=False` since 3.13 is the
//! cure, in older versions `resource_tracker.unregister`). Here [`Attached`] has no such power.

use std::{process, sync::atomic::Ordering::Relaxed, time::Duration};

use lesson::{Lesson, Story};

use crate::{
    Attached, Item, Owner, ShareableList,
    segment::{names, remove},
    value::AtomicF64,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "python",
    question: "Can a Rust process and CPython share memory, and who deletes it?",
    python: &[
        "shared_memory.SharedMemory",
        "shared_memory.ShareableList",
        "multiprocessing.resource_tracker",
    ],
    run,
    scenes: &[],
};

const LIMIT: Duration = Duration::from_secs(30);

/// Attaches to ten doubles and to a list, and takes them off the tracker's list, as one has to before 3.13.
const ATTACH: &str = r#"
from multiprocessing import resource_tracker, shared_memory
shm = shared_memory.SharedMemory(FLOATS)
resource_tracker.unregister(shm._name, "shared_memory")
floats = shm.buf[:80].cast("d")
total = 0.0
for x in floats: total += x # sum() rounds in another way since 3.12
print(total)
for i in range(5): floats[i] *= 2
floats.release()
try:
    import numpy
    array = numpy.ndarray((10,), dtype="d", buffer=shm.buf)
    array[5:] *= 2
    del array
    print("numpy")
except ImportError:
    print("no numpy")
shm.close()
all = shared_memory.ShareableList(name=LIST)
resource_tracker.unregister(all.shm._name, "shared_memory")
print(list(all))
all[0], all[3], all[5] = -1, "rot", True
all.shm.close()
"#;

/// Creates a list, and leaves it to whoever takes it over.
const CREATE: &str = r#"
from multiprocessing import resource_tracker, shared_memory
all = shared_memory.ShareableList([1 << 40, 0.1, True, "gr\u00fcn", b"\xff", None, False, ""], name=LIST)
resource_tracker.unregister(all.shm._name, "shared_memory")
all.shm.close()
"#;

/// Attaches and ends, nothing else.
const TRAP: &str = r#"
from multiprocessing import shared_memory
shm = shared_memory.SharedMemory(FLOATS)
shm.close()
"#;

fn run(story: &mut Story) -> lesson::Result {
    let prefix = format!("rust-python-{}", process::id());
    let (floats, list) = (format!("{prefix}-floats"), format!("{prefix}-list"));
    let python = |code: &str| lesson::python(&format!("FLOATS, LIST = {floats:?}, {list:?}\n{code}"), LIMIT);
    if let Err(why) = python("from multiprocessing import resource_tracker, shared_memory") {
        story.skip("Python reads and writes Rust's memory, and Rust Python's", "the same values", why);
        return Ok(());
    }

    story.say("Rust creates ten doubles and a list; Python attaches, reads, doubles five of them, changes three items.");
    let owner = Owner::create(&floats, 4096)?;
    let mapping = owner.map()?;
    let doubles = mapping.slice::<AtomicF64>(0, 10)?;
    doubles.iter().for_each(|double| double.store(0.1, Relaxed));
    let items = [
        Item::Int(7),
        Item::Float(0.1),
        Item::Bool(true),
        Item::Str("grün".into()),
        Item::Bytes(vec![255]),
        Item::None,
    ];
    let list_owner = Owner::create(&list, ShareableList::size(&items))?;
    let ours = ShareableList::create(&list_owner, &items)?;
    let played = python(ATTACH)?;
    let said: Vec<&str> = played.stdout.lines().collect();
    let [sum, numpy, seen] = said[..] else { return Err(format!("python3 said {said:?}").into()) };
    // The same sum in the same order, rounded in the same way.
    story.equal("Python sees the doubles", Some((0..10).map(|_| 0.1).sum::<f64>()), sum.parse().ok());
    story.equal("and Rust sees what Python has written", vec![0.2; 5], loaded(&doubles[..5]));
    match numpy {
        "numpy" => story.equal("a numpy array on the same bytes", vec![0.2; 5], loaded(&doubles[5..])),
        _ => story.skip("a numpy array on the same bytes", "five times 0.2", "numpy is not installed"),
    }
    story.equal("Python sees Rust's list", "[7, 0.1, True, 'grün', b'\\xff', None]", seen);
    let changed = [
        Item::Int(-1),
        Item::Float(0.1),
        Item::Bool(true),
        Item::Str("rot".into()),
        Item::Bytes(vec![255]),
        Item::Bool(true),
    ];
    story.equal("and Rust sees what Python has changed", &changed[..], &ours.to_vec()?);
    drop((ours, list_owner));

    story.say("Python creates a list and ends; Rust attaches and takes the name over.");
    // If it fails halfway, its list is not left behind.
    python(CREATE).inspect_err(|_| drop(remove(&list)))?;
    let taken = Attached::open(&list)?.into_owner()?;
    let theirs = ShareableList::attach(&taken)?;
    let expected = [
        Item::Int(1 << 40),
        Item::Float(0.1),
        Item::Bool(true),
        Item::Str("grün".into()),
        Item::Bytes(vec![255]),
        Item::None,
        Item::Bool(false),
        Item::Str(String::new()),
    ];
    story.equal("Rust sees Python's list", &expected[..], &theirs.to_vec()?);
    drop(taken);
    story.equal("and has taken its name away", 0, names(&list)?.len());

    trap(story, &floats, python(TRAP)?.stderr)?;
    drop(owner);
    story.equal("nothing is left", 0, names(&prefix)?.len());
    Ok(())
}

/// After a program that merely attached has ended.
fn trap(story: &mut Story, name: &str, complaint: String) -> lesson::Result {
    story.say("The trap: another Python program attaches to Rust's doubles, closes them, and ends. No unlink anywhere.");
    story.equal("CPython's tracker has taken our segment's name away", 0, names(name)?.len());
    let told = complaint.contains("leaked shared_memory objects");
    story.equal("and calls it a leak", true, told);
    Ok(())
}

fn loaded(doubles: &[AtomicF64]) -> Vec<f64> {
    doubles.iter().map(|double| double.load(Relaxed)).collect()
}
