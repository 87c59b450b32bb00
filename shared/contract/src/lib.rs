//! What is asked of every mechanism that works in other processes: the sequential answer, and each piece done once.
//!
//! For tests only. [`same_as_sequential`] asks it of one workload; [`Numbers`] is a workload whose pieces misbehave as a
//! test wants.

mod numbers;
mod usual;

use std::process;

use workload::{Exchange, Mechanism, Timeline, Workers, Workload, sequential};

pub use numbers::{Numbers, Special};
pub use usual::Usual;

/// Runs `work` by each of `mechanisms` with each number of `workers`.
///
/// # Panics
/// When an answer is not the sequential one, or a piece was not done exactly once and in another process.
pub fn same_as_sequential<W: Workload>(work: &W, mechanisms: &[Mechanism<W>], workers: &[usize]) {
    let expected = sequential(work, &Timeline::off()).expect("a sequential answer");
    for mechanism in mechanisms {
        for &count in workers {
            let timeline = Timeline::on();
            let workers = Workers::new(count).expect("a number of workers");
            let answer = (mechanism.run)(work, workers, &timeline);
            let same = answer.as_ref().is_ok_and(|answer| *answer == expected);
            assert!(same, "{} with {count} workers: {:?}", mechanism.name, answer.err());
            each_piece_once(&timeline, work.pieces().expect("pieces").len(), count);
        }
    }
}

/// Whether `pieces` pieces were done, each once, by `workers` workers that are not this process.
///
/// Where orders went out as messages ([`Timeline::exchanges`]): whether each piece was in one of them, and was done
/// between that order and its answer, by whoever was asked.
///
/// # Panics
/// When it was not so.
pub fn each_piece_once(timeline: &Timeline, pieces: usize, workers: usize) {
    let spans = timeline.spans();
    let mut done: Vec<usize> = spans.iter().map(|span| span.piece).collect();
    done.sort_unstable();
    assert_eq!(done, (0..pieces).collect::<Vec<_>>());
    let exchanges = timeline.exchanges();
    let mut asked: Vec<usize> = exchanges.iter().flat_map(|exchange| exchange.pieces.clone()).collect();
    asked.sort_unstable();
    assert!(asked.is_empty() || asked == done, "orders of {asked:?}");
    for Exchange { worker, pieces, send, receive } in exchanges {
        assert!(send.start <= send.end && receive.start <= receive.end);
        for span in spans.iter().filter(|span| pieces.contains(&span.piece)) {
            let between = send.start <= span.start && span.end <= receive.start;
            assert!(between && span.worker == worker, "{span:?} of {worker}, {send:?} to {receive:?}");
        }
    }
    for span in spans {
        let elsewhere = span.pid != process::id() && span.pid != 0;
        assert!(span.worker < workers && elsewhere && span.start <= span.end, "{span:?}");
    }
}
