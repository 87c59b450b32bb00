//! 64 bytes there and back.

use super::*;

/// Of a question only the next one may wait: the queue has one place, as in iceoryx2's own benchmark.
fn both_ways(place: &Place) -> Outcome<[Messages; 2]> {
    Ok([place.messages("there", 1, true)?, place.messages("back", 1, true)?])
}

/// Seconds for `count` questions and their answers.
pub(super) fn ask(
    place: &Place,
    start: impl FnOnce() -> Outcome<Other>,
    warm: u64,
    count: u64,
) -> Outcome<f64> {
    let [there, back] = both_ways(place)?;
    let outbox = there.publisher_builder().initial_max_slice_len(LEN).create()?;
    let inbox = back.subscriber_builder().create()?;
    let mut other = start()?;
    other.go()?;
    let mut run = |trips| -> Outcome {
        let mut question = outbox.loan_slice_uninit(LEN)?;
        for trip in 0..trips {
            question.write_from_slice(&[trip as u8; LEN]).send()?;
            question = outbox.loan_slice_uninit(LEN)?;
            let answer = next(&inbox, || other.lives())?;
            assert_eq!(answer[LEN - 1], trip as u8);
        }
        Ok(())
    };
    run(warm)?;
    let seconds = timed(|| run(count))?;
    other.end()?;
    Ok(seconds)
}

/// Sends back what comes.
pub(super) fn answer(place: &Place, count: u64) -> Outcome {
    let [there, back] = both_ways(place)?;
    let outbox = back.publisher_builder().initial_max_slice_len(LEN).create()?;
    let inbox = there.subscriber_builder().create()?;
    ready()?;
    for _ in 0..count {
        let answer = outbox.loan_slice_uninit(LEN)?;
        let question = next(&inbox, || true)?;
        answer.write_from_slice(&question).send()?;
    }
    Ok(())
}
