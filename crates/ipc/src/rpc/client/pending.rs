//! A call that is on its way: what comes of it can be waited for until its deadline, looked for, or given up.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::Instant,
};

use super::{Answer, Client};
use crate::rpc::{CallError, Lost};

/// A call that was sent. To drop it is to cancel it: the server is told, and its reply is thrown away.
#[derive(Debug)]
#[must_use = "to drop it is to cancel the call"]
pub struct Pending<'a> {
    pub(super) client: &'a Client,
    pub(super) id: u64,
    pub(super) deadline: Option<Instant>,
    pub(super) answer: Receiver<Answer>,
    /// Nothing is left to cancel.
    pub(super) over: bool,
}

impl Pending<'_> {
    /// Waits for what comes of it, until its deadline.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn wait(mut self) -> Answer {
        self.over = true;
        let waited = match self.deadline {
            Some(at) => self.answer.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => self.answer.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match waited {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
            Err(RecvTimeoutError::Timeout) => {
                // From here on a reply finds nobody. One that came in between was still in time. The server is not told:
                // it was told the deadline.
                self.client.shared.lock().outstanding.remove(&self.id);
                self.answer.try_recv().unwrap_or(Err(CallError::Late))
            }
        }
    }

    /// What came of it, if something has; once. (That it is late is told by [`wait`](Self::wait).)
    pub fn poll(&mut self) -> Option<Answer> {
        if self.over {
            return None;
        }
        let answer = match self.answer.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(self.gone()),
        };
        self.over = true;
        Some(answer)
    }

    /// Nobody wants it any more. It may have been done all the same.
    pub fn cancel(self) {}

    fn gone(&self) -> CallError {
        let lost = self.client.shared.lock().lost.clone();
        CallError::Gone(lost.unwrap_or_else(|| Arc::new(Lost::Closed)))
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.client.cancel(self.id);
        }
    }
}
