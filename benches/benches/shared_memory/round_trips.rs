//! 64 bytes there and back: each end on a core of its own, and both on one.

use benches::peers::Peer;
use lesson::measure::{Samples, in_turn, ratio, seconds};
use shared_memory::ring::Wait;

use crate::{cores::core, lines::Words, outside::of_c, rings::Rings};

/// Each end has a core of its own.
pub(crate) fn across(rounds: usize, trips: u32) {
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
pub(crate) fn one_core(rounds: usize, trips: u32, c: Option<&Peer>) {
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
fn bare_futex(c: Option<&Peer>, trips: u32, limit: u32) -> impl FnMut() -> f64 {
    let words = [core(0), trips as usize, limit as usize].map(|number| number.to_string());
    move || of_c(c, "futex", &words)
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
