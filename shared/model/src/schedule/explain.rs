//! Why each step of a schedule was possible, and what it did to the others.

use super::{Schedule, Step, drawing::Failure};

impl Schedule {
    /// Step by step, one line each and one more where something is to be noted: who is taken off before what,
    /// which window is open, what grows old, which wake-up reaches nobody.
    pub fn explain(&self) -> String {
        let mut lines = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            if let Some(off) = step.preempted {
                let next = self.steps[at..].iter().find(|later| later.thread == off);
                let before = next.map(|next| format!(" before `{} {}`", next.verb, next.object));
                lines.push(format!(
                    "   -- {} is taken off{}; it could have gone on",
                    self.name(off),
                    before.unwrap_or_default()
                ));
            }
            let does = format!("{} {} {}", step.verb, step.object, step.value);
            let could: Vec<&str> = step.could.iter().map(|&thread| self.name(thread)).collect();
            let could = match could.as_slice() {
                [] => "only it could go on".to_owned(),
                names => format!("{} could, too", names.join(", ")),
            };
            lines.push(format!("{:2}. {}: {} ({could})", at + 1, self.name(step.thread), does.trim_end()));
            lines.extend(self.notes(at, step).into_iter().map(|note| format!("      {note}")));
        }
        if let Failure::Deadlock { waiting } = &self.failure {
            for (thread, what, why) in waiting {
                lines.push(format!("   -- {} would {what}, for ever: {why}", self.name(*thread)));
            }
        }
        let counted = |count: usize, one, many| format!("{count} {}", if count == 1 { one } else { many });
        lines.push(format!(
            "{}: {}, {}; no schedule that was run fails with fewer",
            self.verdict(),
            counted(self.preemptions, "preemption", "preemptions"),
            counted(self.switches(), "context switch", "context switches")
        ));
        lines.join("\n")
    }

    fn name(&self, thread: usize) -> &str {
        &self.threads[thread]
    }

    fn notes(&self, at: usize, step: &Step) -> Vec<String> {
        let mut notes = Vec::new();
        let me = self.name(step.thread);
        if reads(step)
            && !writes(step)
            && let Some(store) = self.store_after(at)
        {
            notes.push(format!(
                "a window opens: until step {} {me} holds a {} that may grow old",
                store + 1,
                step.object
            ));
        }
        if writes(step) {
            for (opened, reader) in self.open_windows(at, step) {
                notes.push(format!("from here on what {reader} read in step {} is old", opened + 1));
            }
            if let Some(lost) = self.overwritten(at, step) {
                notes.push(format!("it overwrites, unseen, what {} wrote in step {}", lost.1, lost.0 + 1));
            }
        }
        if step.value == "wakes nobody" {
            notes.push("nobody sleeps on it now, and a notice is not kept for later".to_owned());
        }
        if step.is_spurious() {
            notes.push("nobody has notified: a condition variable may do that".to_owned());
        }
        notes
    }

    /// The plain store of the same thread to the same variable that follows the load at `at`, if no other access
    /// of its own comes between.
    fn store_after(&self, at: usize) -> Option<usize> {
        let load = &self.steps[at];
        let mut own = self.steps.iter().enumerate().skip(at + 1);
        own.find(|(_, step)| step.thread == load.thread && step.object == load.object)
            .filter(|(_, step)| step.verb == "store")
            .map(|(at, _)| at)
    }

    /// Other threads' windows that are open at `at` on what `step` writes to: where they opened, and whose.
    fn open_windows(&self, at: usize, step: &Step) -> Vec<(usize, &str)> {
        let before = self.steps[..at].iter().enumerate();
        before
            .filter(|(_, load)| {
                load.thread != step.thread && load.object == step.object && reads(load) && !writes(load)
            })
            .filter(|(opened, _)| self.store_after(*opened).is_some_and(|store| store > at))
            .map(|(opened, load)| (opened, self.name(load.thread)))
            .collect()
    }

    /// The last write of another thread between the load that `step` is based on and `step`.
    fn overwritten(&self, at: usize, step: &Step) -> Option<(usize, &str)> {
        let opened =
            (0..at).rev().find(|&load| self.store_after(load) == Some(at) && reads(&self.steps[load]))?;
        let between = (opened + 1..at).rev().map(|index| (index, &self.steps[index]));
        between
            .filter(|(_, other)| other.thread != step.thread && other.object == step.object && writes(other))
            .map(|(index, other)| (index, self.name(other.thread)))
            .next()
    }
}

fn reads(step: &Step) -> bool {
    step.verb == "load"
}

fn writes(step: &Step) -> bool {
    step.value.contains("<-") && !matches!(step.verb, "unlock" | "wait")
}
