//! What do processes lose against threads when the work is in shared memory? In turn (A B C A B C ...), so that a machine
//! whose speed drifts does so for all; what is printed is the median of the ratios within a round. Process starts are
//! included.
//!
//! Beside the time by the clock stands that of the processors (getrusage(2): this process and its children): it hardly changes
//! when other programs run. It has no share in the gain by the second core.
//!
//! Takes 25 to 40 s, with `--quick` 10 s.

use std::{error::Error, mem::MaybeUninit};

use lesson::measure::{self, Samples, ratio, seconds};
use processes::{Program, process_dynamic};
use shared_memory::mechanisms::{in_place, one_table, shared_ring};
use workload::{Mandelbrot, Size, Timeline, Words, Workers, Workload, sequential};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    benches::enter();
    let rounds = if std::env::args().any(|arg| arg == "--quick") { 5 } else { 15 };
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), measure::gain(2));
    image(rounds)?;
    words(rounds)
}

fn on_threads<W: Workload>(work: &W, workers: Workers) {
    let dynamic = threads::mechanisms::mechanism::<W>("dynamic").expect("it is one of them");
    drop((dynamic.run)(work, workers, &Timeline::off()).expect("the work can be done"));
}

fn image(rounds: usize) -> Outcome {
    let (work, two, off, this) =
        (Mandelbrot::sized(Size::Measure), Workers::new(2)?, Timeline::off(), Program::this());
    let right = sequential(&work, &off)?;
    let draw = || in_place::draw(&this, &work, two, &off).expect("the work can be done");
    assert!(draw().tiles(&work.pieces()?)? == right && shared_ring::run(&work, two, &off)? == right);
    let times = in_turn(
        rounds,
        [
            &mut || on_threads(&work, two),
            &mut || drop(draw()),
            &mut || drop(shared_ring::run(&work, two, &off)),
            &mut || drop(process_dynamic::run(&work, two, &off)),
        ],
    );
    report(
        "mandelbrot, 2 workers",
        ["threads", "in place", "parts through rings", "parts through pipes"],
        &times,
    );
    Ok(())
}

fn words(rounds: usize) -> Outcome {
    let (work, two, off, this) =
        (Words::sized(Size::Measure), Workers::new(2)?, Timeline::off(), Program::this());
    let right = sequential(&work, &off)?;
    let room = right.counts.distinct();
    let count = || one_table::count(&this, &work, two, room, &off).expect("the work can be done");
    let (mut words, mut equal) = (0, true);
    count().table.for_each(|word, times| {
        words += 1;
        equal &= str::from_utf8(word).is_ok_and(|word| right.counts.get(word) == times);
    })?;
    assert!(equal && words == room && shared_ring::run(&work, two, &off)? == right);
    println!("words: {} of them, {room} different", right.counts.total());
    let times = in_turn(
        rounds,
        [
            &mut || on_threads(&work, two),
            &mut || drop(count()),
            &mut || drop(shared_ring::run(&work, two, &off)),
            &mut || drop(process_dynamic::run(&work, two, &off)),
        ],
    );
    report(
        "words, 2 workers",
        ["threads", "one table", "parts through rings", "parts through pipes"],
        &times,
    );
    Ok(())
}

/// What one of them took in each round: by the clock, and of the processors.
#[derive(Default)]
struct Times {
    clock: Samples,
    processors: Samples,
}

fn in_turn<const N: usize>(rounds: usize, mut variants: [&mut dyn FnMut(); N]) -> [Times; N] {
    let mut times = [(); N].map(|()| Times::default());
    for _ in 0..rounds {
        for (variant, times) in variants.iter_mut().zip(&mut times) {
            let before = of_processors();
            times.clock.push(seconds(&mut *variant));
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
