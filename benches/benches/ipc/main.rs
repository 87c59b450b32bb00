//! What does a message between two processes cost, by what it travels and how long it is?
//!
//! Ratios within a round, of ways measured in turn: each bare way beside the same loop in C, ours beside the bare socket and
//! beside CPython. Both ends on one core first: there every wait is a switch to the other end, and ratios hold still. Across two
//! cores every way that sleeps waits for a core to wake up, and that outweighs all else.
//!
//! `cargo bench -p benches --bench ipc -- --quick` is the short form; `--svg FILE` draws the round trips on one core.
//! C and CPython are left out where there is no compiler, no `python3`.

mod curve;
mod ends;
mod outside;
mod ways;

use std::{collections::BTreeMap, env, fs, time::Instant};

use lesson::measure::{Samples, ratio};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use ways::{WAYS, Way};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// What CPython's own are called here.
const PIPE: &str = "CPython Pipe";
const QUEUE: &str = "CPython Queue";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    /// A message there, and as long a one back.
    RoundTrip,
    /// So many messages there, and one byte back in the end.
    OneWay,
}

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    mode: Mode,
    /// Whether the other end is on another core.
    two_cores: bool,
    size: usize,
}

impl Cell {
    /// Messages that go one way before there is an answer.
    fn burst(self) -> usize {
        match self.mode {
            Mode::RoundTrip => 1,
            Mode::OneWay => (4 * MIB / self.size).clamp(16, 2_000),
        }
    }
}

/// Two ends of something, ready to be timed.
trait Contender {
    /// So many trips, or bursts: seconds.
    fn run(&mut self, times: u32) -> f64;
}

/// Seconds a message, round for round.
type Figures = BTreeMap<&'static str, Samples>;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "peer") {
        return ways::play(&arguments[1..]);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let svg = arguments.iter().position(|argument| argument == "--svg").map(|at| arguments[at + 1].clone());
    let (rounds, round) = if quick { (7, 0.002) } else { (31, 0.010) };
    let cores = cores();
    pin(&cores[..1]);
    let outside = outside::find();
    let mut all = BTreeMap::new();
    for (mode, sizes) in [
        (Mode::RoundTrip, &[64, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB][..]),
        (Mode::OneWay, &[64, KIB, 64 * KIB, MIB]),
    ] {
        for two_cores in [false, true] {
            if two_cores && cores.len() < 2 {
                println!("two cores: left out, there is one");
                continue;
            }
            for &size in sizes {
                let cell = Cell { mode, two_cores, size };
                let peer_core = cores[usize::from(two_cores)];
                let ways = WAYS.iter().chain(&outside);
                let figures = compare(cell, ways, peer_core, rounds, round);
                report(cell, &figures);
                all.insert(cell, figures);
            }
        }
    }
    judge(&all);
    if let Some(path) = svg {
        let lines = curve::of(&all);
        fs::write(&path, curve::draw(&lines).expect("it can be drawn")).expect("it can be written");
        println!("drawn: {path}");
    }
}

/// Measures all ways that can do this, in turn.
fn compare<'a>(
    cell: Cell,
    ways: impl Iterator<Item = &'a Way>,
    peer_core: usize,
    rounds: usize,
    round: f64,
) -> Figures {
    let mut open = Vec::new();
    for way in ways {
        if let Some(mut contender) = (way.open)(cell, peer_core) {
            // Pages are touched, caches warm, and it is known how often to do it.
            contender.run(4);
            let once = contender.run(16) / 16.0;
            let times = ((round / once) as u32).clamp(4, 1 << 16);
            open.push((way.name, contender, times));
        }
    }
    let mut figures = Figures::new();
    for _ in 0..rounds {
        for (name, contender, times) in &mut open {
            let each = contender.run(*times) / f64::from(*times) / cell.burst() as f64;
            figures.entry(name).or_default().push(each);
        }
    }
    figures
}

fn report(cell: Cell, figures: &Figures) {
    let Cell { mode, two_cores, size } = cell;
    let (ways, cores) =
        (["there and back", "one way"][mode as usize], ["one core", "two cores"][usize::from(two_cores)]);
    println!("\n{size} bytes, {ways}, {cores}:");
    let mut rows: Vec<_> = figures.iter().collect();
    rows.sort_by(|one, other| one.1.median().total_cmp(&other.1.median()));
    for (name, samples) in rows {
        let c = figures.get(&*format!("C {name}")).map(|c| format!("  {:.3}x of C", ratio(samples, c)));
        let each = samples.median();
        print!("  {name:24} {:10.2} us", each * 1e6);
        match mode {
            Mode::RoundTrip => print!("{:12}", ""),
            Mode::OneWay => print!("{:7.0} MB/s", size as f64 / each / 1e6),
        }
        println!("{}", c.unwrap_or_default());
    }
}

/// What is to be reached, and what was.
fn judge(all: &BTreeMap<Cell, Figures>) {
    println!("\nin one line each (ratios of the same run):");
    let one = |mode, size| all.get(&Cell { mode, two_cores: false, size });
    let say = |what: &str, cell: Option<&Figures>, own: &str, other: &str, wanted: &str| {
        if let Some((own, other)) = cell.and_then(|cell| Some((cell.get(own)?, cell.get(other)?))) {
            println!("  {:5.2}x (wanted {wanted:9}) {what}", ratio(own, other));
        }
    };
    for way in ["pipe", "Unix socket", "seqpacket", "TCP"] {
        for size in [64, 64 * KIB] {
            let what = format!("{way}, {size} bytes: the loop here to the one in C");
            say(&what, one(Mode::RoundTrip, size), way, &format!("C {way}"), "<= 1.03");
        }
    }
    let small = one(Mode::RoundTrip, 64);
    say("framed messages to the bare Unix socket, 64 bytes", small, "framed", "Unix socket", "<= 1.05");
    say("framed messages to CPython's Pipe, 64 bytes", small, "framed", PIPE, "<= 0.55");
    say("framed messages to CPython's Queue, 64 bytes", small, "framed", QUEUE, "<= 0.24");
    for size in [64, 64 * KIB] {
        for (bare, how) in [("seqpacket", "send and recv"), ("seqpacket, sendmsg", "sendmsg and recvmsg")] {
            let what = format!("ipc-channel's bytes to a seqpacket socket with {how}, {size} bytes");
            say(&what, one(Mode::RoundTrip, size), "ipc-channel bytes", bare, "<= 1.15");
        }
    }
    let medium = one(Mode::RoundTrip, 64 * KIB);
    say(
        "ipc-channel's Vec<u8> to its bytes, 64 KiB",
        medium,
        "ipc-channel Vec<u8>",
        "ipc-channel bytes",
        "-",
    );
    let large = one(Mode::RoundTrip, MIB);
    say("ipc-channel's Vec<u8> to its bytes, 1 MiB", large, "ipc-channel Vec<u8>", "ipc-channel bytes", "-");
    say("a region used again to a futex ring, 1 MiB", large, "shared region", "futex ring", "<= 1.3");
    say(
        "a fresh IpcSharedMemory each time to a futex ring, 1 MiB",
        large,
        "fresh shared memory",
        "futex ring",
        "-",
    );
    let stream = one(Mode::OneWay, 64);
    for way in ["framed", "framed pipe"] {
        for (other, wanted) in [(PIPE, ">= 4"), (QUEUE, ">= 6")] {
            say(&format!("{other} to {way}, one way, 64 bytes"), stream, other, way, wanted);
        }
    }
    if let Some(size) = curve::crossover(&curve::of(all)) {
        println!(
            "  from {size:.0} bytes on shared memory is faster than any way through the kernel (one core, there and back)"
        );
    }
}

/// The cores that this program was given, by their numbers.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    if cores.is_empty() { vec![0] } else { cores }
}

/// Keeps this process on these.
fn pin(cores: &[usize]) {
    let mut own = CpuSet::new();
    cores.iter().for_each(|core| own.set(*core));
    // Refused in some sandboxes: then the system places it.
    let _ = sched_setaffinity(None, &own);
}

/// Seconds for so many times.
fn timed(times: u32, mut once: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..times {
        once();
    }
    began.elapsed().as_secs_f64()
}
