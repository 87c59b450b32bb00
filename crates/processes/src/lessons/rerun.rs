//! A function runs in another process by starting this very program again: code is not sent, only the name of
//! the work and its input.
//!
//! The new process begins with an empty memory and at `main`, whose first line,
//! [`worker::enter`](crate::worker::enter), notices what it is and never returns. Look at what is sent
//! (`message.rs`), at what a worker knows itself by (`mark.rs`), and at the global variable below, of which
//! there are two.
//!
//! In Python: `multiprocessing.Process` with the start method `spawn`, where `if __name__ == "__main__"` is
//! what the first line of `main` is here.

use std::{process, sync::atomic::Ordering, time::Duration};

use lesson::{Lesson, Story};
use workload::{Timeline, Workers};

use super::deeds::{COUNTER, Deed, Deeds};
use crate::{mark, process_static};

pub(super) const LESSON: Lesson = Lesson {
    name: "rerun",
    question: "How does a function run in another process?",
    python: &["Process", "get_context", "set_start_method", "current_process"],
    run,
    scenes: &[("stray-variable", stray_variable)],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "This program starts itself again, as a worker. A global variable stands at 100 here; the worker adds 1 to \
         its own, three times, and reports.",
    );
    COUNTER.store(100, Ordering::Relaxed);
    let seen = process_static::run(&Deeds(vec![Deed::Look; 3]), Workers::ONE, &Timeline::off())?;
    let [first, .., last] = seen[..] else { return Err("the worker saw nothing".into()) };
    story.show(format!(
        "caller   process {}\nworker   process {}, parent {}",
        process::id(),
        first.pid,
        first.parent
    ));
    story.claim(
        "the work ran in another process",
        format!("not {}", process::id()),
        first.pid.to_string(),
        first.pid != process::id(),
    );
    story.equal("the worker's parent is the caller", process::id(), first.parent);
    story.equal("the worker's memory is its own: its variable did not begin at 100", 1, first.counter);
    story.equal("the worker lives on from piece to piece: its variable counts them", 3, last.counter);
    story.equal("the caller's variable was not touched", 100, COUNTER.load(Ordering::Relaxed));

    let mut twice = Vec::new();
    for _ in 0..2 {
        let seen = process_static::run(&Deeds(vec![Deed::Look]), Workers::ONE, &Timeline::off())?;
        twice.extend(seen.into_iter().map(|seen| seen.counter));
    }
    story.equal("a new worker begins anew", vec![1, 1], twice);

    story.say(
        "A worker is told by three things that must agree: its last argument, its parent's process id, and the first \
         message on its standard input. So this program, started with a variable that looks like the worker's, is \
         just this program.",
    );
    let played = story.play("stray-variable", Duration::from_secs(10))?;
    story.equal("a stray environment variable makes no worker", "no worker", played.stdout.trim());
    Ok(())
}

/// Starts this program once more with the variable set, as a user's shell might.
fn stray_variable() {
    let again = process::Command::new("/proc/self/exe")
        .arg("list")
        .env(mark::PARENT_VARIABLE, process::id().to_string())
        .stdin(process::Stdio::null())
        .output();
    // A worker would have complained that its input is no pipe; the program lists its lessons.
    let went_on = again.is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"rerun"));
    println!("{}", if went_on { "no worker" } else { "something else" });
}
