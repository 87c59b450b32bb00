//! 64 bytes one way, again and again.

use std::hint::black_box;

use iceoryx2::port::update_connections::UpdateConnections;

use super::*;

/// Messages that may wait: as fast as with any length that was tried, from 16 to 8192.
const WAITING: usize = 1024;

fn one_way(place: &Place) -> Outcome<Messages> {
    place.messages("stream", WAITING, false)
}

/// Seconds for `count` messages, each copied out.
pub(super) fn receive(
    place: &Place,
    start: impl FnOnce() -> Outcome<Other>,
    warm: u64,
    count: u64,
) -> Outcome<f64> {
    let inbox = one_way(place)?.subscriber_builder().create()?;
    let mut other = start()?;
    // Else what is sent before there is room for it has no receiver, and is lost.
    inbox.update_connections()?;
    other.go()?;
    let mut into = [0; LEN];
    let mut take = |messages| -> Outcome {
        for _ in 0..messages {
            into.copy_from_slice(&next(&inbox, || other.lives())?);
            black_box(&mut into);
        }
        Ok(())
    };
    take(warm)?;
    let seconds = timed(|| take(count))?;
    other.end()?;
    Ok(seconds)
}

/// Sends; waits where there is no room.
pub(super) fn send(place: &Place, count: u64) -> Outcome {
    let outbox = one_way(place)?
        .publisher_builder()
        .initial_max_slice_len(LEN)
        .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
        .create()?;
    ready()?;
    let from = [1; LEN];
    for _ in 0..count {
        outbox.loan_slice_uninit(LEN)?.write_from_slice(black_box(&from)).send()?;
    }
    Ok(())
}
