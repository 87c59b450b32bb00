//! What does a call become when the function runs in another process?
//!
//! A call that can fail in ways a local one cannot. It may be **late**: so each has a deadline, which travels with it, and the
//! server stops work that nobody awaits. It may be **cancelled**. Many may be on their way on one connection (**pipelining**),
//! and their replies come in any order, so each carries a number, and no number is used twice: a reply that comes too late
//! finds nobody, and never the wrong one. And the server may **die** with calls in its hands: then each of them gets an error
//! at once, and the honest word is *maybe*: nobody can know whether it was done. Whoever repeats such a call must be able to
//! bear its being done twice.
//!
//! Look at the reply that comes too late, and at the calls whose server is killed.
//!
//! In Python: a proxy of `multiprocessing.managers` calls; one call at a time on a connection, and no deadline: it hangs.

use std::{
    iter, panic, process,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use lesson::{Bound, Lesson, Story, measure};

use super::{LIMIT, MOMENT};
use crate::{
    Connection,
    peer::{self, Peer},
    rpc::{
        CallError, Client, Context, Limits, Methods, serve,
        wire::{Outcome, Reply, Request},
    },
};

pub(super) const LESSON: Lesson = Lesson {
    name: "rpc",
    question: "What does a call become when the function runs in another process?",
    python: &["multiprocessing.managers.BaseProxy", "multiprocessing.managers.RemoteError"],
    run,
    scenes: &[("server", server), ("client", client)],
};

/// Calls that are on their way at once.
const MANY: usize = 200;

fn run(story: &mut Story) -> lesson::Result {
    let (mut server, connection) = Peer::connected("rpc", "server", &[])?;
    let client = Client::new(connection)?;
    pipelining(story, &client)?;
    deadlines(story, &client)?;
    errors(story, &client);
    late(story)?;
    hostile(story)?;
    dies(story, &client, &mut server)
}

fn pipelining(story: &mut Story, client: &Client) -> lesson::Result {
    let mut slow = client.start("wait", b"", LIMIT)?;
    let quick = client.call("echo", b"quick", LIMIT)?;
    story.equal(
        "a quick call overtakes a slow one on the same connection",
        ("quick", true),
        (&*String::from_utf8_lossy(&quick), slow.poll().is_none()),
    );
    client.call("open", b"", LIMIT)?;
    story.equal("which gets its own reply, later", "opened", &*String::from_utf8_lossy(&slow.wait()?));

    let numbers: Vec<[u8; 8]> = (0..MANY as u64).map(u64::to_be_bytes).collect();
    let started: Result<Vec<_>, _> =
        numbers.iter().map(|number| client.start("echo", number, LIMIT)).collect();
    let right = started?
        .into_iter()
        .zip(&numbers)
        .filter_map(|(call, number)| call.wait().ok().filter(|reply| reply == number));
    story.equal("of many on their way at once, each gets its own reply", MANY, right.count());
    // An error shows as a call that is not right above, and as an absurd ratio here.
    let mut one_by_one = || (0..MANY).for_each(|_| drop(client.call("echo", b"", LIMIT)));
    let mut at_once = || {
        let calls: Vec<_> = (0..MANY).map(|_| client.start("echo", b"", LIMIT)).collect();
        calls.into_iter().flatten().for_each(|call| drop(call.wait()));
    };
    story.timed(
        "one after the other they take longer: each wakes four threads, and waits for each of them",
        Bound::AtLeast(1.3),
        1,
        || {
            let [slow, fast] = measure::in_turn(5, [&mut one_by_one, &mut at_once]);
            measure::ratio(&slow, &fast)
        },
    );
    Ok(())
}

fn deadlines(story: &mut Story, client: &Client) -> lesson::Result {
    let late = client.call("work", b"", MOMENT);
    story.claim(
        "the method works on and on: the caller is told at the deadline, and does not know how far it got",
        "Err(Late), may be done",
        format!("{late:?}, {}", if may_be_done(&late) { "may be done" } else { "not done" }),
        matches!(late, Err(CallError::Late)) && may_be_done(&late),
    );
    // The reply comes once so many have stopped: it would be late itself if they did not.
    let stopped = client.call("stopped", &[1], LIMIT).is_ok();
    story.equal("the server saw the same deadline, and has stopped", true, stopped);

    let work = client.start("work", b"", LIMIT)?;
    client.call("running", &[1], LIMIT)?;
    work.cancel();
    let stopped = client.call("stopped", &[2], LIMIT).is_ok();
    story.equal("a call that is cancelled stops there as well", true, stopped);
    Ok(())
}

fn errors(story: &mut Story, client: &Client) {
    let unknown = client.call("no such thing", b"", LIMIT);
    story.equal(
        "an unknown method: nothing was done",
        (true, false),
        (matches!(unknown, Err(CallError::Unknown)), may_be_done(&unknown)),
    );
    let panicked = client.call("panic", b"", LIMIT).map_err(|error| error.to_string());
    story.equal(
        "a panic comes back, and the server goes on",
        (Err("the method panicked: it was too much".to_owned()), true),
        (panicked, client.call("echo", b"alive", LIMIT).is_ok()),
    );
}

// ANCHOR: late
/// The server is played by hand here, so that the late reply comes exactly when it does harm, if it can.
fn late(story: &mut Story) -> lesson::Result {
    let (ours, mut server) = Connection::pair()?;
    let client = Client::new(ours)?;
    let first = client.call("first", b"", MOMENT);
    let second = client.start("second", b"", LIMIT)?;
    let mut taken = Vec::new();
    while taken.len() < 2 {
        let request = server.receive_within(LIMIT)?.ok_or("the client has gone")?;
        if let Request::Call { id, .. } = Request::decode(request)? {
            taken.push(id);
        }
    }
    // A naive client takes the next reply for the reply to its last call.
    server.send(&Reply { id: taken[0], outcome: Outcome::Done(b"for the first") }.encode())?;
    server.send(&Reply { id: taken[1], outcome: Outcome::Done(b"for the second") }.encode())?;
    let answer = second.wait()?;
    story.equal(
        "a reply that comes after its deadline does not go to another call: it is thrown away",
        (true, "for the second", 1),
        (matches!(first, Err(CallError::Late)), &*String::from_utf8_lossy(&answer), client.discarded()),
    );
    Ok(())
}
// ANCHOR_END: late

fn hostile(story: &mut Story) -> lesson::Result {
    for (what, message, expected) in [
        (
            "a reply to a call that was never made",
            Reply { id: 7, outcome: Outcome::Done(b"") }.encode(),
            "maybe done: a reply to call 7, which was never made",
        ),
        (
            "what is no reply",
            b"\x63".to_vec(),
            "maybe done: not a reply: at byte 0: 99 stands for nothing here",
        ),
    ] {
        let (ours, mut server) = Connection::pair()?;
        let client = Client::new(ours)?;
        let call = client.start("anything", b"", LIMIT)?;
        server.send(&message)?;
        let told = call.wait().map_err(|error| error.to_string());
        story.equal(format!("{what} ends the connection"), Err(expected.to_owned()), told);
    }
    Ok(())
}

fn dies(story: &mut Story, client: &Client, server: &mut Peer) -> lesson::Result {
    // The first four leave a mark before they work on and on, the others leave none.
    let calls: Result<Vec<_>, _> =
        (0..8).map(|number| client.start("work", if number < 4 { b"done" } else { b"" }, LIMIT)).collect();
    let calls = calls?;
    client.call("running", &[8], LIMIT)?;
    story.say("Eight calls run, and their server is killed by SIGKILL.");
    server.kill()?;
    let gone = calls
        .into_iter()
        .map(|call| call.wait())
        .filter(|answer| matches!(answer, Err(CallError::Gone(_))) && may_be_done(answer));
    story.equal("each of them gets an error that says: maybe done", 8, gone.count());
    let done = iter::from_fn(|| server.line(LIMIT).ok()).count();
    story.equal("and that is all that can be said: so many had been done", 4, done);
    let after = client.call("echo", b"", LIMIT);
    story.equal(
        "a call after that says: not sent, so not done",
        (true, false),
        (matches!(after, Err(CallError::NotSent(_))), may_be_done(&after)),
    );
    story.equal("no call is left waiting", 0, client.outstanding());
    Ok(())
}

fn may_be_done(answer: &Result<Vec<u8>, CallError>) -> bool {
    answer.as_ref().is_err_and(CallError::may_be_done)
}

/// What the server has seen, so that the lesson can wait for it instead of guessing.
#[derive(Default)]
struct Seen {
    open: bool,
    running: u8,
    stopped: u8,
}

static SEEN: Mutex<Seen> = Mutex::new(Seen { open: false, running: 0, stopped: 0 });
static CHANGED: Condvar = Condvar::new();

fn change(how: impl FnOnce(&mut Seen)) {
    how(&mut SEEN.lock().unwrap_or_else(PoisonError::into_inner));
    CHANGED.notify_all();
}

/// Waits until it is so, or nobody waits for us; looks up now and then, since the two have no common bell.
fn until(context: &Context, so: impl Fn(&Seen) -> bool) -> Result<Vec<u8>, String> {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    while !so(&seen) {
        if !context.is_wanted() {
            return Err("nobody waits".into());
        }
        let waited = CHANGED.wait_timeout(seen, Duration::from_millis(5));
        seen = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    Ok(b"opened".to_vec())
}

/// Serves the lesson until it goes.
fn server() {
    // The panic is part of the play; its words go back to the caller.
    panic::set_hook(Box::new(|_| {}));
    let methods = Methods::new()
        .with("echo", |argument, _| Ok(argument.to_vec()))
        .with("panic", |_, _| panic!("it was too much"))
        .with("wait", |_, context| until(context, |seen| seen.open))
        .with("open", |_, _| {
            change(|seen| seen.open = true);
            Ok(Vec::new())
        })
        .with("note", |what, _| {
            peer::say(what.escape_ascii());
            Ok(Vec::new())
        })
        .with("work", |note, context| {
            if !note.is_empty() {
                peer::say(note.escape_ascii());
            }
            change(|seen| seen.running += 1);
            while context.pause(LIMIT) {}
            change(|seen| (seen.running, seen.stopped) = (seen.running - 1, seen.stopped + 1));
            Ok(Vec::new())
        })
        .with("running", |least, context| until(context, |seen| &[seen.running][..] >= least))
        .with("stopped", |least, context| until(context, |seen| &[seen.stopped][..] >= least));
    let limits = Limits { workers: 10, waiting: 2 * MANY, ..Limits::default() };
    let connection = peer::connection().expect("started by the lesson");
    // Whatever ends it, the lesson sees that it has ended.
    process::exit(i32::from(serve(connection, &methods, limits).is_err()));
}

/// Calls without end, some in time and some for ever, until it is killed.
fn client() {
    let client = Client::new(peer::connection().expect("started with a connection")).expect("a thread");
    let work = client.start("work", b"", LIMIT).expect("sent");
    client.call("note", b"first", LIMIT).expect("answered");
    peer::say("begun");
    while client.call("note", &[0; 1000], LIMIT).is_ok() {}
    drop(work);
}
