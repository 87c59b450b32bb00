//! What happens when a thread panics, and what do the others see?
//!
//! In this order: the **hook** runs on the panicking thread and by default prints the message; the stack
//! **unwinds**, running destructors; the thread ends, and its **payload** waits for the one who joins. Nobody
//! else is told, but the others notice: a `Mutex` that was locked meanwhile is *poisoned*, a channel whose
//! last sender died is *disconnected*. A program goes on when a thread has panicked, except when it was
//! `main`.
//!
//! Payloads: `panic!("text")` leaves a `&'static str`, `panic!("{x}")` a `String`, `panic_any(value)` the
//! value. [`resume_unwind`](std::panic::resume_unwind) passes a payload on without calling the hook again. A
//! second panic in a destructor, while the first one unwinds, aborts the process.
//!
//! In Python: `threading.excepthook` is the hook. It prints, and then the exception is gone: `join` does not
//! say that there was one.

use std::{
    panic::{self, panic_any, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{RecvError, channel},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use workload::panic_message;

use super::{hush::Hush, python::python};

pub(super) const LESSON: Lesson = Lesson {
    name: "panic",
    question: "What happens when a thread panics, and what do the others see?",
    python: &["threading.excepthook", "threading.ExceptHookArgs", "threading.__excepthook__"],
    run,
    scenes: &[("panic-while-unwinding", panic_while_unwinding)],
};

fn run(story: &mut Story) -> lesson::Result {
    hook_and_payload(story)?;
    what_others_see(story);
    passed_on(story);
    twice(story)
}

/// What the hook was told: which thread, in which file, with what message.
type Told = Arc<Mutex<Vec<(Option<String>, bool, String)>>>;

/// In place of the default hook: writes down what it is told instead of printing it.
fn recorder() -> (Told, Hush) {
    let told = Told::default();
    let theirs = Arc::clone(&told);
    let hook = Hush::with(move |info| {
        let name = thread::current().name().map(str::to_owned);
        let here = info.location().is_some_and(|location| location.file() == file!());
        let entry = (name, here, panic_message(info.payload()));
        theirs.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    });
    (told, hook)
}

#[derive(Debug, PartialEq)]
struct Mishap {
    code: u32,
}

fn hook_and_payload(story: &mut Story) -> lesson::Result {
    story.say(
        "A hook that writes down what it is told takes the place of the one that prints. Then three \
        threads panic, each with another kind of payload.",
    );
    let (told, hook) = recorder();
    let cups = 0;
    let plain = thread::Builder::new().name("kettle".into()).spawn(|| panic!("out of tea"))?.join().err();
    let formatted = thread::spawn(move || panic!("{cups} cups left")).join().err();
    let own = thread::spawn(|| panic_any(Mishap { code: 7 })).join().err();
    drop(hook);
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    story.equal(
        "the hook runs on the thread that panics, and is told where and with what",
        Some(&(Some("kettle".to_owned()), true, "out of tea".to_owned())),
        told.first(),
    );
    story.equal("it is called once for each panic", 3, told.len());
    let text = plain.as_ref().and_then(|payload| payload.downcast_ref::<&str>().copied());
    story.equal("the payload of a plain message is a &str", Some("out of tea"), text);
    let text = formatted.as_ref().and_then(|payload| payload.downcast_ref::<String>().cloned());
    story.equal("of a formatted one a String", Some("0 cups left".to_owned()), text);
    let mishap = own.as_ref().and_then(|payload| payload.downcast_ref::<Mishap>());
    story.equal("of panic_any whatever was given", Some(&Mishap { code: 7 }), mishap);
    Ok(())
}

// ANCHOR: what_others_see
fn what_others_see(story: &mut Story) {
    story.say("A thread panics while it holds a mutex and the only sender of a channel.");
    let quiet = Hush::new();
    let shared = Arc::new(Mutex::new(vec![1]));
    let (sender, receiver) = channel::<u8>();
    let theirs = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        let _sender = sender;
        let mut list = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(2);
        panic!("before the list was finished");
    });
    let received = receiver.recv();
    let joined = thread.join();
    drop(quiet);
    story.equal("the one who joins gets an error", true, joined.is_err());
    story.equal("the one who receives is told that nobody will send", Err(RecvError), received);
    story.equal("the one who locks is told that the data may be half done", true, shared.lock().is_err());
    let list = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
    story.equal("and may take it all the same, if he knows how to judge it", vec![1, 2], list);
    shared.clear_poison();
    story.equal("or declare it sound again", true, shared.lock().is_ok());

    let text = "Python's join says nothing of an exception in the thread";
    let code = "import threading as t\nx = t.Thread(target=lambda: 1 / 0)\nx.start()\nprint(x.join())";
    match python(code) {
        Ok(output) => {
            story.equal(
                text,
                "None, exit code 0",
                format!(
                    "{}, exit code {}",
                    String::from_utf8_lossy(&output.stdout).trim_end(),
                    output.status.code().unwrap_or(-1)
                )
                .as_str(),
            );
        }
        Err(why) => story.skip(text, "None, exit code 0", why),
    }
}
// ANCHOR_END: what_others_see

fn passed_on(story: &mut Story) {
    story.say("A caller that joins a thread can make the thread's panic its own, payload and all.");
    let (told, hook) = recorder();
    let caught = panic::catch_unwind(|| {
        if let Some(payload) = thread::spawn(|| panic_any(Mishap { code: 8 })).join().err() {
            resume_unwind(payload);
        }
    });
    drop(hook);
    let mishap = caught.as_ref().err().and_then(|payload| payload.downcast_ref::<Mishap>());
    story.equal("resume_unwind hands on the very payload", Some(&Mishap { code: 8 }), mishap);
    let calls = told.lock().unwrap_or_else(PoisonError::into_inner).len();
    story.equal("without calling the hook a second time", 1, calls);
}

fn twice(story: &mut Story) -> lesson::Result {
    story.say("A destructor that panics while a panic unwinds leaves no way to go on:");
    let played = story.play("panic-while-unwinding", Duration::from_secs(20))?;
    let told = played.stderr.lines().filter(|line| line.contains("first") || line.contains("second"));
    story.show(told.collect::<Vec<_>>().join("\n"));
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        let signal = played.status.and_then(|status| status.signal());
        story.equal("a second panic aborts the process (SIGABRT is 6), all threads", Some(6), signal);
    }
    story.equal("nothing after it runs", "before\n", &played.stdout);
    Ok(())
}

struct Careless;

impl Drop for Careless {
    fn drop(&mut self) {
        panic!("second, in a destructor");
    }
}

fn panic_while_unwinding() {
    println!("before");
    let joined = thread::spawn(|| {
        let _careless = Careless;
        panic!("first");
    })
    .join();
    println!("after: {joined:?}");
}
