//! iceoryx2 beside our ring: `peers/iceoryx2`, if somebody has built it. It is some 70 crates.

use benches::peers::Peer;
use lesson::measure::{Samples, ratio, seconds};
use shared_memory::ring::Wait;

use crate::{LIMIT, SMALL, cores::core, one_way::rate, outside::printed_within, rings::Rings};

/// In turn with our own: a round trip, both ends spinning, and one way. iceoryx2 has no batches, so ours goes without, too.
pub(crate) fn iceoryx2(rounds: usize, trips: u32) {
    let peer = match Peer::built("iceoryx2-peer") {
        Ok(peer) => peer,
        Err(why) => return println!("iceoryx2: skipped, {why}"),
    };
    let mut spin = Rings::open(Wait::Spin, 1);
    let messages = u64::from(trips) * 10;
    let megabytes = SMALL as f64 * messages as f64 / 1e6;
    let [mut trip, mut way] = [(); 2].map(|()| Samples::default());
    let [mut our_trip, mut single, mut batch] = [(); 3].map(|()| Samples::default());
    for _ in 0..rounds {
        let (Some(trip_seconds), Some(way_seconds)) =
            (of_iceoryx2(&peer, "trips", trips.into()), of_iceoryx2(&peer, "stream", messages))
        else {
            return println!("iceoryx2: skipped, it failed, or took longer than {LIMIT:?}");
        };
        trip.push(trip_seconds / f64::from(trips) * 1e9);
        way.push(megabytes / way_seconds);
        our_trip.push(seconds(|| spin.trips(trips)) / f64::from(trips) * 1e9);
        single.push(rate(1, 1 << 16, SMALL, 1, messages));
        batch.push(rate(1, 1 << 16, SMALL, 64, messages));
    }
    println!("iceoryx2, both ends polling, and how many times as fast our ring is:");
    println!("  64 bytes there and back: {:8.0} ns, {:.1}x", trip.median(), ratio(&trip, &our_trip));
    println!(
        "  64 bytes one way:        {:8.0} MB/s, {:.1}x; in batches of 64 {:.1}x",
        way.median(),
        ratio(&single, &way),
        ratio(&batch, &way),
    );
}

/// Seconds, by its own clock.
fn of_iceoryx2(peer: &Peer, what: &str, count: u64) -> Option<f64> {
    let (own, other, count) = (core(0).to_string(), core(1).to_string(), count.to_string());
    let text = printed_within(peer.command().args([what, &own, &other, &count]), LIMIT)?;
    text.trim().parse().ok()
}
