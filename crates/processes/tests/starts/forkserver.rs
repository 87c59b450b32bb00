//! A forkserver serves many at once, reports each end, and takes its children along.

use std::{
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use processes::{
    ended::ended_within,
    proc,
    start::{ForkServer, Job},
};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use testkit::trials::LIMIT;

use crate::scenes::{ids, scene};

/// What children of the forkservers here can do: send back what they get, exit with 9, hang, list their descriptors.
pub(crate) const JOBS: &[Job] = &[
    |mut line| {
        let mut text = Vec::new();
        u8::from(line.read_to_end(&mut text).and_then(|_| line.write_all(&text)).is_err())
    },
    |_| 9,
    |_| {
        loop {
            thread::park();
        }
    },
    |mut line| {
        let listed = proc::descriptors().and_then(|all| write!(line, "{}", talking(all).join("\n")));
        u8::from(listed.is_err())
    },
];
const ECHO: u8 = 0;
const NINE: u8 = 1;
pub(crate) const HANG: u8 = 2;
const LIST: u8 = 3;

/// Those by which a process can talk to others.
fn talking(descriptors: Vec<(u32, String)>) -> Vec<String> {
    let talks = |target: &str| target.starts_with("socket:") || target.starts_with("pipe:");
    descriptors.into_iter().map(|(_, target)| target).filter(|target| talks(target)).collect()
}

pub(crate) fn many() {
    let server = ForkServer::start(JOBS).unwrap();
    // With threads here it can still fork: it has none.
    let (leave, stay) = channel::<()>();
    let other = thread::spawn(move || stay.recv());
    let mut all: Vec<_> = (0..20).map(|_| server.run(ECHO).unwrap()).collect();
    for (number, served) in all.iter_mut().enumerate().rev() {
        let text = format!("this is {number}");
        served.line.write_all(text.as_bytes()).unwrap();
        served.line.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = String::new();
        served.line.read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }
    for served in all {
        assert_eq!(served.wait().unwrap().code(), Some(0));
    }
    assert_eq!(server.run(NINE).unwrap().wait().unwrap().code(), Some(9));
    drop(leave);
    assert!(other.join().unwrap().is_err());
}

/// A child has its own line, and nothing of the server's: neither the way to the caller nor other children's reports.
pub(crate) fn bare() {
    let inherited = talking(proc::descriptors().unwrap());
    let server = ForkServer::start(JOBS).unwrap();
    let _other = server.run(HANG).unwrap();
    let mut child = server.run(LIST).unwrap();
    let mut text = String::new();
    child.line.read_to_string(&mut text).unwrap();
    let own: Vec<&str> = text.lines().filter(|line| !inherited.iter().any(|other| other == line)).collect();
    assert!(own.len() == 1 && own[0].starts_with("socket:"), "{own:?}");
}

pub(crate) fn unknown() {
    let server = ForkServer::start(JOBS).unwrap();
    assert_eq!(server.run(77).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(server.run(NINE).unwrap().wait().unwrap().code(), Some(9));
}

pub(crate) fn killed() {
    let server = ForkServer::start(JOBS).unwrap();
    let (first, second) = (server.run(HANG).unwrap(), server.run(HANG).unwrap());
    kill_process(pid(second.id()), Signal::KILL).unwrap();
    assert_eq!(second.wait().unwrap().signal(), Some(9));
    assert!(!ended_within(first.id(), Duration::ZERO).unwrap());
    kill_process(pid(first.id()), Signal::TERM).unwrap();
    assert_eq!(first.wait().unwrap().signal(), Some(15));
}

pub(crate) fn dropped_server() {
    let server = ForkServer::start(JOBS).unwrap();
    let child = server.run(HANG).unwrap();
    drop(server);
    // Killed and waited for by the server, before it ended.
    assert_eq!(proc::state(child.id()), None);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

pub(crate) fn killed_server() {
    set_child_subreaper(Some(getpid())).unwrap();
    let server = ForkServer::start(JOBS).unwrap();
    let child = server.run(HANG).unwrap();
    let id = proc::parent(child.id()).unwrap();
    kill_process(pid(id), Signal::KILL).unwrap();
    assert!(ended_within(id, LIMIT).unwrap());
    assert!(ended_within(child.id(), LIMIT).unwrap(), "its children end with it");
    assert!(server.run(NINE).is_err());
    assert_eq!(child.wait().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

pub(crate) fn killed_caller() {
    let mut caller = scene("caller").spawn().unwrap();
    let family = ids(&mut caller);
    assert_eq!(family.len(), 2);
    caller.kill().unwrap();
    caller.wait().unwrap();
    for id in family {
        assert!(ended_within(id, LIMIT).unwrap());
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed()).unwrap()
}
