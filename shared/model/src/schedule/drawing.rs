//! A schedule that failed, drawn lane by lane.

use std::{fmt, sync::Arc};

/// One step of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which thread took it.
    pub thread: usize,
    /// What it did: `load`, `store`, `lock` ...
    pub verb: &'static str,
    /// On what, by the name that it was given.
    pub object: Arc<str>,
    /// `-> read`, `<- written`, or what else there is to tell.
    pub value: String,
    /// Which other threads could have taken a step here instead.
    pub could: Vec<usize>,
    /// Which thread was taken off for this step, though it could have gone on.
    pub preempted: Option<usize>,
}

impl Step {
    /// At the end of [`value`](Self::value): nobody had notified.
    pub(super) const SPURIOUS: &'static str = " (spurious)";

    /// Whether a condition variable has woken the thread for nothing.
    pub fn is_spurious(&self) -> bool {
        self.value.ends_with(Self::SPURIOUS)
    }
}

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// All threads were joined, and what then must be so is not.
    Wrong(String),
    /// A thread panicked.
    Panic {
        /// Which one.
        thread: usize,
        /// What it said.
        message: String,
    },
    /// Nobody can go on.
    Deadlock {
        /// Each thread that waits: which, what it would do (`lock b`), and why it cannot (`held by B`).
        waiting: Vec<(usize, String, String)>,
    },
    /// It went on for longer than the bounds allow.
    Endless {
        /// So many steps.
        steps: usize,
    },
    /// Under the same schedule the program did something else than before.
    Unrepeatable,
}

/// A schedule under which a program fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The threads' names; steps refer to them by index.
    pub threads: Vec<String>,
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
    /// How often a thread was taken off that could have gone on (and how often one woke for nothing).
    pub preemptions: usize,
    /// How it ended.
    pub failure: Failure,
    /// How it was found: after how many schedules, with which seed.
    pub found: String,
}

impl Schedule {
    pub(super) fn new(threads: Vec<String>, steps: Vec<Step>, preemptions: usize, failure: Failure) -> Self {
        Self { threads, steps, preemptions, failure, found: String::new() }
    }

    /// How often the next step was another thread's.
    pub fn switches(&self) -> usize {
        self.steps.windows(2).filter(|pair| pair[0].thread != pair[1].thread).count()
    }

    /// The less, the easier to read.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        (self.preemptions, self.switches(), self.steps.len())
    }

    /// How it ended, in words.
    pub fn verdict(&self) -> String {
        let name = |thread: &usize| self.threads[*thread].as_str();
        match &self.failure {
            Failure::Wrong(what) => {
                let joined = if self.threads.len() == 2 { "both" } else { "all" };
                format!("{joined} joined: {what}")
            }
            Failure::Panic { thread, message } => format!("{} panics: {message}", name(thread)),
            Failure::Deadlock { .. } => "deadlock: nobody can go on".to_owned(),
            Failure::Endless { steps } => format!("no end after {steps} steps"),
            Failure::Unrepeatable => "not the same program as before".to_owned(),
        }
    }

    /// Draws it with one column for each thread, one line for each step, and the verdict below; not wider than
    /// `width` where the names and values let it be.
    ///
    /// `->` is what was read, `<-` what was written.
    pub fn draw(&self, width: usize) -> String {
        let rows = self.rows();
        let heads = self.threads.iter().enumerate().map(|(at, name)| (at, format!("thread {name}")));
        let longest = rows
            .iter()
            .cloned()
            .chain(heads.clone())
            .map(|(_, text)| text.chars().count())
            .max()
            .unwrap_or(0);
        let fair = width.saturating_sub(1) / self.threads.len().max(1);
        let lane = (longest + 3).max(20).min(fair.max(12));
        let mut drawing: String =
            heads.map(|(_, head)| format!("{:lane$}", cut(&head, lane - 1))).collect::<String>();
        drawing = format!(" {}\n", drawing.trim_end());
        for (thread, text) in rows {
            drawing.push_str(&format!(" {:indent$}{}\n", "", cut(&text, lane - 1), indent = thread * lane));
        }
        let verdict = self.verdict();
        let room = width.saturating_sub(1 + verdict.chars().count() + 2);
        if self.found.chars().count() <= room {
            drawing.push_str(&format!(" {verdict}  {:>room$}\n", self.found));
        } else {
            drawing.push_str(&format!(" {verdict}\n {}\n", self.found));
        }
        drawing
    }

    /// What stands in which lane, line by line; verbs and names are set below each other.
    pub(super) fn rows(&self) -> Vec<(usize, String)> {
        let verb = self.steps.iter().map(|step| step.verb.len()).max().unwrap_or(0);
        let texts = self.steps.iter().map(|step| {
            let text = format!("{:verb$} {} {}", step.verb, step.object, step.value);
            (step.thread, text.trim_end().to_owned())
        });
        let stuck: &[_] = if let Failure::Deadlock { waiting } = &self.failure { waiting } else { &[] };
        let stuck = stuck.iter().map(|(thread, what, why)| {
            let (does, object) = what.split_once(' ').unwrap_or((what, ""));
            (*thread, format!("{does:verb$} {object} ... {why}"))
        });
        texts.chain(stuck).collect()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.draw(100))
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
