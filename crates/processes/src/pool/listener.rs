//! What a worker says is judged before it is believed: whatever bytes come, in whatever cuts, there is a message of
//! the kind that is due, or an error that ends this worker. Never a panic, never memory for a mere promise.

use std::{
    marker::PhantomData,
    panic::{self, AssertUnwindSafe},
};

use serde::de::DeserializeOwned;

use super::words::{Answers, Ready, Told};
use crate::{
    frame::{self, FrameError, Inbox},
    message::{self, Welcome},
};

/// Where the conversation with one worker stands.
#[derive(Debug)]
pub struct Listener<O> {
    nonce: u64,
    due: Due,
    output: PhantomData<fn() -> O>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Its first word: that it is ours, and knows the job.
    Welcome,
    /// That its start has succeeded.
    Ready,
    /// Answers, for ever.
    Answers,
}

/// A message of a worker.
#[derive(Debug)]
pub enum Said<O> {
    /// It can have orders now.
    Ready,
    /// Some pieces are done. Whether it was asked for these is the ledger's to know.
    Answers(Answers<O>),
}

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It does not know the task.
    #[error("{0}")]
    Refused(String),
    /// The task's start failed.
    #[error("the task's start failed: {0}")]
    Start(String),
    /// It does not keep to the protocol.
    #[error("does not keep to the protocol: {0}")]
    Protocol(String),
}

impl<O: DeserializeOwned> Listener<O> {
    /// For a worker that was given `nonce`.
    pub fn new(nonce: u64) -> Self {
        Self { nonce, due: Due::Welcome, output: PhantomData }
    }

    /// Whether the worker has said that it is ready.
    pub fn is_ready(&self) -> bool {
        self.due == Due::Answers
    }

    /// The next message in `inbox`, if it is whole.
    ///
    /// # Errors
    /// [`Broken`]: this worker is not to be listened to any more.
    pub fn next(&mut self, inbox: &mut Inbox) -> Result<Option<Said<O>>, Broken> {
        while let Some(payload) = inbox.next_frame().map_err(protocol)? {
            match self.due {
                Due::Welcome => {
                    let welcome = message::opened::<Welcome>(payload)
                        .map_err(|error| Broken::Protocol(error.to_string()))?;
                    if welcome.nonce != self.nonce {
                        return Err(Broken::Protocol(message::OpeningError::Nonce.to_string()));
                    }
                    if let Some(why) = welcome.refused {
                        return Err(Broken::Refused(why));
                    }
                    self.due = Due::Ready;
                }
                Due::Ready => {
                    frame::decode::<Ready>(payload).map_err(protocol)?.map_err(|told| {
                        Broken::Start(match told {
                            Told::Error { message, .. } => message,
                            Told::Panic { message, .. } => format!("panic: {message}"),
                            Told::Input(why) | Told::Output(why) => why,
                        })
                    })?;
                    self.due = Due::Answers;
                    return Ok(Some(Said::Ready));
                }
                Due::Answers => {
                    // `O`'s own Deserialize may panic at what it does not expect. Unwind safety: nothing of it is kept.
                    let answers = panic::catch_unwind(AssertUnwindSafe(|| frame::decode(payload)));
                    let answers =
                        answers.map_err(|_| Broken::Protocol("its answer makes decoding panic".into()))?;
                    return Ok(Some(Said::Answers(answers.map_err(protocol)?)));
                }
            }
        }
        Ok(None)
    }
}

fn protocol(error: FrameError) -> Broken {
    Broken::Protocol(format!("its message {error}"))
}
