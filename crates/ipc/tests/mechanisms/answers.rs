//! The answer is the sequential one, or the error that it would be; strangers at the door change nothing.

use std::{
    fs,
    io::Write,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    process::Command,
};

use contract::{Usual, same_as_sequential};
use ipc::mechanisms::{Carrier, mechanisms, with_program};
use processes::Program;
use testkit::FaultPlan;
use workload::{RunError, Timeline, Workers, Workload};

use super::{Numbers, Special};

pub(crate) fn for_all<W: Workload>(work: &W, workers: &[usize]) {
    same_as_sequential(work, &mechanisms(), workers);
}

fn two() -> Workers {
    Workers::new(2).unwrap()
}

fn each<W: Workload>(work: &W, judge: impl Fn(Carrier, Result<W::Part, RunError>)) {
    for carrier in Carrier::ALL {
        judge(carrier, with_program(carrier, &Program::this(), work, two(), &Timeline::off()));
    }
}

pub(crate) fn failures() {
    each(&Numbers::with(100, [(40, Special::Usual(Usual::Fail))]), |carrier, fails| {
        assert_eq!(fails.unwrap_err().to_string(), "numbers: piece 40: 40 is bad", "{carrier:?}");
    });
    each(&Numbers::with(100, [(70, Special::Usual(Usual::Panic))]), |carrier, panics| {
        let told = "numbers: piece 70 panicked: 70 is worse";
        assert_eq!(panics.unwrap_err().to_string(), told, "{carrier:?}");
    });
}

pub(crate) fn poison() {
    each(&Numbers::with(100, [(40, Special::Usual(Usual::Kill))]), |carrier, error| {
        let error = error.unwrap_err();
        let RunError::Poison { pieces, deaths, .. } = &error else { panic!("{carrier:?}: {error}") };
        assert!(pieces.contains(&40), "{carrier:?}: {error}");
        let kills = deaths.iter().filter(|how| how.contains("signal 9")).count();
        assert_eq!((deaths.len(), kills), (3, 3), "{carrier:?}: {error}");
    });
}

pub(crate) fn no_worker() {
    let program = Program::new(|| Command::new("true"));
    for carrier in Carrier::ALL {
        let answer = with_program(carrier, &program, &Numbers::plain(9), two(), &Timeline::off());
        assert!(matches!(answer, Err(RunError::Start { .. })), "{carrier:?}: {answer:?}");
    }
}

/// With a stranger who says nothing, one who says too much, one with a wrong key, and one who goes at once; before the
/// workers that come after a kill.
pub(crate) fn strangers() {
    let special = [(1, Special::Knock), (20, Special::Knock)];
    for carrier in [Carrier::UnixSocket, Carrier::IpcChannel] {
        let work = Numbers::with(40, special);
        let plan = FaultPlan::new().kill("taken", 4);
        let program = Program::new(move || {
            let mut command = Command::new("/proc/self/exe");
            plan.apply(&mut command);
            command
        });
        // Each worker dies at its fourth order: all that follow have strangers before them.
        let answer = with_program(carrier, &program, &work, two(), &Timeline::off());
        assert_eq!(answer.unwrap(), (0..40).collect::<Vec<_>>(), "{carrier:?}");
    }
}

pub(crate) fn knock() {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    // Those that listen have flag 00010000 (include/uapi/linux/net.h, __SO_ACCEPTCON).
    let doors = sockets.lines().filter(|line| line.split_whitespace().nth(3) == Some("00010000"));
    let mut doors = doors.filter_map(|line| line.split_once("@rust-ipc-")).peekable();
    assert!(doors.peek().is_some(), "no door");
    for (_, name) in doors.filter(|(_, name)| name.len() == 32) {
        let address = SocketAddr::from_abstract_name(format!("rust-ipc-{name}")).unwrap();
        let says: [&[u8]; 4] = [b"", b"\0", &[0xff; 100], &[[0, 0, 0, 38].as_slice(), &[7; 38]].concat()];
        for say in says {
            // One of another test may be closing.
            let Ok(mut stranger) = UnixStream::connect_addr(&address) else { continue };
            let _ = stranger.write_all(say);
            // It stays as long as this process does.
            std::mem::forget(stranger);
        }
        drop(UnixStream::connect_addr(&address));
    }
}
