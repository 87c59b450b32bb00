//! A CPython process at the other end, of each version that is in `PATH`.

use std::{
    io::{BufRead, BufReader},
    process::{ChildStdout, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ipc::{
    Address, Listener,
    python::{self, Connection, ConnectionError, Key, connect, in_python},
};
use processes::child::Child;
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};

const PEER: &str = include_str!("peer.py");
const NAMES: [&str; 7] =
    ["python3", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"];

/// Longer than anything here takes: it only turns a hang into a failure.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The interpreters, one of each version.
pub(crate) fn interpreters() -> &'static [&'static str] {
    static FOUND: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut versions = Vec::new();
        let mut found = Vec::new();
        for name in NAMES {
            let output =
                Command::new(name).args(["-I", "-c", "import sys; print(sys.version_info[:2])"]).output();
            match output {
                Ok(output) if output.status.success() && !versions.contains(&output.stdout) => {
                    versions.push(output.stdout);
                    found.push(name);
                }
                _ => {}
            }
        }
        eprintln!(
            "talking to {found:?}{}",
            if found.is_empty() { ": skipped, no python3 in PATH" } else { "" }
        );
        found
    });
    &FOUND
}

pub(crate) fn key() -> Key {
    Key::new("the key of these tests")
}

/// A place that no other test has.
pub(crate) fn place() -> Address {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let number = SERIAL.fetch_add(1, Ordering::Relaxed);
    Address::Abstract(format!("ipc-python-{}-{number}", std::process::id()))
}

pub(crate) struct Peer {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(
        interpreter: &str,
        role: &str,
        place: &Address,
        key: Option<&Key>,
        act: &str,
    ) -> Self {
        let key: String =
            key.map_or(&[][..], |key| key.bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut command = Command::new(interpreter);
        command.args(["-I", "-c", PEER, role, &in_python(place), &key, act]);
        let mut child = Child::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())).unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for its end: exit code, or -signal.
    pub(crate) fn ended(&mut self) -> i32 {
        self.child.join_within(LIMIT).expect("the peer ends").exitcode().unwrap()
    }
}

/// Waits for a client, but not for ever.
pub(crate) fn accept(
    listener: &Listener,
    key: Option<&Key>,
    limit: Duration,
) -> Result<Connection, ConnectionError> {
    let patience = Timespec::try_from(LIMIT).unwrap();
    let ready = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&patience)).unwrap();
    assert_eq!(ready, 1, "nobody came");
    let mut connection = python::accept(listener, key, limit)?;
    connection.set_limit(Some(LIMIT));
    Ok(connection)
}

/// A conversation with `act` in each interpreter, in both directions: first Python connects to us, then we to Python.
pub(crate) fn converse(act: &str, mut conversation: impl FnMut(&mut Connection, &mut Peer)) {
    let key = key();
    for interpreter in interpreters() {
        let listener = Listener::bind(&place()).unwrap();
        let mut peer = Peer::start(interpreter, "client", listener.address(), Some(&key), act);
        let mut connection = accept(&listener, Some(&key), LIMIT).unwrap();
        conversation(&mut connection, &mut peer);

        let place = place();
        let mut peer = Peer::start(interpreter, "listener", &place, Some(&key), act);
        peer.line();
        let mut connection = connect(&place, Some(&key), LIMIT).unwrap();
        connection.set_limit(Some(LIMIT));
        conversation(&mut connection, &mut peer);
    }
}
