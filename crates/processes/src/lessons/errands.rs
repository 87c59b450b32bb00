//! The task of the lessons about the pool: a piece is an errand, harmless or not.

use std::{process, ptr, thread, time::Duration};

use rustix::{
    mm::{MapFlags, ProtFlags, mmap_anonymous},
    process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit},
};
use serde::{Deserialize, Serialize};

use crate::pool::{Task, TaskError};

/// What a worker is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Errand {
    /// The square of this number.
    Square(u64),
    /// To say its process id.
    Who,
    /// To compute for so many microseconds.
    Compute(u64),
    /// To return an error.
    Fail,
    /// To panic.
    Panic,
    /// To come to this end; but if a process id is given, only the worker that has it, and any other says its own.
    End(Ending, Option<u32>),
}

/// How a process may end, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It exits with this code.
    Exit(i32),
    /// SIGKILL, as by a kernel that is out of memory.
    Kill,
    /// It writes to memory that it may not write to: SIGSEGV.
    Crash,
    /// It never ends by itself.
    Hang,
}

/// A worker's errands.
pub static ERRANDS: Task<Errand, u64> = Task::new("errands", |errand| match errand {
    Errand::Square(x) => x.checked_mul(x).ok_or_else(|| TaskError::new("too large a number")),
    Errand::Compute(time) => {
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_micros(time) {
            std::hint::spin_loop();
        }
        Ok(time)
    }
    Errand::Fail => Err("12x".parse::<u64>().map_err(TaskError::from).err().unwrap_or_else(|| "no".into())),
    Errand::Panic => panic!("what now?"),
    Errand::End(how, victim) if victim.is_none_or(|victim| victim == process::id()) => how.come(),
    Errand::Who | Errand::End(..) => Ok(process::id().into()),
});

/// Counts a worker's pieces on from the pool's argument: its state is made once, at its start.
pub static COUNTER: Task<(), (u32, u64), u64, u64> = Task::with_state("counter", Ok, |count, ()| {
    *count += 1;
    Ok((process::id(), *count))
});

impl Ending {
    /// Ends this process in this way.
    pub(super) fn come(self) -> ! {
        match self {
            Ending::Exit(code) => process::exit(code),
            Ending::Kill => {
                let _ = kill_process(getpid(), Signal::KILL);
            }
            Ending::Crash => crash(),
            Ending::Hang => {}
        }
        loop {
            thread::park();
        }
    }
}

fn crash() {
    // No file of the dead process's memory: it is dead on purpose.
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    // SAFETY: the mapping is new and nobody else's. It has no rights, so that the kernel ends this process at the write.
    unsafe {
        if let Ok(page) = mmap_anonymous(ptr::null_mut(), 4096, ProtFlags::empty(), MapFlags::PRIVATE) {
            page.cast::<u8>().write_volatile(1);
        }
    }
}
