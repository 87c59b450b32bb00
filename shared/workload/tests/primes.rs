//! Trial division and the sieve agree with each other, with published values and with a third party's sieve.

use std::ops::Range;

use proptest::prelude::*;
use serde_json::json;
use workload::{
    Primes, RunError, Size, Timeline, Workload,
    primes::{
        Tally,
        sieve::{self, Sieve},
    },
    sequential,
};

/// How many primes there are below 10^0, 10^1, ...: <https://oeis.org/A006880>.
const COUNTS: [u64; 10] = [0, 4, 25, 168, 1_229, 9_592, 78_498, 664_579, 5_761_455, 50_847_534];
/// And their sums: <https://oeis.org/A046731>.
const SUMS: [u64; 10] = [
    0,
    17,
    1_060,
    76_127,
    5_736_396,
    454_396_537,
    37_550_402_023,
    3_203_324_994_356,
    279_209_790_387_276,
    24_739_512_092_254_535,
];

fn by_division(below: u32, pieces: u32) -> Tally {
    sequential(&Primes { below, pieces }, &Timeline::off()).unwrap()
}

fn by_sieve(below: u64, pieces: u32) -> Tally {
    sequential(&Sieve { below, pieces }, &Timeline::off()).unwrap()
}

/// Divides by everything up to the root: too plain to be wrong.
fn is_prime(number: u64) -> bool {
    number == 2
        || number > 2
            && !number.is_multiple_of(2)
            && (3..=number.isqrt()).step_by(2).all(|divisor| !number.is_multiple_of(divisor))
}

fn expected(numbers: Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for number in numbers.filter(|&number| is_prime(number)) {
        tally.add(Tally { count: 1, checksum: number });
    }
    tally
}

#[test]
fn powers_of_ten() {
    for (power, (&count, &checksum)) in COUNTS.iter().zip(&SUMS).enumerate() {
        let below = 10_u64.pow(power as u32);
        assert_eq!(sieve::count(below).unwrap(), count, "10^{power}");
        if power <= 8 {
            assert_eq!(sieve::count_and_checksum(below).unwrap(), Tally { count, checksum }, "10^{power}");
        }
        if power <= 5 {
            assert_eq!(by_division(below as u32, 9), Tally { count, checksum }, "10^{power}");
        }
    }
}

#[test]
fn every_small_limit() {
    let mut tally = Tally::default();
    for below in 0..10_000 {
        assert_eq!(sieve::count_and_checksum(below).unwrap(), tally, "below {below}");
        assert_eq!(sieve::count(below).unwrap(), tally.count, "below {below}");
        tally.add(expected(below..below + 1));
    }
}

#[test]
fn trial_division_below_every_small_limit() {
    let mut tally = Tally::default();
    for below in 0..1_000 {
        assert_eq!(by_division(below, 3), tally, "below {below}");
        tally.add(expected(u64::from(below)..u64::from(below) + 1));
    }
}

/// A segment is 512 KiB of 30 numbers each, a block of it 32 KiB.
#[test]
fn borders_of_blocks_and_segments() {
    const BLOCK: u64 = 32 * 1024 * 30;
    for border in [BLOCK, 2 * BLOCK, 16 * BLOCK, 32 * BLOCK] {
        for start in [border - 331, border - 1, border, border + 1] {
            for end in [border - 30, border, border + 1, border + 400] {
                let found = sieve::tally_within(start..end).unwrap();
                assert_eq!(found, expected(start..end), "{start}..{end}");
                assert_eq!(sieve::count_within(start..end).unwrap(), found.count, "{start}..{end}");
            }
        }
        let found = sieve::count(border + 7).unwrap();
        let oracle = primal::Sieve::new(border as usize + 6).prime_pi(border as usize + 6);
        assert_eq!(found, oracle as u64, "below {}", border + 7);
    }
}

/// The square of a prime is the first multiple that this prime alone strikes out; the largest that is needed
/// has its square just below the end.
#[test]
fn squares_of_primes_are_struck() {
    for prime in [2, 3, 5, 7, 163, 167, 173, 997, 31_607, 65_537, 999_983, 1_000_003_u64] {
        let square = prime * prime;
        for numbers in [square..square + 1, square - 1..square + 1, square.saturating_sub(20)..square + 2] {
            let found = sieve::count_within(numbers.clone()).unwrap();
            assert_eq!(found, expected(numbers.clone()).count, "{prime}: {numbers:?}");
        }
    }
}

#[test]
fn windows_high_up_agree_with_trial_division() {
    for (start, length) in [(100_000_000_000, 3_000), (1_000_000_000_000, 1_000), (sieve::MOST - 30, 30)] {
        let numbers = start..start + length;
        assert_eq!(sieve::tally_within(numbers.clone()).unwrap(), expected(numbers.clone()), "{numbers:?}");
    }
}

/// Primes of several segments at 10^11, by another method: what is left of the window when the multiples of
/// every prime up to the root are gone.
#[test]
fn forty_million_numbers_at_ten_to_the_eleventh() {
    const START: u64 = 100_000_000_000;
    const LENGTH: u64 = 40_000_000;
    let mut composite = vec![false; LENGTH as usize];
    let root = (START + LENGTH).isqrt();
    for prime in primal::Primes::all().map(|prime| prime as u64).take_while(|&prime| prime <= root) {
        let first = START.next_multiple_of(prime) - START;
        composite[first as usize..].iter_mut().step_by(prime as usize).for_each(|flag| *flag = true);
    }
    let left = composite.iter().filter(|&&flag| !flag).count() as u64;
    assert_eq!(sieve::count_within(START..START + LENGTH).unwrap(), left);
}

proptest! {
    #[test]
    fn any_window(start in 0u64..20_000_000, length in 0u64..1_000) {
        let numbers = start..start + length;
        let expected = expected(numbers.clone());
        prop_assert_eq!(sieve::tally_within(numbers.clone()).unwrap(), expected);
        prop_assert_eq!(sieve::count_within(numbers).unwrap(), expected.count);
    }

    #[test]
    fn any_window_far_up(start in 0u64..100_000_000_000, length in 0u64..60) {
        let numbers = start..start + length;
        prop_assert_eq!(sieve::tally_within(numbers.clone()).unwrap(), expected(numbers));
    }

    #[test]
    fn any_cut_gives_the_same_answer(below in 0u32..30_000, pieces in 1u32..200) {
        let whole = by_division(below, 1);
        prop_assert_eq!(by_division(below, pieces), whole);
        prop_assert_eq!(by_sieve(u64::from(below), pieces), whole);
    }

    #[test]
    fn pieces_cover_each_number_once(below in any::<u32>(), pieces in 1u32..2_000) {
        let ranges = Primes { below, pieces }.pieces().unwrap();
        prop_assert_eq!((ranges[0].start, ranges.last().unwrap().end), (0, below));
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start <= pair[0].end));
        let below = u64::from(below) * 1_000;
        let ranges = Sieve { below, pieces }.pieces().unwrap();
        prop_assert_eq!((ranges[0].start, ranges.last().unwrap().end), (0, below));
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start <= pair[0].end));
    }
}

/// Regular work: what makes it so is how it is cut, and that can be counted instead of timed.
#[test]
fn a_static_split_of_trial_division_loses_little() {
    let work = Primes::sized(Size::Lesson);
    let below = work.below as usize;
    // How many divisions each number takes: until the first divisor, or up to the root.
    let primes: Vec<usize> = primal::Primes::all().take_while(|prime| prime * prime < below).collect();
    let mut divisions = vec![0_u64; below];
    for (before, &prime) in primes.iter().enumerate().rev() {
        divisions.iter_mut().step_by(prime).skip(prime).for_each(|needed| *needed = before as u64 + 1);
    }
    let mut up_to_root = 0;
    for (number, needed) in divisions.iter_mut().enumerate() {
        while up_to_root < primes.len() && primes[up_to_root].pow(2) <= number {
            up_to_root += 1;
        }
        if *needed == 0 {
            *needed = up_to_root as u64;
        }
    }
    let pieces = work.pieces().unwrap();
    let costs: Vec<u64> =
        pieces.iter().map(|range| divisions[range.start as usize..range.end as usize].iter().sum()).collect();
    let total: u64 = costs.iter().sum();
    for workers in [2, 4, 8] {
        let dearest: u64 = costs.chunks(costs.len() / workers).map(|run| run.iter().sum()).max().unwrap();
        let gain = total as f64 / dearest as f64;
        println!("{workers} workers: {gain:.3}");
        assert!(gain > 0.95 * workers as f64, "{workers} workers gain {gain:.3}");
    }
}

#[test]
fn answers_for_readers() {
    let division = Primes { below: 100, pieces: 7 };
    let sieve = Sieve { below: 100, pieces: 7 };
    let answer = json!({"below": 100, "count": 25, "checksum": 1060});
    assert_eq!(division.answer(&by_division(100, 7)), answer);
    assert_eq!(sieve.answer(&by_sieve(100, 7)), answer);
    assert_eq!(Primes::default(), Primes::sized(Size::Measure));
    assert_eq!(Primes::default().below, 20_000_000);
}

#[test]
fn nonsense_is_an_error() {
    let off = Timeline::off();
    for pieces in [0, u32::MAX] {
        let error = sequential(&Primes { below: 100, pieces }, &off).unwrap_err();
        assert!(matches!(error, RunError::Cut { .. }) && error.to_string().contains("pieces"), "{error}");
        let error = sequential(&Sieve { below: 100, pieces }, &off).unwrap_err();
        assert!(matches!(error, RunError::Cut { .. }) && error.to_string().contains("pieces"), "{error}");
    }
    for below in [sieve::MOST + 1, u64::MAX] {
        let error = sequential(&Sieve { below, pieces: 9 }, &off).unwrap_err();
        assert!(error.to_string().contains(&format!("primes below {below}; at most")), "{error}");
        assert!(sieve::count(below).is_err() && sieve::count_and_checksum(below).is_err());
    }
    // No numbers, no primes: not an error.
    let (start, end) = (50, 40);
    assert_eq!(sieve::tally_within(start..end).unwrap(), Tally::default());
    assert_eq!(Primes { below: 9, pieces: 1 }.run(&(start as u32..end as u32)).unwrap(), Tally::default());
    // The highest numbers there are, and no overflow.
    assert_eq!(Primes { below: 9, pieces: 1 }.run(&(u32::MAX - 5..u32::MAX)).unwrap().count, 1);
}
