//! How fast do messages go from process to process through shared memory? Ratios within a round: of two cores to the journey
//! of two bare cache lines between them, of one core to a loop on a futex in C, of large messages to one core's memcpy and to
//! two processes in C that copy and do nothing else; and CPython, if it is here.
//!
//! The other end is this program again, in a process of its own. iceoryx2 is not here: it is 71 crates, and files in /tmp.
//!
//! Takes 12 s, with `--quick` 3 s.

use std::{
    env,
    fs::File,
    hint::spin_loop,
    os::fd::{AsFd, AsRawFd},
    os::unix::process::CommandExt,
    process::{self, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{
            AtomicU32,
            Ordering::{Acquire, Release},
        },
    },
    time::Duration,
};

use benches::peers;
use lesson::measure::{self, Samples, gain, in_turn, ratio, seconds};
use processes::ended::ended_within;
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
    // Before this thread is pinned: those that it starts would be so too.
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), gain(2));
    let cores = CORES.get_or_init(cores);
    pin(&cores[..1]);
    across(rounds, trips);
    let c = peers::Peer::c("shared_memory");
    if let Err(why) = &c {
        println!("C: skipped, {why}");
    }
    one_core(rounds, trips / 20, c.as_ref().ok());
    one_way(rounds, u64::from(trips), c.as_ref().ok());
    python(rounds.min(7), trips);
}

/// Each end has a core of its own.
fn across(rounds: usize, trips: u32) {
    let mut lines = Words::open(1);
    let [mut spin, mut adaptive] = [Wait::Spin, Wait::Adaptive].map(|way| Rings::open(way, 1));
    let [bare, spin, adaptive] = in_turn(
        rounds,
        [&mut || lines.trips(trips), &mut || spin.trips(trips), &mut || adaptive.trips(trips)],
    );
    println!("two cores, 64 bytes there and back:");
    report("two bare cache lines", &bare, &bare, "two lines", trips);
    report("ring, spinning", &spin, &bare, "two lines", trips);
    report("ring, adaptive", &adaptive, &spin, "spinning", trips);
}

/// Both ends on one core: what a wake-up costs.
fn one_core(rounds: usize, trips: u32, c: Option<&peers::Peer>) {
    let [mut sleep, mut adaptive] = [Wait::Sleep, Wait::Adaptive].map(|way| Rings::open(way, 0));
    let (mut bare, mut limited) = (bare_futex(c, trips, 0), bare_futex(c, trips, 50));
    let [bare, limited, sleep, adaptive] = by_their_clocks(
        rounds,
        [&mut bare, &mut limited, &mut || seconds(|| sleep.trips(trips)), &mut || {
            seconds(|| adaptive.trips(trips))
        }],
    );
    println!("one core, 64 bytes there and back:");
    let (whose, other) = if c.is_some() { ("the loop in C", &bare) } else { ("sleeping", &sleep) };
    if c.is_some() {
        report("loop on a futex in C", &bare, other, whose, trips);
        report("the same, each wait limited", &limited, other, whose, trips);
        report("ring, sleeping", &sleep, &limited, "the loop in C with limits, as it has", trips);
    }
    report("ring, sleeping", &sleep, other, whose, trips);
    report("ring, adaptive", &adaptive, other, whose, trips);
}

/// The loop in C, by its own clock.
fn bare_futex(c: Option<&peers::Peer>, trips: u32, limit: u32) -> impl FnMut() -> f64 {
    let words = [core(0), trips as usize, limit as usize].map(|number| number.to_string());
    move || of_c(c, "futex", &words)
}

/// Seconds that the program in C took; NaN without it.
fn of_c(c: Option<&peers::Peer>, what: &str, words: &[String; 3]) -> f64 {
    let [first, second, third] = words.each_ref().map(String::as_str);
    c.map_or(f64::NAN, |c| c.run(&[what, first, second, third]).expect("it ends well").seconds)
}

/// Runs several variants in turn; each says how long it took.
fn by_their_clocks<const N: usize>(
    rounds: usize,
    mut variants: [&mut dyn FnMut() -> f64; N],
) -> [Samples; N] {
    let mut samples = [(); N].map(|()| Samples::default());
    for _ in 0..rounds {
        variants.iter_mut().zip(&mut samples).for_each(|(variant, samples)| samples.push(variant()));
    }
    samples
}

fn report(name: &str, own: &Samples, other: &Samples, whose: &str, trips: u32) {
    let each = own.median() / f64::from(trips) * 1e9;
    println!("  {name:27} {each:8.0} ns, {:.2}x of {whose}", ratio(own, other));
}

/// As much as goes through, in batches of small messages and in large ones.
fn one_way(rounds: usize, messages: u64, c: Option<&peers::Peer>) {
    println!("two cores, one way:");
    let mut lines = Words::open(1);
    let mut trips = || seconds(|| lines.trips(10_000));
    let [small, lines] = stream(rounds, 1 << 16, SMALL, 64, messages * 10, [&mut trips]);
    println!(
        "  64 bytes, batches of 64:  {:8.0} MB/s, a message in {:.2} of a round trip of two lines",
        SMALL as f64 * (messages * 10) as f64 / small.median() / 1e6,
        ratio(&small, &lines) / (messages * 10) as f64 * 10_000.0,
    );
    println!("  64 KiB:                   {:8.0} MB/s", rate(rounds, 1 << 20, 1 << 16, 1, messages / 10));
    let count = (messages / 200).max(50);
    let (from, mut to) = (vec![1_u8; LARGE], vec![0_u8; LARGE]);
    let mut copy = || {
        seconds(|| {
            for _ in 0..count {
                to.copy_from_slice(std::hint::black_box(&from));
                std::hint::black_box(&mut to);
            }
        })
    };
    let words = [core(1), core(0), count as usize].map(|number| number.to_string());
    let mut bare = || of_c(c, "stream", &words);
    let [large, copy, bare] = stream(rounds, 4 * LARGE, LARGE, 1, count, [&mut copy, &mut bare]);
    println!(
        "  1 MiB, copied in and out: {:8.0} MB/s, {:.2}x of one core's memcpy, {:.2}x of the same copies in C without a ring",
        LARGE as f64 * count as f64 / large.median() / 1e6,
        ratio(&copy, &large),
        ratio(&bare, &large),
    );
}

/// Megabytes a second.
fn rate(rounds: usize, capacity: usize, len: usize, batch: u64, count: u64) -> f64 {
    let [own] = stream(rounds, capacity, len, batch, count, []);
    len as f64 * count as f64 / own.median() / 1e6
}

/// Seconds for so many messages, and in turn with that what others say of themselves.
fn stream<const N: usize, const ALL: usize>(
    rounds: usize,
    capacity: usize,
    len: usize,
    batch: u64,
    count: u64,
    mut others: [&mut dyn FnMut() -> f64; N],
) -> [Samples; ALL] {
    let memory = Memfd::create("bench", ring::size(capacity)).expect("memory");
    ring::create(&memory).expect("new");
    let start = cast("source", 1).with_memory(&memory).expect("a descriptor");
    let warm = count / 10 / batch * batch;
    let start = start.with_word(len).with_word(batch).with_word((count + warm) * rounds as u64);
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
    let mut samples = [(); ALL].map(|()| Samples::default());
    for _ in 0..rounds {
        // The source is awake, pages are touched, caches warm.
        take(warm);
        samples[0].push(seconds(|| take(count)));
        // Meanwhile the ring is full, and the source asleep.
        others.iter_mut().zip(&mut samples[1..]).for_each(|(other, samples)| samples.push(other()));
    }
    peer.end(LIMIT).expect("it is done");
    samples
}

/// CPython, in turn with our own: a round trip spinning, and one way in small messages and in large ones.
fn python(rounds: usize, trips: u32) {
    let mut spin = Rings::open(Wait::Spin, 1);
    let (mut theirs, mut ours) = ([(); 3].map(|()| Samples::default()), [(); 3].map(|()| Samples::default()));
    for _ in 0..rounds {
        let figures = match of_python(trips / 5) {
            Ok(figures) => figures,
            Err(why) => return println!("CPython: skipped, {why}"),
        };
        theirs.iter_mut().zip(figures).for_each(|(samples, figure)| samples.push(figure));
        ours[0].push(seconds(|| spin.trips(trips)) / f64::from(trips) * 1e9);
        ours[1].push(rate(1, 1 << 16, SMALL, 64, u64::from(trips)));
        ours[2].push(rate(1, 1 << 20, 1 << 16, 1, u64::from(trips) / 20));
    }
    println!("CPython, and how many times as fast our ring is:");
    let [trip, small, large] = theirs.each_ref().map(Samples::median);
    let [by, small_by, large_by] =
        [ratio(&theirs[0], &ours[0]), ratio(&ours[1], &theirs[1]), ratio(&ours[2], &theirs[2])];
    println!("  SharedMemory, spinning, 64 bytes there and back: {trip:8.0} ns, {by:.1}x");
    println!("  Queue, one way, 64 bytes (in batches in ours):   {small:8.1} MB/s, {small_by:.0}x");
    println!("  Queue, one way, 64 KiB:                          {large:8.0} MB/s, {large_by:.0}x");
}

/// Nanoseconds a round trip, and megabytes a second in messages of 64 bytes and of 64 KiB.
fn of_python(trips: u32) -> Result<[f64; 3], String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/shared_memory.py");
    let words =
        [u64::from(trips), LIMIT.as_secs(), core(0) as u64, core(1) as u64].map(|word| word.to_string());
    let mut command = Command::new("python3");
    let text = printed_within(command.arg(script).args(words), LIMIT + Duration::from_secs(1))
        .ok_or_else(|| format!("no python3 with multiprocessing here, or it took longer than {LIMIT:?}"))?;
    let figures: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    figures.try_into().map_err(|_| format!("it printed {text:?}"))
}

/// What it prints, if it ends well and in time. It is killed otherwise, with all that it has started.
fn printed_within(command: &mut Command, limit: Duration) -> Option<String> {
    let child = command.stdout(Stdio::piped()).process_group(0).spawn().ok()?;
    if !ended_within(child.id(), limit).unwrap_or(false) {
        let group = rustix::process::Pid::from_child(&child);
        // Refused only if all of them have ended meanwhile.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first or second of our cores. If there is only one, that.
fn core(index: usize) -> usize {
    let cores = CORES.get_or_init(cores);
    cores.get(index).or(cores.first()).copied().unwrap_or_default()
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
    Cast::program(Command::new(env::current_exe().expect("this program")), &["peer"])
        .with_word(role)
        .with_word(self::core(core))
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
    _peer: Peer,
}

impl Words {
    fn open(core: usize) -> Self {
        let memory = Memfd::create("bench", Shared::<[Line; 2]>::size(0)).expect("memory");
        let first = |lines: &mut [Line; 2], _: &mut [()]| {
            lines.iter_mut().for_each(|line| *line.word.get_mut() = 1);
        };
        let shared = Shared::<[Line; 2]>::create(&memory, first).expect("new");
        let mut peer =
            cast("lines", core).with_memory(&memory).expect("a descriptor").start().expect("started");
        peer.line(LIMIT).expect("ready");
        Self { shared, turn: 1, _peer: peer }
    }

    fn trips(&mut self, trips: u32) {
        let [there, back] = &*self.shared;
        for _ in 0..trips {
            let last = self.turn;
            // The next even one. Behind an odd one the other sleeps.
            self.turn = if last % 2 == 1 { last + 1 } else { last + 2 };
            say(there, self.turn, last % 2 == 1);
            hear(back, last, false);
        }
        // Odd: rest, until an even one comes.
        let last = self.turn;
        self.turn += 1;
        say(there, self.turn, true);
        hear(back, last, false);
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
            source(&mut producer, number(2) as usize, number(3), number(4));
        }
        _ => echo(&Shared::attach(&memory).expect("two lines")),
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

fn echo(lines: &Shared<[Line; 2]>) {
    let [there, back] = &**lines;
    peer::say("ready");
    let (mut last, mut rests) = (1, true);
    loop {
        last = hear(there, last, rests);
        say(back, last, false);
        rests = last % 2 == 1;
    }
}
