//! What do processes lose against threads when the work is in shared memory? In turn (A B C A B C ...), so that a machine
//! whose speed drifts does so for all; what is printed is the median of the ratios within a round. Process starts are
//! included.
//!
//! Each is measured twice: within this program, whose threads find memory that it has had for long, where each process begins
//! with none; and as a program of its own that does it once and ends, as a command would.
//!
//! Beside the time by the clock stands that of the processors (getrusage(2): this process and its children): it hardly changes
//! when other programs run. It has no share in the gain by the second core.
//!
//! Takes 40 to 60 s, with `--quick` 20 s.

use std::{error::Error, mem::MaybeUninit, process::Command};

use lesson::measure::{self, Samples, ratio, seconds};
use processes::{Program, process_dynamic};
use shared_memory::mechanisms::{in_place, one_table, shared_ring};
use workload::{Mandelbrot, Size, Timeline, Words, Workers, Workload, sequential};

type Outcome = Result<(), Box<dyn Error>>;

/// One way to do a work, and its name.
type Way<'a> = (&'static str, Box<dyn Fn() + 'a>);

fn main() -> Outcome {
    benches::enter();
    let args: Vec<_> = std::env::args().collect();
    if let [_, once, work, way, room] = args.as_slice()
        && once == "--once"
    {
        return do_once(work, way, room.parse()?);
    }
    let rounds = if args.iter().any(|arg| arg == "--quick") { 5 } else { 15 };
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), measure::gain(2));
    image(rounds)?;
    words(rounds)
}

/// As a program of its own: see [`compare`].
fn do_once(work: &str, way: &str, room: usize) -> Outcome {
    let (image, text) = (Mandelbrot::sized(Size::Measure), Words::sized(Size::Measure));
    let ways = if work == Mandelbrot::NAME { ways_to_draw(&image)? } else { ways_to_count(&text, room)? };
    let (_, run) = ways.into_iter().find(|(name, _)| *name == way).ok_or("no such way")?;
    run();
    Ok(())
}

fn ways_to_draw(work: &Mandelbrot) -> Result<[Way<'_>; 4], Box<dyn Error>> {
    let two = Workers::new(2)?;
    let in_place = move || drop(in_place::draw(&Program::this(), work, two, &Timeline::off()).expect(DONE));
    Ok([
        ("threads", Box::new(move || on_threads(work, two))),
        ("in place", Box::new(in_place)),
        ("parts through rings", Box::new(move || through_rings(work, two))),
        ("parts through pipes", Box::new(move || through_pipes(work, two))),
    ])
}

fn ways_to_count(work: &Words, room: usize) -> Result<[Way<'_>; 4], Box<dyn Error>> {
    let two = Workers::new(2)?;
    let one_table =
        move || drop(one_table::count(&Program::this(), work, two, room, &Timeline::off()).expect(DONE));
    Ok([
        ("threads", Box::new(move || on_threads(work, two))),
        ("one table", Box::new(one_table)),
        ("parts through rings", Box::new(move || through_rings(work, two))),
        ("parts through pipes", Box::new(move || through_pipes(work, two))),
    ])
}

const DONE: &str = "the work can be done";

fn on_threads<W: Workload>(work: &W, workers: Workers) {
    let dynamic = threads::mechanisms::mechanism::<W>("dynamic").expect("it is one of them");
    drop((dynamic.run)(work, workers, &Timeline::off()).expect(DONE));
}

fn through_rings<W: Workload>(work: &W, workers: Workers) {
    drop(shared_ring::run(work, workers, &Timeline::off()).expect(DONE));
}

fn through_pipes<W: Workload>(work: &W, workers: Workers) {
    drop(process_dynamic::run(work, workers, &Timeline::off()).expect(DONE));
}

fn image(rounds: usize) -> Outcome {
    let (work, two, off) = (Mandelbrot::sized(Size::Measure), Workers::new(2)?, Timeline::off());
    let right = sequential(&work, &off)?;
    let canvas = in_place::draw(&Program::this(), &work, two, &off)?;
    assert!(canvas.tiles(&work.pieces()?)? == right && shared_ring::run(&work, two, &off)? == right);
    compare(Mandelbrot::NAME, &ways_to_draw(&work)?, 0, rounds)
}

fn words(rounds: usize) -> Outcome {
    let (work, two, off) = (Words::sized(Size::Measure), Workers::new(2)?, Timeline::off());
    let right = sequential(&work, &off)?;
    let room = right.counts.distinct();
    let (mut words, mut equal) = (0, true);
    one_table::count(&Program::this(), &work, two, room, &off)?.table.for_each(|word, times| {
        words += 1;
        equal &= str::from_utf8(word).is_ok_and(|word| right.counts.get(word) == times);
    })?;
    assert!(equal && words == room && shared_ring::run(&work, two, &off)? == right);
    println!("words: {} of them, {room} different", right.counts.total());
    compare(Words::NAME, &ways_to_count(&work, room)?, room, rounds)
}

/// Measures all ways within this program, then each as a program of its own.
fn compare(work: &str, ways: &[Way<'_>; 4], room: usize, rounds: usize) -> Outcome {
    let names = ways.each_ref().map(|(name, _)| *name);
    let within = in_turn(rounds, ways.each_ref().map(|(_, run)| run.as_ref()));
    report(&format!("{work}, 2 workers"), names, &within);
    let this = std::env::current_exe()?;
    let alone = names.map(|name| {
        let (this, room) = (&this, room.to_string());
        move || {
            let status = Command::new(this).args(["--once", work, name, &room]).status();
            assert!(status.is_ok_and(|status| status.success()), "{name} as a program of its own");
        }
    });
    let alone = in_turn(rounds, alone.each_ref().map(|run| run as &dyn Fn()));
    report(&format!("{work}, 2 workers, each time a program of its own"), names, &alone);
    Ok(())
}

/// What one of them took in each round: by the clock, and of the processors.
#[derive(Default)]
struct Times {
    clock: Samples,
    processors: Samples,
}

fn in_turn<const N: usize>(rounds: usize, variants: [&dyn Fn(); N]) -> [Times; N] {
    let mut times = [(); N].map(|()| Times::default());
    for _ in 0..rounds {
        for (variant, times) in variants.iter().zip(&mut times) {
            let before = of_processors();
            times.clock.push(seconds(variant));
            times.processors.push(of_processors() - before);
        }
    }
    times
}

/// Seconds of processors that this process has had so far, and those of its children that have ended.
fn of_processors() -> f64 {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    let all = [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].map(|who| {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: it writes one, or fails.
        assert_eq!(unsafe { libc::getrusage(who, usage.as_mut_ptr()) }, 0);
        // SAFETY: written, as it has not failed.
        let usage = unsafe { usage.assume_init() };
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    });
    all.iter().sum()
}

/// Prints each, as a ratio to the first.
fn report(what: &str, names: [&str; 4], all: &[Times; 4]) {
    println!("{what}, {} rounds:", all[0].clock.len());
    for (name, times) in names.iter().zip(all) {
        println!(
            "  {name:<20} {:>7.1} ms   {:.3}x of threads, {:.3}x of their processor time",
            times.clock.median() * 1e3,
            ratio(&times.clock, &all[0].clock),
            ratio(&times.processors, &all[0].processors),
        );
    }
}
