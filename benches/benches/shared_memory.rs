//! How fast do messages go from process to process through shared memory? Ratios within a round: of two cores to the journey
//! of two bare cache lines between them, of one core to a bare futex; and CPython, if it is here.
//!
//! The other end is this program again, in a process of its own. The futex loop is Rust's: the same two system calls as C's.

use std::{
    env,
    fs::File,
    hint::spin_loop,
    os::fd::{AsFd, AsRawFd},
    process::{self, Command},
    sync::{
        OnceLock,
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Release},
        },
    },
    time::Duration,
};

use lesson::measure::{Samples, gain, in_turn, ratio, seconds};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use shared_memory::{
    Memfd, PlainCell, Shared, futex,
    peer::{self, Cast, Peer},
    ring::{self, Consumer, Producer, Wait},
    shared,
};

/// The cores that this program was started with, before it pins itself.
static CORES: OnceLock<Vec<usize>> = OnceLock::new();
const LIMIT: Duration = Duration::from_secs(20);
const SMALL: usize = 64;
const LARGE: usize = 1 << 20;

fn main() {
    if let Some("peer") = env::args().nth(1).as_deref() {
        return play();
    }
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, trips) = if quick { (7, 20_000) } else { (21, 100_000) };
    let cores = CORES.get_or_init(cores);
    pin(&cores[..1]);
    across(rounds, trips);
    one_core(rounds, trips / 20);
    one_way(rounds, trips as u64);
    pin(cores);
    python(trips);
}

/// Each end has a core of its own.
fn across(rounds: usize, trips: u32) {
    let mut lines = Words::open("lines", 1);
    let [mut spin, mut adaptive] = [Wait::Spin, Wait::Adaptive].map(|way| Rings::open(way, 1));
    let [bare, spin, adaptive] = in_turn(
        rounds,
        [&mut || lines.trips(trips), &mut || spin.trips(trips), &mut || adaptive.trips(trips)],
    );
    println!("two cores (a pure kernel gains {:.2}x on them), 64 bytes there and back:", gain(2));
    report("two bare cache lines", &bare, &bare, "two lines", trips);
    report("ring, spinning", &spin, &bare, "two lines", trips);
    report("ring, adaptive", &adaptive, &spin, "spinning", trips);
}

/// Both ends on one core: what a wake-up costs.
fn one_core(rounds: usize, trips: u32) {
    let mut bare = Words::open("futex", 0);
    let [mut sleep, mut adaptive] = [Wait::Sleep, Wait::Adaptive].map(|way| Rings::open(way, 0));
    let [bare, sleep, adaptive] = in_turn(
        rounds,
        [&mut || bare.trips(trips), &mut || sleep.trips(trips), &mut || adaptive.trips(trips)],
    );
    println!("one core, 64 bytes there and back:");
    report("bare futex", &bare, &bare, "bare futex", trips);
    report("ring, sleeping", &sleep, &bare, "bare futex", trips);
    report("ring, adaptive", &adaptive, &bare, "bare futex", trips);
}

fn report(name: &str, own: &Samples, other: &Samples, whose: &str, trips: u32) {
    let each = own.median() / f64::from(trips) * 1e9;
    println!("  {name:24} {each:8.0} ns, {:.2}x of {whose}", ratio(own, other));
}

/// As much as goes through, in batches of small messages and in large ones.
fn one_way(rounds: usize, messages: u64) {
    println!("two cores, one way, spinning:");
    let mut lines = Words::open("lines", 1);
    let small = stream(rounds, 1 << 16, SMALL, 64, messages * 10, &mut || lines.trips(10_000));
    println!(
        "  64 bytes, batches of 64:  {:8.0} MB/s, a message in {:.2} of a round trip of two lines",
        SMALL as f64 * (messages * 10) as f64 / small[0].median() / 1e6,
        ratio(&small[0], &small[1]) / (messages * 10) as f64 * 10_000.0,
    );
    let medium = stream(rounds, 1 << 20, 1 << 16, 1, messages / 10, &mut || ());
    println!(
        "  64 KiB:                   {:8.0} MB/s",
        65_536.0 * (messages / 10) as f64 / medium[0].median() / 1e6
    );
    let count = (messages / 200).max(50);
    let (from, mut to) = (vec![1_u8; LARGE], vec![0_u8; LARGE]);
    let mut copy = || {
        for _ in 0..count {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
        }
    };
    let large = stream(rounds, 4 * LARGE, LARGE, 1, count, &mut copy);
    println!(
        "  1 MiB, copied in and out: {:8.0} MB/s, {:.2}x of one core's memcpy",
        LARGE as f64 * count as f64 / large[0].median() / 1e6,
        ratio(&large[1], &large[0]),
    );
}

/// Seconds for so many messages, in turn with something else.
fn stream(
    rounds: usize,
    capacity: usize,
    len: usize,
    batch: u64,
    count: u64,
    other: &mut dyn FnMut(),
) -> [Samples; 2] {
    let memory = Memfd::create("bench", ring::size(capacity)).expect("memory");
    ring::create(&memory).expect("new");
    let start = cast("source", 1).with_memory(&memory).expect("a descriptor");
    let start = start.with_word(len).with_word(batch).with_word(count * (rounds as u64 + 1));
    let mut peer = start.start().expect("started");
    let mut consumer = Consumer::attach(&memory).expect("a ring");
    consumer.set_wait(Wait::Spin);
    consumer.expect(peer.id());
    let mut into = vec![0_u8; len];
    let mut take = |count| {
        for _ in 0..count {
            let message = consumer.peek().expect("the source lives");
            into.copy_from_slice(&message);
            std::hint::black_box(&mut into);
            message.release();
        }
    };
    // Pages are touched, caches warm.
    take(count);
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..rounds {
        // The ring is full by now: what is measured begins when it is.
        samples[0].push(seconds(|| take(count)));
        samples[1].push(seconds(&mut *other));
    }
    peer.end(LIMIT).expect("it is done");
    samples
}

fn python(trips: u32) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/shared_memory.py");
    let output = Command::new("python3").arg(script).arg(trips.to_string()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return println!("CPython: skipped, no python3 with multiprocessing here");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    if let [trip, rate] = figures[..] {
        // Now, and not minutes ago: the cores may have moved.
        let mut spin = Rings::open(Wait::Spin, 1);
        spin.trips(trips / 10);
        let ours = seconds(|| spin.trips(trips)) / f64::from(trips) * 1e9;
        println!(
            "CPython's SharedMemory, spinning: {trip:.0} ns a round trip, {:.1}x of our ring",
            trip / ours
        );
        println!("CPython's Queue, 64 KiB one way: {rate:.0} MB/s");
    }
}

/// The cores that this program was given, by their numbers.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
}

/// Keeps this process on these.
fn pin(cores: &[usize]) {
    let mut own = CpuSet::new();
    cores.iter().for_each(|core| own.set(*core));
    // Refused in some sandboxes: then the system places it.
    let _ = sched_setaffinity(None, &own);
}

/// This program as the other end, on the first or second of our cores. (A child starts with the one that we are on.)
fn cast(role: &str, core: usize) -> Cast {
    let core = CORES.get_or_init(cores).get(core).copied().unwrap_or_default();
    Cast::program(Command::new(env::current_exe().expect("this program")), &["peer"])
        .with_word(role)
        .with_word(core)
}

/// Two rings and who answers.
struct Rings {
    there: Producer,
    back: Consumer,
    _peer: Peer,
}

impl Rings {
    fn open(way: Wait, core: usize) -> Self {
        let [there, back] = [(); 2].map(|()| Memfd::create("bench", ring::size(4096)).expect("memory"));
        ring::create(&there).expect("new");
        ring::create(&back).expect("new");
        let path = format!("/proc/{}/fd/{}", process::id(), back.as_fd().as_raw_fd());
        let start = cast("rings", core).with_memory(&there).expect("a descriptor");
        let mut peer = start.with_word(format!("{way:?}")).with_word(path).start().expect("started");
        let (mut there, mut back_end) =
            (Producer::attach(&there).expect("a ring"), Consumer::attach(&back).expect("a ring"));
        there.set_wait(way);
        back_end.set_wait(way);
        there.expect(peer.id());
        back_end.expect(peer.id());
        peer.line(LIMIT).expect("ready");
        let mut rings = Self { there, back: back_end, _peer: peer };
        rings.rest();
        rings
    }

    fn trips(&mut self, trips: u32) {
        for trip in 0..trips {
            let mut question = self.there.reserve(SMALL).expect("the other lives");
            question.fill(trip as u8);
            question.commit();
            let answer = self.back.peek().expect("the other lives");
            assert_eq!(answer[SMALL - 1], trip as u8);
            answer.release();
        }
        // It need not spin while others are measured.
        self.rest();
    }

    /// Lets a spinning peer wait asleep: it is told to by an empty message.
    fn rest(&mut self) {
        self.there.reserve(0).expect("the other lives").commit();
    }
}

shared! {
    /// A word and 64 bytes, on lines of their own.
    #[repr(align(128))]
    struct Line { word: AtomicU32, bytes: PlainCell<[u8; SMALL]> }
}

/// Two lines, one for each direction, without any queue.
struct Words {
    shared: Shared<[Line; 2]>,
    turn: u32,
    sleeps: bool,
    _peer: Peer,
}

impl Words {
    fn open(role: &str, core: usize) -> Self {
        let memory = Memfd::create("bench", Shared::<[Line; 2]>::size(0)).expect("memory");
        let first = |lines: &mut [Line; 2], _: &mut [()]| {
            lines.iter_mut().for_each(|line| *line.word.get_mut() = 1);
        };
        let shared = Shared::<[Line; 2]>::create(&memory, first).expect("new");
        let mut peer = cast(role, core).with_memory(&memory).expect("a descriptor").start().expect("started");
        peer.line(LIMIT).expect("ready");
        Self { shared, turn: 1, sleeps: role == "futex", _peer: peer }
    }

    fn trips(&mut self, trips: u32) {
        let [there, back] = &*self.shared;
        for _ in 0..trips {
            let last = self.turn;
            // The next even one. Behind an odd one the other sleeps.
            self.turn = if last % 2 == 1 { last + 1 } else { last + 2 };
            say(there, self.turn, self.sleeps || last % 2 == 1);
            hear(back, last, self.sleeps);
        }
        // Odd: rest, until an even one comes.
        let last = self.turn;
        self.turn += 1;
        say(there, self.turn, true);
        hear(back, last, self.sleeps);
    }
}

fn say(line: &Line, turn: u32, wakes: bool) {
    line.word.store(turn, Release);
    if wakes {
        futex::wake_shared(&line.word, 1);
    }
}

fn hear(line: &Line, last: u32, sleeps: bool) -> u32 {
    loop {
        match line.word.load(Acquire) {
            turn if turn != last => return turn,
            _ if sleeps => {
                futex::wait_shared(&line.word, last, None);
            }
            _ => spin_loop(),
        }
    }
}

/// The other end.
fn play() {
    let word = |index| peer::word(index).expect("given");
    let number = |index| word(index).parse::<u64>().expect("a number");
    pin(&[number(1) as usize]);
    let memory = peer::memory().expect("given");
    match word(0).as_str() {
        "rings" => answer(&memory, &word(2), &word(3)),
        "source" => {
            let mut producer = Producer::attach(&memory).expect("a ring");
            producer.set_wait(Wait::Spin);
            source(&mut producer, number(2) as usize, number(3), number(4));
        }
        role => echo(&Shared::attach(&memory).expect("two lines"), role == "futex"),
    }
}

fn answer(memory: &Memfd, way: &str, back: &str) {
    let way = match way {
        "Spin" => Wait::Spin,
        "Sleep" => Wait::Sleep,
        _ => Wait::Adaptive,
    };
    let back = File::options().read(true).write(true).open(back).expect("our parent's memory");
    let (mut questions, mut answers) =
        (Consumer::attach(memory).expect("a ring"), Producer::attach(back).expect("a ring"));
    answers.set_wait(way);
    questions.set_wait(way);
    peer::say("ready");
    while let Ok(question) = questions.peek() {
        let rest = question.is_empty();
        if !rest {
            let mut answer = answers.reserve(question.len()).expect("the other lives");
            answer.copy_from_slice(&question);
            answer.commit();
        }
        question.release();
        questions.set_wait(if rest { Wait::Sleep } else { way });
    }
}

fn source(producer: &mut Producer, len: usize, batch: u64, count: u64) {
    let from = vec![1_u8; len];
    for number in 1..=count {
        let mut message = producer.reserve(len).expect("the other lives");
        message.copy_from_slice(std::hint::black_box(&from));
        let producer = message.stage();
        if number % batch == 0 {
            producer.publish();
        }
    }
}

fn echo(lines: &Shared<[Line; 2]>, sleeps: bool) {
    let [there, back] = &**lines;
    peer::say("ready");
    let (mut last, mut rests) = (1, true);
    loop {
        last = hear(there, last, sleeps || rests);
        say(back, last, sleeps);
        rests = last % 2 == 1;
    }
}
