//! When does a better algorithm beat more cores?
//!
//! Nearly always, and the lead grows with the input. N cores divide the time by N at best; an algorithm that does
//! less divides it by something that grows. Trial division asks each number for its divisors; the sieve of
//! Eratosthenes never divides, it crosses out multiples, in a piece of memory small enough for the cache. For
//! ten times the numbers the first does about twenty times the work and the second a little more than ten times.
//!
//! So look for the algorithm first, on one core, and for the cores then. Both can be had: the sieve's segments
//! are independent pieces too.
//!
//! In Python the same holds twice over: a loop that moves into `numpy` or `set` gains more than a `Pool` does.

use lesson::{Bound, Lesson, Story, measure};
use workload::{
    Primes, Timeline, Workers,
    primes::sieve::{self},
};

use crate::mechanisms::mechanism;

/// When does a better algorithm beat more cores?
pub(super) const LESSON: Lesson = Lesson {
    name: "algorithm",
    question: "When does a better algorithm beat more cores?",
    python: &["ProcessPoolExecutor.map"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    let workers = Workers::new(story.workers())?;
    let work = Primes { below: 2_000_000, pieces: 256 };
    let dynamic = mechanism::<Primes>("dynamic").ok_or("no such mechanism")?;
    let divide = || (dynamic.run)(&work, workers, &Timeline::off());

    story.say(format!(
        "The primes below {} are counted by trial division on {} threads, and by a sieve on one.",
        work.below,
        workers.get()
    ));
    let below = u64::from(work.below);
    story.equal("both find the same primes (count and sum)", divide()?, sieve::count_and_checksum(below)?);

    story.say("First the steps, which no machine changes: divisions of the one, crossings-out of the other.");
    let steps = [10_000, 100_000, 1_000_000].map(|below| (below, divisions(below), crossings(below)));
    let table =
        steps.map(|(below, divisions, crossings)| format!("{below:>9}  {divisions:>11}  {crossings:>11}"));
    story.show(format!("    below    divisions    crossings\n{}", table.join("\n")));
    let [_, (_, divisions, crossings), (_, more_divisions, more_crossings)] = steps;
    let growth = |few: u64, many: u64| many as f64 / few as f64;
    let (divided, crossed) = (growth(divisions, more_divisions), growth(crossings, more_crossings));
    story.claim(
        "for ten times the numbers, trial division does far more than ten times the work",
        "at least 15 times",
        format!("{divided:.1} times"),
        divided >= 15.0,
    );
    story.claim(
        "and the sieve little more than ten times",
        "at most 12 times",
        format!("{crossed:.1} times"),
        crossed <= 12.0,
    );

    let ratio = story.timed(
        format!("the sieve on one thread is faster than trial division on {}", workers.get()),
        Bound::AtLeast(10.0),
        1,
        || {
            let [divided, sieved] = measure::in_turn(
                5,
                [&mut || drop(divide()), &mut || {
                    drop(std::hint::black_box(sieve::count_and_checksum(below)))
                }],
            );
            measure::ratio(&divided, &sieved)
        },
    );
    if let Some(ratio) = ratio {
        story.say(format!(
            "To catch up, trial division would need some {:.0} cores, and more for every larger number.",
            ratio * workers.get().min(measure::cores()) as f64
        ));
    }
    Ok(())
}

// ANCHOR: divisions
/// How often trial division divides: each number by the primes up to its root, until one divides it.
fn divisions(below: u64) -> u64 {
    let mut primes: Vec<u64> = Vec::new();
    let mut divisions = 0;
    for number in 2..below {
        let mut divisors = primes.iter().take_while(|&&prime| prime * prime <= number);
        let prime = !divisors.any(|prime| {
            divisions += 1;
            number.is_multiple_of(*prime)
        });
        if prime {
            primes.push(number);
        }
    }
    divisions
}
// ANCHOR_END: divisions

// ANCHOR: crossings
/// How often a plain sieve crosses a number out: the multiples of each prime, from its square on.
fn crossings(below: u64) -> u64 {
    let mut crossed = vec![false; below as usize];
    let mut crossings = 0;
    for number in (2..below).take_while(|number| number * number < below) {
        if !crossed[number as usize] {
            for multiple in (number * number..below).step_by(number as usize) {
                crossed[multiple as usize] = true;
                crossings += 1;
            }
        }
    }
    crossings
}
// ANCHOR_END: crossings

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_done_by_hand() {
        // 4 by 2; 5 by 2; 6 by 2; 7 by 2; 8 by 2; 9 by 2 and 3.
        assert_eq!(divisions(10), 7);
        // 4, 6, 8 and 9.
        assert_eq!(crossings(10), 4);
    }
}
