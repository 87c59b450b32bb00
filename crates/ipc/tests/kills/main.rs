//! The other side is killed at a random moment, in each kind of exchange: an error or the end, at once, and never a wait; and
//! nothing is left: no process, no descriptor, no socket, no directory.
//!
//! A short form runs with the other tests; `just chaos` runs 1,000 kills in each kind. What is random comes from a seed, which
//! a failure names.

#[path = "../alone/mod.rs"]
mod alone;
mod streams;
mod things;

use std::{
    env, io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use libtest_mimic::Trial;
use processes::parent_death::die_with_parent;
use streams::{
    echo_connected, echo_framed, echo_seqpacket, echo_stream, framing, in_the_middle, pipe, seqpacket, tcp,
    unix_socket,
};
use testkit::{
    mix,
    trials::{self, guarded},
};
use things::{echo_like_python, echo_typed, hand_back, hand_over, like_python, typed};

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// Longer than any socket's buffer, so that the other one is in the middle of it.
const MIB: usize = 1 << 20;
/// What may be seen of a dead peer, beside the end.
const SEEN: [io::ErrorKind; 3] =
    [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];

/// One kind of exchange: what we do with a peer until it is gone, and what the peer does.
struct Kind {
    name: &'static str,
    /// Starts the peer, lets it be killed, and talks until an error or the end.
    ours: fn(&mut dyn FnMut(Child)) -> io::Result<()>,
    theirs: fn(),
}

const KINDS: [Kind; 8] = [
    Kind { name: "pipe", ours: pipe, theirs: echo_stream },
    Kind { name: "socketpair", ours: seqpacket, theirs: echo_seqpacket },
    Kind { name: "unix-socket", ours: unix_socket, theirs: echo_connected },
    Kind { name: "tcp", ours: tcp, theirs: echo_connected },
    Kind { name: "framing", ours: framing, theirs: echo_framed },
    Kind { name: "descriptors", ours: hand_over, theirs: hand_back },
    Kind { name: "typed", ours: typed, theirs: echo_typed },
    Kind { name: "python", ours: like_python, theirs: echo_like_python },
];

fn main() {
    if env::args().nth(1).as_deref() == Some("peer") {
        let name = env::args().nth(2).expect("a kind");
        return (KINDS.iter().find(|kind| kind.name == name).expect("a kind").theirs)();
    }
    alone::be_alone();
    let _hang = testkit::watchdog(Duration::from_secs(1_200));
    let mut trials = vec![trial("in_the_middle_of_a_long_message".into(), || in_the_middle(60))];
    for kind in &KINDS {
        trials.push(trial(kind.name.into(), || kill(kind, 40)));
        trials.push(trial(format!("in_full_{}", kind.name), || kill(kind, 1_000)).with_ignored_flag(true));
    }
    trials.push(
        trial("in_full_in_the_middle_of_a_long_message".into(), || in_the_middle(1_000))
            .with_ignored_flag(true),
    );
    trials::one_at_a_time(trials);
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    guarded("", name, test)
}

fn kill(kind: &'static Kind, times: u64) {
    for seed in 0..times {
        let killing = Mutex::new(None);
        // A thousandth of a second to start, and then some exchanges.
        let after = Duration::from_micros(mix(seed) % 6_000);
        let mut doom = |mut peer: Child| {
            *killing.lock().unwrap() = Some(thread::spawn(move || {
                thread::sleep(after);
                peer.kill().unwrap();
                peer.wait().unwrap();
            }));
        };
        let end = (kind.ours)(&mut doom);
        if let Err(error) = end {
            assert!(SEEN.contains(&error.kind()), "{}, seed {seed}: {error} ({:?})", kind.name, error.kind());
        }
        killing.into_inner().unwrap().expect("it was started").join().unwrap();
    }
}

/// This program as the other side; what it complains in its last moment nobody wants to read.
fn peer(kind: &str, words: &[&str], input: Stdio, output: Stdio) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.args(["peer", kind]).args(words).stdin(input).stdout(output).stderr(Stdio::null());
    die_with_parent(&mut command).spawn().unwrap()
}

fn word() -> String {
    env::args().nth(3).expect("given")
}

fn given() -> OwnedFd {
    io::stdin().as_fd().try_clone_to_owned().unwrap()
}
