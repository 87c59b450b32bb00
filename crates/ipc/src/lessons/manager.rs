//! What if the state that several processes share lived in one of them, and the others asked for it?
//!
//! Then there is one copy, one order of all changes, and any type: a server process with dicts, counters, namespaces and
//! locks, and proxies elsewhere. Each call is a message there and one back. A call happens as a whole; two calls are two, and
//! somebody may come in between: `get` and `insert` lose an update, as `+=` on a proxy does in Python.
//!
//! A lock in the server has one advantage over one in shared memory: the server knows when its holder dies. And one price:
//! every call costs microseconds, where a word in shared memory costs nanoseconds.
//!
//! In Python: `multiprocessing.Manager`, `SyncManager`, `DictProxy`, `Namespace`; there a dead client keeps its lock.

mod word;

use std::sync::atomic::Ordering::Relaxed;

use lesson::{Bound, Lesson, Story, measure};
use word::SharedWord;

use super::{LIMIT, MOMENT, introduce};
use crate::{
    Address,
    auth::Key,
    manager::{Manager, ManagerError, ManagerServer, RemoteError},
    peer,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "manager",
    question: "What if the state that several processes share lived in one of them, and the others asked for it?",
    python: &["multiprocessing.Manager", "multiprocessing.managers.SyncManager"],
    run,
    scenes: &[("server", server), ("adder", adder), ("holder", holder)],
};

const ADDS: i64 = 1_000;

fn run(story: &mut Story) -> lesson::Result {
    let key = Key::random()?;
    let address = Address::Abstract(format!("rust-ipc-manager-{}", std::process::id()));
    let at = address.to_string();
    let (mut server, _line) = introduce::start("manager", "server", &key, &[&at])?;
    server.line(LIMIT)?;
    let manager = Manager::connect(&address, &key)?;
    proxies(story, &manager)?;
    lost(story, &manager, &Manager::connect(&address, &key)?)?;
    adding(story, &manager, &key, &at)?;
    held(story, &manager, &key, &at)?;
    cost(story, &manager)?;
    server.kill()?;
    let gone = manager.counter("n").map(drop).map_err(|error| error.to_string());
    let told = ManagerError::Gone.to_string();
    story.equal("the server is killed: the next call is an error, at once", Err(told), gone);
    Ok(())
}

fn proxies(story: &mut Story, manager: &Manager) -> lesson::Result {
    let ages = manager.dict::<String, u32>("ages")?;
    ages.insert(&"Ada".into(), &36)?;
    let settings = manager.namespace("settings")?;
    settings.set("title", &"count")?;
    settings.set("depth", &3_u8)?;
    story.equal(
        "a dict and a namespace live in another process",
        (Some(36), Some("count".to_owned()), Some(3_u8)),
        (ages.get(&"Ada".into())?, settings.get("title")?, settings.get("depth")?),
    );
    let wrong = manager.counter("ages").map(drop).map_err(|error| error.to_string());
    let kind = RemoteError::Kind { name: "ages".into(), is: crate::manager::Kind::Dict };
    story.equal("what the server refuses comes back as a typed error", Err(kind.to_string()), wrong);
    Ok(())
}

// ANCHOR: lost
/// Two clients, one after the other in the worst order: no luck is needed.
fn lost(story: &mut Story, one: &Manager, other: &Manager) -> lesson::Result {
    let (mine, theirs) = (one.dict::<u8, u32>("sums")?, other.dict::<u8, u32>("sums")?);
    mine.insert(&0, &0)?;
    let (seen, seen_too) = (mine.get(&0)?.unwrap_or_default(), theirs.get(&0)?.unwrap_or_default());
    mine.insert(&0, &(seen + 1))?;
    theirs.insert(&0, &(seen_too + 1))?;
    story.equal("broken: two get, two add one, two insert; one is lost", Some(1), mine.get(&0)?);

    let (lock, same) = (one.lock("sums lock")?, other.lock("sums lock")?);
    let held = lock.acquire_within(LIMIT)?;
    let early = same.acquire_within(MOMENT).map(drop).map_err(|error| error.to_string());
    mine.insert(&0, &(mine.get(&0)?.unwrap_or_default() + 1))?;
    held.release()?;
    let held = same.acquire_within(LIMIT)?;
    theirs.insert(&0, &(theirs.get(&0)?.unwrap_or_default() + 1))?;
    held.release()?;
    story.equal(
        "with a lock the second one waits, and nothing is lost",
        (Err(ManagerError::Late(MOMENT).to_string()), Some(3)),
        (early, mine.get(&0)?),
    );
    Ok(())
}
// ANCHOR_END: lost

fn adding(story: &mut Story, manager: &Manager, key: &Key, at: &str) -> lesson::Result {
    let adders = [(); 3].map(|()| introduce::start("manager", "adder", key, &[at]));
    for adder in adders {
        adder?.0.end(LIMIT)?;
    }
    let sum = manager.counter("n")?.get()?;
    story.equal("three processes add 1,000 times each: `add` is one call", 3 * ADDS, sum);
    Ok(())
}

fn held(story: &mut Story, manager: &Manager, key: &Key, at: &str) -> lesson::Result {
    let (mut holder, _line) = introduce::start("manager", "holder", key, &[at])?;
    holder.line(LIMIT)?;
    let lock = manager.lock("lock")?;
    let early = matches!(lock.acquire_within(MOMENT), Err(ManagerError::Late(_)));
    holder.kill()?;
    let held = lock.acquire_within(LIMIT)?;
    story.equal(
        "the holder is killed: the next one gets the lock, and is told",
        (true, true),
        (early, held.is_after_death()),
    );
    held.release()?;
    let next = lock.acquire_within(LIMIT)?.is_after_death();
    story.equal("only the next one", false, next);
    Ok(())
}

fn cost(story: &mut Story, manager: &Manager) -> lesson::Result {
    let counter = manager.counter("cost")?;
    let word = SharedWord::new()?;
    let mut asked = || {
        for _ in 0..100 {
            let added = counter.add(1);
            debug_assert!(added.is_ok(), "{added:?}");
        }
    };
    let mut shared = || {
        for _ in 0..100_000 {
            word.get().fetch_add(1, Relaxed);
        }
    };
    story.timed(
        "an `add` by a call takes far longer than one in shared memory",
        Bound::AtLeast(50.0),
        1,
        || {
            let [asked, shared] = measure::in_turn(5, [&mut asked, &mut shared]);
            measure::ratio(&asked, &shared) * 1_000.0
        },
    );
    let both = (counter.get()? % 100, word.get().load(Relaxed) % 100_000);
    story.equal("and both have counted", (0, 0), both);
    Ok(())
}

fn address() -> Address {
    peer::word(0).expect("an address").parse().expect("an address")
}

/// The process in which the state lives.
fn server() {
    let (mut starter, key) = introduce::key();
    let _server = ManagerServer::start(&address(), key).expect("an address of our own");
    peer::say("serving");
    introduce::stay(&mut starter);
}

fn adder() {
    let (_, key) = introduce::key();
    let manager = Manager::connect(&address(), &key).expect("a manager");
    let counter = manager.counter("n").expect("a counter");
    for _ in 0..ADDS {
        counter.add(1).expect("added");
    }
}

/// Takes the lock, and is killed.
fn holder() {
    let (mut starter, key) = introduce::key();
    let manager = Manager::connect(&address(), &key).expect("a manager");
    let lock = manager.lock("lock").expect("a lock");
    let _held = lock.acquire().expect("free");
    peer::say("has the lock");
    introduce::stay(&mut starter);
}
