//! From figures to what holds: a pure function with fixed bounds, so that the same figures get the same words.

use serde::Serialize;

use super::figures::{Figures, Language};

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so.
    Held,
    /// It is so, but something that it leaves out matters as much.
    Refined,
    /// It is not so.
    Refuted,
    /// It cannot be said here and now.
    NotJudged,
}

/// A statement as it was tried in one language.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// What became of it.
    pub verdict: Verdict,
    /// The ratio or number on which that rests.
    pub figure: Option<f64>,
    /// In a sentence.
    pub said: String,
}

impl Tried {
    pub(super) fn not_judged(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotJudged, figure: None, said: why.into() }
    }

    fn new(verdict: Verdict, figure: f64, said: String) -> Self {
        Self { verdict, figure: Some(figure), said }
    }
}

/// Something that is usually said.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// In the usual words.
    pub text: &'static str,
    /// What shows it at length.
    pub lesson: &'static str,
    judge: fn(Language, &Figures) -> Tried,
}

/// All of them.
pub static STATEMENTS: [Statement; 15] = [
    Statement {
        text: "threads are efficient for I/O-bound tasks",
        lesson: "cargo run -p threads -- overlap",
        judge: waiting,
    },
    Statement {
        text: "threads share memory, which reduces overhead",
        lesson: "cargo run -p synchronization -- arc",
        judge: sharing,
    },
    Statement {
        text: "threads keep a program responsive",
        lesson: "cargo run -p gil -- convoy",
        judge: responsive,
    },
    Statement {
        text: "threads bring race conditions",
        lesson: "cargo run -p synchronization -- race",
        judge: race,
    },
    Statement { text: "threads bring deadlocks", lesson: "cargo run -p deadlock -- abba", judge: deadlock },
    Statement { text: "the GIL limits parallelism", lesson: "cargo run -p gil -- cpu", judge: gil },
    Statement {
        text: "locks, semaphores and conditions protect shared data",
        lesson: "cargo run -p synchronization -- mutex semaphore condvar",
        judge: locks,
    },
    Statement {
        text: "processes suit CPU-bound tasks",
        lesson: "cargo run -p processes -- speedup",
        judge: computing,
    },
    Statement {
        text: "processes run on separate cores",
        lesson: "cargo run -p threads -- speedup",
        judge: cores,
    },
    Statement {
        text: "isolation enhances stability",
        lesson: "cargo run -p processes -- isolation death",
        judge: isolation,
    },
    Statement {
        text: "processes take more memory",
        lesson: "cargo run -p processes -- memory",
        judge: memory,
    },
    Statement {
        text: "processes communicate with overhead",
        lesson: "cargo run -p ipc -- pipe encode",
        judge: communication,
    },
    Statement {
        text: "processes share no memory by default",
        lesson: "cargo run -p shared-memory -- memfd",
        judge: separate,
    },
    Statement {
        text: "choose threads for I/O",
        lesson: "cargo run -p threads -- overlap",
        judge: choose_threads,
    },
    Statement {
        text: "choose processes for CPU",
        lesson: "cargo run -p gil -- workload",
        judge: choose_processes,
    },
];

/// What became of `statement`, by the figures of one language.
pub fn judge(statement: &Statement, language: Language, figures: &Figures) -> Tried {
    (statement.judge)(language, figures)
}

use Language::{Python, Rust};
use Verdict::{Held, Refined, Refuted};

fn held_if(holds: bool) -> Verdict {
    if holds { Held } else { Refuted }
}

fn waiting(_: Language, f: &Figures) -> Tried {
    let gain = f.waiting_threads;
    let said = format!("{} threads fetch {gain:.1} times as fast as one, on {} cores", f.waiters, f.cores);
    Tried::new(held_if(gain >= 2.0), gain, said)
}

fn sharing(_: Language, f: &Figures) -> Tried {
    let ratio = f.table_process / f.table_thread;
    let said = format!(
        "8 MiB there and back cost a process {ratio:.0} times as much as a thread, which gets a pointer"
    );
    Tried::new(held_if(ratio > 2.0), ratio, said)
}

fn responsive(language: Language, f: &Figures) -> Tried {
    let ratio = f.silence_alone / f.silence_thread;
    let silence = f.silence_thread * 1e3;
    let lock = if language == Python && f.gil { ", the time for which the GIL is kept" } else { "" };
    let said = format!(
        "the main thread is silent for {silence:.1} ms while another computes{lock}; {ratio:.0} times as long if it does so itself"
    );
    match ratio {
        ratio if ratio >= 3.0 => Tried::new(if lock.is_empty() { Held } else { Refined }, ratio, said),
        ratio if ratio < 1.5 && f.cores > 1 => Tried::new(Refuted, ratio, said),
        _ => Tried::not_judged(format!("{said}: too close for this machine just now")),
    }
}

fn race(language: Language, f: &Figures) -> Tried {
    let said =
        format!("{} of {} increments lost where two threads read before either wrote", f.lost, f.increments);
    let (verdict, more) = match language {
        Rust => (Refined, "; data races do not compile, races between correct steps do"),
        Python => (Held, "; the GIL does not prevent it"),
    };
    Tried::new(if f.lost > 0 { verdict } else { Refuted }, f.lost as f64, said + more)
}

fn deadlock(_: Language, f: &Figures) -> Tried {
    let said = if f.stuck {
        "two threads, two locks in opposite orders: each holds what the other asks for; no type forbids it"
    } else {
        "two threads with a lock each got the other's, too"
    };
    Tried::new(held_if(f.stuck), f64::from(u8::from(f.stuck)), said.to_owned())
}

/// What the machine gave: seen by a kernel, or by work that reached it when the kernel did not run.
fn given(f: &Figures) -> f64 {
    f.ceiling.max(f.computing_threads).max(f.computing_processes)
}

/// Why statements about several cores cannot be judged, if they cannot.
fn too_few_cores(f: &Figures) -> Option<Tried> {
    if f.cores < 2 {
        return Some(Tried::not_judged(
            "one core: nothing parallel can be concluded about work that computes",
        ));
    }
    (given(f) < 0.75 * f.cores as f64).then(|| {
        Tried::not_judged(format!(
            "a pure kernel gains only {:.2} times on {} cores just now",
            f.ceiling, f.cores
        ))
    })
}

fn gil(language: Language, f: &Figures) -> Tried {
    let gain = f.computing_threads;
    if let Some(reason) = too_few_cores(f) {
        return reason;
    }
    let said = format!("{} threads that compute gain {gain:.2} times", f.cores);
    match (language, f.gil) {
        (Python, true) => Tried::new(held_if(gain < 1.25), gain, said),
        (Python, false) => Tried::new(Refined, gain, said + ": this build has no GIL"),
        (Rust, _) if gain >= 0.7 * given(f) => Tried::new(Refuted, gain, said + ": Rust has no GIL"),
        (Rust, _) => Tried::not_judged(said + ": too little for this machine"),
    }
}

fn locks(_: Language, f: &Figures) -> Tried {
    let holds = f.lost_locked == 0 && f.inside <= 2 && f.in_order;
    let said = format!(
        "a lock: {} of {} increments lost; a semaphore of 2: {} inside at most; a condition: all handed over {}",
        f.lost_locked,
        f.increments,
        f.inside,
        if f.in_order { "in order" } else { "out of order" }
    );
    Tried::new(held_if(holds), f.lost_locked as f64, said)
}

fn computing(_: Language, f: &Figures) -> Tried {
    let (processes, threads) = (f.computing_processes, f.computing_threads);
    if let Some(reason) = too_few_cores(f) {
        return reason;
    }
    let said = format!("{} processes gain {processes:.2} times, as many threads {threads:.2}", f.cores);
    match processes >= 1.2 {
        true if processes >= 1.25 * threads => Tried::new(Held, processes, said),
        true => Tried::new(Refined, processes, said + ": so do threads"),
        false => Tried::new(Refuted, processes, said + ": starting them takes what they give"),
    }
}

fn cores(_: Language, f: &Figures) -> Tried {
    let (processes, threads) = (f.busy_processes, f.busy_threads);
    if let Some(reason) = too_few_cores(f) {
        return reason;
    }
    let said = format!("processes use {processes:.2} cores at a time, threads {threads:.2}");
    match processes >= 1.3 {
        true if threads < 1.3 => Tried::new(Held, processes, said),
        true => {
            Tried::new(Refined, processes, said + ": it is the system that places them, and it places both")
        }
        false => Tried::not_judged(said + ": the machine gave no more"),
    }
}

fn isolation(language: Language, f: &Figures) -> Tried {
    let holds = f.survives_process && !f.survives_thread;
    let word = |survives| if survives { "survives" } else { "ends" };
    let said = format!(
        "when a process aborts, its parent {}; when a thread does, the program {}",
        word(f.survives_process),
        word(f.survives_thread)
    );
    let more = match language {
        Rust => " (a panic ends its thread alone)",
        Python => " (an exception ends its thread alone)",
    };
    Tried::new(held_if(holds), f64::from(u8::from(holds)), said + more)
}

fn memory(_: Language, f: &Figures) -> Tried {
    let ratio = f.memory_processes / f.memory_threads;
    let said = format!("{ratio:.1} times as much as threads, with pages that are shared counted once");
    match ratio {
        ratio if !ratio.is_finite() => Tried::not_judged("this system does not tell what a process takes"),
        ratio => Tried::new(held_if(ratio > 1.1), ratio, said),
    }
}

fn communication(_: Language, f: &Figures) -> Tried {
    let ratio = f.word_process / f.word_thread;
    let said = format!(
        "a word there and back takes {:.0} us with a process, {:.0} us with a thread: {ratio:.1} times",
        f.word_process * 1e6,
        f.word_thread * 1e6
    );
    // Either wakes someone who sleeps, which may be most of it.
    match ratio > 2.0 {
        true => Tried::new(Held, ratio, said),
        false => Tried::new(Refined, ratio, said + ": it is large messages that cost more, by the copy"),
    }
}

fn separate(_: Language, f: &Figures) -> Tried {
    let seen = |seen| if seen { "seen" } else { "not seen" };
    let said = format!(
        "a thread's write is {}, a child process's {}; to memory that was asked for as shared, it is {}",
        seen(f.seen_thread),
        seen(f.seen_process),
        seen(f.seen_shared)
    );
    let holds = f.seen_thread && !f.seen_process && f.seen_shared;
    Tried::new(held_if(holds), f64::from(u8::from(holds)), said)
}

fn choose_threads(_: Language, f: &Figures) -> Tried {
    let ratio = f.waiting_threads / f.waiting_processes;
    let said = format!("{} threads fetch {ratio:.1} times as fast as {} processes", f.waiters, f.waiters);
    Tried::new(held_if(ratio > 0.9), ratio, said)
}

fn choose_processes(_: Language, f: &Figures) -> Tried {
    let ratio = f.computing_processes / f.computing_threads;
    if let Some(reason) = too_few_cores(f) {
        return reason;
    }
    let said = format!("processes compute {ratio:.2} times as fast as threads");
    match ratio {
        ratio if ratio >= 1.25 => Tried::new(Held, ratio, said),
        ratio => Tried::new(Refuted, ratio, said + ": take them for isolation, not for speed"),
    }
}
