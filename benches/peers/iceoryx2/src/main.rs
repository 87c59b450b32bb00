//! iceoryx2 between two processes, each on a core of its own, both of which look without a pause: what our ring is compared with.
//!
//! ```text
//! trips CORE CORE COUNT    COUNT times 64 bytes there and back; the process on the first core asks
//! stream CORE CORE COUNT   COUNT messages of 64 bytes one way; the process on the first core receives
//! ```
//!
//! Used as iceoryx2's own benchmark does (`benchmarks/publish-subscribe`): slices, a loan taken before it is needed, messages
//! written and looked at where they lie. It has no batches; the queue of `stream` is long, so that neither end waits for each
//! message of the other, and loses nothing. Prints seconds.

mod stream;
mod trips;

use std::{
    env,
    error::Error,
    fs,
    io::{self, Read, Write},
    process::{self, Child, Command, Stdio},
    time::Instant,
};

use iceoryx2::{
    port::subscriber::Subscriber, prelude::*, sample::Sample,
    service::port_factory::publish_subscribe::PortFactory,
};
use rustix::{
    process::{Pid, Signal, getppid, set_parent_process_death_signal},
    thread::{CpuSet, sched_setaffinity},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
/// Messages of bytes, through memory that processes share.
type Messages = PortFactory<ipc::Service, [u8], ()>;
type Inbox = Subscriber<ipc::Service, [u8], ()>;

/// Bytes of a message.
const LEN: usize = 64;
/// So many looks in vain take some tenths of a second: then it is asked whether the other process lives.
const PATIENCE: u32 = 1 << 23;

fn main() -> Outcome {
    set_log_level(LogLevel::Error);
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [what @ ("trips" | "stream"), own, other, count] => {
            println!("{:.9}", measure(what, own.parse()?, other, count.parse()?)?);
            Ok(())
        }
        ["peer", what, core, count, parent] => {
            end_with(parent.parse()?)?;
            pin(core.parse()?);
            let place = Place::of(parent.parse()?)?;
            match what {
                "trips" => trips::answer(&place, count.parse()?),
                _ => stream::send(&place, count.parse()?),
            }
        }
        _ => Err("words: trips CORE CORE COUNT, or stream CORE CORE COUNT".into()),
    }
}

/// Seconds for `count`, and a tenth more before the clock starts.
fn measure(what: &str, own: usize, other: &str, count: u64) -> Outcome<f64> {
    pin(own);
    let place = Place::of(process::id())?;
    let warm = count / 10;
    let start = || {
        let all = (warm + count).to_string();
        Other::start(&["peer", what, other, &all, &process::id().to_string()])
    };
    let seconds = match what {
        "trips" => trips::ask(&place, start, warm, count),
        _ => stream::receive(&place, start, warm, count),
    };
    place.clear();
    seconds
}

/// Seconds for `work`.
fn timed(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// The next message.
fn next(inbox: &Inbox, mut lives: impl FnMut() -> bool) -> Outcome<Sample<ipc::Service, [u8], ()>> {
    loop {
        for _ in 0..PATIENCE {
            if let Some(message) = inbox.receive()? {
                return Ok(message);
            }
        }
        if !lives() {
            return Err("the other process has ended".into());
        }
    }
}

/// Where iceoryx2 keeps its files: of this run alone, so that they can be taken away.
struct Place {
    node: Node<ipc::Service>,
    root: String,
    prefix: String,
}

impl Place {
    fn of(parent: u32) -> Outcome<Self> {
        let prefix = format!("ring-bench-{parent}-");
        let root = env::temp_dir().join(format!("{prefix}iceoryx2")).to_string_lossy().into_owned();
        let mut config = Config::default();
        config.global.set_root_path(&Path::new(root.as_bytes())?);
        config.global.prefix = FileName::new(prefix.as_bytes())?;
        let node = NodeBuilder::new()
            .config(&config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        Ok(Self { node, root, prefix })
    }

    /// A service for one publisher and one subscriber.
    fn messages(&self, name: &str, buffer: usize, may_lose: bool) -> Outcome<Messages> {
        let service = self.node.service_builder(&ServiceName::new(name)?).publish_subscribe::<[u8]>();
        Ok(service
            .max_publishers(1)
            .max_subscribers(1)
            .history_size(0)
            .subscriber_max_buffer_size(buffer)
            .enable_safe_overflow(may_lose)
            .open_or_create()?)
    }

    /// Takes away what iceoryx2 leaves behind.
    fn clear(self) {
        drop(self.node);
        // What is gone already need not be taken away.
        let _ = fs::remove_dir_all(self.root);
        for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.prefix) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The other process: this program again.
struct Other(Child);

impl Other {
    /// Returns when it has its ports.
    fn start(words: &[&str]) -> Outcome<Self> {
        let mut program = Command::new(env::current_exe()?);
        let mut child = program.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdout.take().ok_or("a pipe")?.read_exact(&mut [0])?;
        Ok(Self(child))
    }

    /// Lets it begin.
    fn go(&mut self) -> Outcome {
        Ok(self.0.stdin.take().ok_or("a pipe")?.write_all(b"+")?)
    }

    fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    fn end(mut self) -> Outcome {
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the other process: {status}").into()) }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // Refused if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In the other process: its ports are there, and it may begin.
fn ready() -> Outcome {
    let mut out = io::stdout();
    out.write_all(b"+")?;
    out.flush()?;
    Ok(io::stdin().read_exact(&mut [0])?)
}

/// Whoever spins does so for ever if the one it waits for is gone.
fn end_with(parent: i32) -> Outcome {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != Pid::from_raw(parent) { Err("an orphan".into()) } else { Ok(()) }
}

fn pin(core: usize) {
    let mut own = CpuSet::new();
    own.set(core);
    // Refused in some sandboxes: then the system places it.
    let _ = sched_setaffinity(None, &own);
}
