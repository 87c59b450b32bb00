//! Tasks whose pieces do what a test wants.

use std::{fs::File, io::Write, path::PathBuf, process, thread, time::Duration};

use processes::pool::{Task, TaskError};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

pub(crate) static SQUARE: Task<u64, u64> = Task::new("square", |x| Ok(x * x));
pub(crate) static ACT: Task<Act, u64> = Task::new("act", act);
pub(crate) static STUBBORN: Task<Stubborn, Stubborn> = Task::new("stubborn", Ok);

/// Counts its pieces from the argument on, which must not be 0; says who it is, too.
pub(crate) static COUNT: Task<(), (u32, u64), u64, u64> = Task::with_state(
    "count",
    |from| if from == 0 { Err("counts from 1 on".into()) } else { Ok(from) },
    |count, ()| {
        *count += 1;
        Ok((process::id(), *count))
    },
);

/// Adds a byte to a file at each start.
pub(crate) static STARTED: Task<(), (), PathBuf> = Task::with_state(
    "started",
    |path| Ok(File::options().create(true).append(true).open(path)?.write_all(b"x")?),
    |_, ()| Ok(()),
);

/// Does not end when it is let go.
pub(crate) static STAYS: Task<(), (), (), Stays> = Task::with_state("stays", |()| Ok(Stays), |_, ()| Ok(()));

pub(crate) struct Stays;

impl Drop for Stays {
    fn drop(&mut self) {
        forever()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    Square(u64),
    Sleep(Duration),
    Fail,
    Panic,
    Abort,
    Exit(i32),
    /// SIGKILL to itself.
    Kill,
    /// The same, unless it has done so before: then the square.
    DieOnce(u64, PathBuf),
    Hang,
    /// Prints its process id, then hangs.
    SayAndHang,
    /// Prints, then the square.
    Print(u64),
    /// Panics with so many bytes of words.
    Large(usize),
}

pub(crate) fn act(act: Act) -> Result<u64, TaskError> {
    match act {
        Act::Square(x) => return Ok(x * x),
        Act::Sleep(time) => thread::sleep(time),
        Act::Fail => {
            #[derive(Debug, thiserror::Error)]
            #[error("not today")]
            struct NotToday(#[from] std::io::Error);
            Err(NotToday(std::io::Error::other("no such number")))?
        }
        Act::Panic => panic!("what now?"),
        Act::Abort => process::abort(),
        Act::Exit(code) => process::exit(code),
        Act::Kill => kill_process(getpid(), Signal::KILL)?,
        Act::DieOnce(x, token) => {
            if std::fs::File::create_new(token).is_ok() {
                kill_process(getpid(), Signal::KILL)?;
            }
            return Ok(x * x);
        }
        Act::Hang => forever(),
        Act::SayAndHang => {
            println!("{}", process::id());
            forever()
        }
        Act::Print(x) => {
            println!("this is no frame");
            return Ok(x * x);
        }
        Act::Large(bytes) => return Err(TaskError::new("x".repeat(bytes))),
    }
    Ok(0)
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

/// What cannot be sent, on the way in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stubborn {
    Fine,
    ErrorIn,
    PanicIn,
    ErrorOut,
    PanicOut,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match (self, processes::worker::is_worker()) {
            (Stubborn::ErrorIn, false) | (Stubborn::ErrorOut, true) => Err(S::Error::custom("no")),
            (Stubborn::PanicIn, false) | (Stubborn::PanicOut, true) => panic!("no!"),
            _ => out.serialize_u8(*self as u8),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let all = [Self::Fine, Self::ErrorIn, Self::PanicIn, Self::ErrorOut, Self::PanicOut];
        all.get(usize::from(u8::deserialize(input)?)).copied().ok_or_else(|| D::Error::custom("another"))
    }
}
