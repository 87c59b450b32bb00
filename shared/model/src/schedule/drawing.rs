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

/// Blanks between two lanes, at least.
const GAP: usize = 2;

impl Step {
    /// At the end of [`value`](Self::value): nobody had notified.
    pub(super) const SPURIOUS: &'static str = " (spurious)";

    /// Whether others can see that it was taken: it wrote, or gave a lock back.
    pub(super) fn changes(&self) -> bool {
        self.value.contains("<-") || matches!(self.verb, "unlock" | "wait")
    }

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
        let heads: Vec<String> = self.threads.iter().map(|name| format!("thread {name}")).collect();
        let lanes = self.lanes(&heads, &rows, width.saturating_sub(1));
        let mut drawing = String::new();
        for (head, lane) in heads.iter().zip(&lanes) {
            drawing.push_str(&format!("{:lane$}", cut(head, lane - GAP)));
        }
        drawing = format!(" {}\n", drawing.trim_end());
        for (thread, text) in rows {
            let indent: usize = lanes[..thread].iter().sum();
            drawing.push_str(&format!(" {:indent$}{}\n", "", cut(&text, lanes[thread] - GAP)));
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

    /// How wide each lane is: as its longest line needs it; where that is too much the widest lanes give way.
    fn lanes(&self, heads: &[String], rows: &[(usize, String)], width: usize) -> Vec<usize> {
        let mut lanes: Vec<usize> = heads.iter().map(|head| head.chars().count() + GAP).collect();
        for (thread, text) in rows {
            lanes[*thread] = lanes[*thread].max(text.chars().count() + GAP);
        }
        let roomy = lanes.iter().map(|lane| (*lane).max(20)).collect::<Vec<_>>();
        if roomy.iter().sum::<usize>() <= width {
            return roomy;
        }
        while lanes.iter().sum::<usize>() > width
            && let Some(widest) = lanes.iter_mut().max().filter(|widest| **widest > 12)
        {
            *widest -= 1;
        }
        lanes
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
