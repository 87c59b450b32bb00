//! Producers, consumers, holders of locks, strangers and servers killed at random moments: the others go on, nothing that was
//! accepted is lost, each error comes at once, and nothing is left.
//!
//! `cargo test -p ipc --test shared_kills -- --ignored` kills a thousand. The other processes are this binary again.

mod locks;
mod peer;
mod queue;
mod servers;

use std::{env, fs, path::PathBuf, thread, time::Duration};

use ipc::auth::Key;
use locks::holder_killed;
use queue::{consumer_killed, producer_killed};
use servers::{servers_killed, stranger_killed};
use testkit::LeakGuard;

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
const ITEMS: u32 = 200;

fn key() -> Key {
    Key::new("the key of these tests")
}

/// A directory of our own: whoever replaces a stale socket locks its directory, and others work in the common one.
fn directory() -> PathBuf {
    env::temp_dir().join(format!("rust-ipc-kills-{}", std::process::id()))
}

fn path(name: &str) -> PathBuf {
    directory().join(name)
}

/// A moment between 0 and 3 ms, another one each time.
fn a_moment(time: u64) {
    thread::sleep(Duration::from_nanos(testkit::mix(time) % 3_000_000));
}

fn kill(times: u64) {
    let guard = LeakGuard::new("rust-ipc-kills");
    fs::create_dir_all(directory()).unwrap();
    for time in 0..times {
        match time % 5 {
            0 => producer_killed(time),
            1 => consumer_killed(time),
            2 => holder_killed(time),
            3 => stranger_killed(time),
            _ => servers_killed(time),
        }
    }
    // Only if it is empty.
    fs::remove_dir(directory()).unwrap();
    guard.check().unwrap();
}

#[test]
fn fifty_are_killed() {
    kill(50);
}

#[test]
#[ignore = "takes a minute: just chaos"]
fn a_thousand_are_killed() {
    kill(1_000);
}

#[test]
#[ignore = "another process of the tests here: alone it does nothing"]
fn other_process() {
    peer::play();
}
