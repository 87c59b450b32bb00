//! As much as goes through in one direction, in batches of small messages and in large ones.

use std::hint::black_box;

use benches::peers::Peer;
use lesson::measure::{Samples, ratio, seconds};
use shared_memory::{
    Memfd,
    ring::{self, Consumer, Producer, Wait},
};

use crate::{LIMIT, SMALL, cores::core, lines::Words, other_end::cast, outside::of_c};

const LARGE: usize = 1 << 20;

/// As much as goes through, in batches of small messages and in large ones.
pub(crate) fn one_way(rounds: usize, messages: u64, c: Option<&Peer>) {
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
                to.copy_from_slice(black_box(&from));
                black_box(&mut to);
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
pub(crate) fn rate(rounds: usize, capacity: usize, len: usize, batch: u64, count: u64) -> f64 {
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
            black_box(&mut into);
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

pub(crate) fn source(producer: &mut Producer, len: usize, batch: u64, count: u64) {
    let from = vec![1_u8; len];
    for number in 1..=count {
        let mut message = producer.reserve(len).expect("the other lives");
        message.copy_from_slice(black_box(&from));
        let producer = message.stage();
        if number % batch == 0 {
            producer.publish();
        }
    }
}
