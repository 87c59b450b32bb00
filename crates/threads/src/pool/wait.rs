//! Waiting for several futures at once, until the first or the last of them.

use std::time::{Duration, Instant};

use super::{Ending, Future, inbox::Inbox};

/// How long [`wait`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until one has ended (`FIRST_COMPLETED`).
    FirstCompleted,
    /// Until one has failed, or all have ended (`FIRST_EXCEPTION`). A cancelled task has not failed; nor has one
    /// that returns an `Err`, which is a value like any other here.
    FirstException,
    /// Until all have ended (`ALL_COMPLETED`).
    AllCompleted,
}

/// What [`wait`] found: indices into the slice it was given, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// Those that have ended.
    pub done: Vec<usize>,
    /// Those that have not.
    pub not_done: Vec<usize>,
}

/// Waits for `futures`, `until` as many as wanted have ended, or `limit` is over (`concurrent.futures.wait`).
///
/// The futures keep their results. That the time was over shows in `not_done`, as in Python.
pub fn wait<T>(futures: &[Future<T>], limit: Option<Duration>, until: Until) -> Waited {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let inbox = Inbox::new();
    let tickets: Vec<u64> =
        futures.iter().enumerate().map(|(index, future)| Inbox::follow(&inbox, index, future)).collect();
    let ended = inbox.wait_until(deadline, |ended| {
        ended.len() == futures.len()
            || match until {
                Until::FirstCompleted => !ended.is_empty(),
                Until::FirstException => ended.iter().any(|(_, ending)| *ending == Ending::Failed),
                Until::AllCompleted => false,
            }
    });
    let mut done: Vec<usize> = ended.iter().map(|(index, _)| *index).collect();
    drop(ended);
    done.sort_unstable();
    // Else a caller who asks a slow future a thousand times leaves a thousand callbacks with it.
    for (future, ticket) in futures.iter().zip(tickets) {
        future.slot().forget(ticket);
    }
    let not_done = (0..futures.len()).filter(|index| done.binary_search(index).is_err()).collect();
    Waited { done, not_done }
}
