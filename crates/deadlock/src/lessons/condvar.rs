//! Can threads be in deadlock without holding a lock?
//!
//! Yes: all sleep, and nobody is left who could wake them. A condition variable has no memory. A notice that comes before
//! the wait reaches nobody, and the wait that follows it is for ever. There is no cycle and no lock is held, so whoever
//! looks for cycles of locks (parking_lot's detector, the kernel's lockdep) finds nothing; a debugger shows a thread that
//! sleeps, as idle threads do.
//!
//! A detector can know only if it knows *all* threads that could notify: then "each of them sleeps or has ended" is a
//! deadlock. Look at its report: a thread, no lock, and nobody whom it waits for.
//!
//! The cure is no stronger notice but a condition that is looked at and changed **under the same mutex**: then the notice
//! cannot fall between the look and the sleep. In Python the same holds for `threading.Condition`.

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicBool, Ordering},
};

use lesson::search::{broken, fixed};
use lesson::{Lesson, Story};
use model::schedule::{self, Atomic, Bounds, Program};

use super::stage::{Actor, found, play};
use crate::detector::{Action, Report};

pub(super) const LESSON: Lesson = Lesson {
    name: "condvar",
    question: "Can threads be in deadlock without holding a lock?",
    python: &["threading.Condition"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "A guest looks whether tea is served, sees that it is not, and goes to sleep on a condition variable. Held to \
         the worst order: the host serves and rings the bell between the look and the sleep.",
    );
    let reports = too_early()?;
    let report = reports.into_iter().flatten().next();
    found(story, "asleep", "the guest sleeps for ever", &["guest"], report.as_ref())?;
    if let Some(guest) = report.as_ref().and_then(|report| report.threads().first()) {
        let waits = guest.waits.as_ref();
        let action = waits.map(|waits| waits.action);
        story.equal("what he waits for is a notice", Some(Action::Notify), action);
        let held_and_waited_for = (guest.holds.len(), waits.map_or(0, |waits| waits.on.len()));
        story.equal("no lock is held, and there is nobody to wait for", (0, 0), held_and_waited_for);
    }

    story.say("All orders of the steps, with the look outside of the mutex:");
    broken(story, "too-early", "a notice that comes too early is lost", 1, &Bounds::all(), tea(false))?;
    story.say("Cured: whoever looks and whoever serves hold the same mutex, and sleeping gives it back in one step.");
    fixed(story, "no notice is lost", &Bounds::all(), tea(true));
    story.equal("and held to the same order, guest and host both come to an end", 2, in_time()?);
    Ok(())
}

// ANCHOR: too_early
/// A barrier in the place of luck: the host rings when the guest has looked and does not sleep yet.
fn too_early() -> Result<Vec<Option<Arc<Report>>>, String> {
    play(|detector| {
        let shared = Arc::new((
            AtomicBool::new(false),
            detector.mutex("table", ()),
            detector.condvar("bell"),
            [Barrier::new(2), Barrier::new(2)],
        ));
        let theirs = Arc::clone(&shared);
        let guest: Actor<_> = Box::new(move || {
            let (tea, table, bell, [has_looked, has_rung]) = &*theirs;
            if !tea.load(Ordering::SeqCst) {
                has_looked.wait();
                has_rung.wait();
                let outcome = table.lock().and_then(|seat| bell.wait(seat));
                return outcome.err().and_then(|error| error.report().cloned());
            }
            None
        });
        let host: Actor<_> = Box::new(move || {
            let (tea, _, bell, [has_looked, has_rung]) = &*shared;
            has_looked.wait();
            tea.store(true, Ordering::SeqCst);
            bell.notify_all();
            has_rung.wait();
            None
        });
        vec![("guest", guest), ("host", host)]
    })
}
// ANCHOR_END: too_early

/// The cured form, in which the host serves at the first moment at which he can: when the guest sleeps. How many came to
/// an end.
fn in_time() -> Result<usize, String> {
    let ends = play(|detector| {
        let shared = Arc::new((detector.mutex("tea", false), detector.condvar("bell"), Barrier::new(2)));
        let theirs = Arc::clone(&shared);
        let guest: Actor<bool> = Box::new(move || {
            let (tea, bell, has_locked) = &*theirs;
            let seat = tea.lock().and_then(|seat| {
                has_locked.wait();
                bell.wait_while(seat, |tea| !*tea)
            });
            seat.is_ok_and(|tea| *tea)
        });
        let host: Actor<bool> = Box::new(move || {
            let (tea, bell, has_locked) = &*shared;
            has_locked.wait();
            let served = tea.lock().map(|mut tea| *tea = true).is_ok();
            bell.notify_all();
            served
        });
        vec![("guest", guest), ("host", host)]
    })?;
    Ok(ends.into_iter().filter(|ended_well| *ended_well).count())
}

fn tea(one_lock: bool) -> impl Fn(&mut Program) {
    move |program: &mut Program| {
        let bell = schedule::Condvar::new("bell");
        if one_lock {
            let tea = schedule::Mutex::new("tea", false);
            for guest in ["guest 1", "guest 2"] {
                let (tea, bell) = (tea.clone(), bell.clone());
                program.thread(guest, move || drop(bell.wait_while(tea.lock(), |tea| !*tea)));
            }
            program.thread("host", move || {
                *tea.lock() = true;
                bell.notify_all();
            });
        } else {
            let (tea, table) = (Atomic::new("tea", false), schedule::Mutex::new("table", ()));
            let (their_tea, their_bell) = (tea.clone(), bell.clone());
            program.thread("guest", move || {
                if !their_tea.load() {
                    drop(their_bell.wait(table.lock()));
                }
            });
            program.thread("host", move || {
                tea.store(true);
                bell.notify_all();
            });
        }
    }
}
