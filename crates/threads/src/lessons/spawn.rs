//! What is a thread, and how does its result, or its panic, come back?
//!
//! A thread is a second flow of control in the same process: it has a stack of its own and shares all else.
//! [`spawn`](std::thread::spawn) starts it and gives a handle. `join` waits for its end and hands over what
//! it returned, or its panic as a value: where Python prints an exception and `join()` returns `None` either
//! way, Rust gives both to the one who joins. The value comes back through a move: the closure owns what it
//! was given (hence `move`), the joiner owns what it returns.
//!
//! When `main` returns, the process ends, and with it every thread, in the middle of whatever it does: no
//! destructor of it runs. That is the reverse of Python, whose interpreter first waits for all threads that
//! are not daemons. What to do about it: join, `thread::scope` (lesson `scope`), or a register with a guard
//! (lesson `stop`).
//!
//! In Python: `threading.Thread(target, name)`, `start`, `join`, `ident`, `native_id`, `current_thread`.

use std::{
    collections::HashSet,
    io,
    sync::mpsc::channel,
    thread::{self, Builder},
    time::Duration,
};

use lesson::{Lesson, Story};

use super::{hush::Hush, python::python};

pub(super) const LESSON: Lesson = Lesson {
    name: "spawn",
    question: "What is a thread, and how does its result, or its panic, come back?",
    python: &["threading.Thread", "Thread.join", "Thread.name", "Thread.ident", "Thread.native_id"],
    run,
    scenes: &[("cut-off", cut_off), ("joined", joined), ("main-panics", main_panics)],
};

const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    story.say("A thread is given a list, which it owns from now on, and gives back what it made of it.");
    let list = vec![3, 1, 2];
    let handle = thread::spawn(move || {
        let mut list = list;
        list.sort_unstable();
        list
    });
    story.equal("join gives the value that the thread returned", Some(vec![1, 2, 3]), handle.join().ok());

    let quiet = Hush::new();
    let outcome = thread::spawn(|| -> u32 { panic!("out of tea") }).join();
    drop(quiet);
    let message = outcome.err().and_then(|payload| payload.downcast_ref::<&str>().copied());
    story.equal("join gives the panic of a thread that panicked", Some("out of tea"), message);

    identity(story)?;

    let refused = Builder::new().stack_size(1 << 62).spawn(|| ()).is_err();
    story.equal("a thread that the system cannot give is an error of Builder::spawn", true, refused);

    the_end_of_main(story)?;
    Ok(())
}

/// Names and numbers of a thread.
fn identity(story: &mut Story) -> io::Result<()> {
    story.say(
        "A thread can have a name, and has two numbers: Rust's, which no other thread of the process \
        gets, and the system's, which later threads may get again.",
    );
    let named = Builder::new().name("bean counter".into()).spawn(|| {
        let me = thread::current();
        (me.name().map(str::to_owned), me.id(), system_view())
    })?;
    let (name, id, (tid, system_name)) = named.join().map_err(|_| io::Error::other("the thread panicked"))?;
    story.equal("the thread knows its name", Some("bean counter".to_owned()), name);
    story.claim(
        "a thread's id is not its parent's",
        format!("not {:?}", thread::current().id()),
        format!("{id:?}"),
        id != thread::current().id(),
    );
    let ids: HashSet<_> =
        (0..100).filter_map(|_| thread::spawn(|| thread::current().id()).join().ok()).collect();
    story.equal("100 threads, one after the other, have 100 ids", 100, ids.len());

    let text = "the system knows the thread by the same name, and by a number of its own";
    match (tid, system_name) {
        (Some(tid), Some(name)) => story.claim(
            text,
            format!("\"bean counter\", not {}", std::process::id()),
            format!("{name:?}, {tid}"),
            name == "bean counter" && tid != i64::from(std::process::id()),
        ),
        _ => story.skip(text, "\"bean counter\"", "only Linux shows them in /proc"),
    }
    Ok(())
}

/// What the system calls this thread: `threading.get_native_id()` and the name that `ps -L` shows (on Linux
/// its first 15 bytes).
#[cfg(target_os = "linux")]
fn system_view() -> (Option<i64>, Option<String>) {
    let tid = rustix::thread::gettid().as_raw_nonzero().get();
    let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm"));
    (Some(tid.into()), name.ok().map(|name| name.trim_end().to_owned()))
}

#[cfg(not(target_os = "linux"))]
fn system_view() -> (Option<i64>, Option<String>) {
    (None, None)
}

fn the_end_of_main(story: &mut Story) -> io::Result<()> {
    story.say("A program whose main returns while a thread is still running, and the same with a join:");
    let cut = story.play("cut-off", LIMIT)?;
    let kept = story.play("joined", LIMIT)?;
    story.show(format!("without join          with join\n{}", beside(&cut.stdout, &kept.stdout)));
    let begun = "thread: has begun\nmain: returns\n";
    story.equal("main returns, and its thread is cut off: no line, no destructor", begun, &cut.stdout);
    story.equal(
        "a joined thread runs to its end",
        "thread: has begun\nthread: destructor\nmain: returns\n",
        &kept.stdout,
    );
    let code = cut.status.and_then(|status| status.code());
    story.equal("that a thread was cut off is not an error", Some(0), code);

    let code = story.play("main-panics", LIMIT)?.status.and_then(|status| status.code());
    story.equal("a program whose main panics ends with 101", Some(101), code);

    match python(
        "import threading as t\nt.Thread(target=lambda: (t.main_thread().join(), print('waited \
            for'))).start()",
    ) {
        Ok(output) => story.equal(
            "Python waits at its end for threads that are not daemons",
            "waited for",
            String::from_utf8_lossy(&output.stdout).trim_end(),
        ),
        Err(why) => story.skip("Python waits at its end for threads that are not daemons", "waited for", why),
    }
    match python("raise SystemError") {
        Ok(output) => story.equal("Python's exit code for it is 1", Some(1), output.status.code()),
        Err(why) => story.skip("Python's exit code for it is 1", "1", why),
    }
    Ok(())
}

/// Says so when it is dropped.
struct Destructor;

impl Drop for Destructor {
    fn drop(&mut self) {
        println!("thread: destructor");
    }
}

// ANCHOR: cut_off
fn cut_off() {
    let (begun, has_begun) = channel();
    thread::spawn(move || {
        let _destructor = Destructor;
        println!("thread: has begun");
        // It cannot end before main does: it waits for a message that only it could send.
        let (_sender, silence) = channel::<()>();
        let _ = begun.send(());
        let _ = silence.recv();
        println!("thread: cannot be reached");
    });
    let _ = has_begun.recv();
    println!("main: returns");
}
// ANCHOR_END: cut_off

fn joined() {
    let thread = thread::spawn(|| {
        let _destructor = Destructor;
        println!("thread: has begun");
    });
    let _ = thread.join();
    println!("main: returns");
}

fn main_panics() {
    panic!("in main");
}

/// Two texts, line by line.
fn beside(left: &str, right: &str) -> String {
    let mut lines = Vec::new();
    let (mut left, mut right) = (left.lines(), right.lines());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return lines.join("\n"),
            (l, r) => lines.push(format!("{:22}{}", l.unwrap_or(""), r.unwrap_or(""))),
        }
    }
}
