//! The worker's loop of a pool: reads an order, does its pieces, answers; until the pool closes the pipe.

use std::{
    backtrace::Backtrace,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use signal_hook::consts::SIGINT;
use workload::panic_message;

use super::{
    task::{Run, Sendable, Task, TaskError},
    words::{AnswersHead, Input, LONG, OrderHead, Ready, Terms, Told, append},
};
use crate::{
    frame::{self, FrameError},
    worker::{Duty, Point, Serve},
};

thread_local! {
    /// Where the last panic of this thread was, and its stack: only the panic hook sees it.
    static STACK: RefCell<String> = const { RefCell::new(String::new()) };
}

impl<I: Sendable, O: Sendable, A: Sendable, S: 'static> Serve for Task<I, O, A, S> {
    fn serve(&self, mut duty: Duty) -> Result<(), FrameError> {
        let terms: Terms<A> = match duty.receive()? {
            Some(payload) => frame::decode(payload)?,
            None => return Ok(()),
        };
        // Ctrl-C goes to all processes of a terminal; whether to end is the caller's choice. A handler and not
        // "ignore", which programs that are started from here would inherit. If it fails, Ctrl-C ends this worker.
        let _ = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)));
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map_or_else(String::new, |place| format!("at {place}\n"));
            STACK.set(format!("{place}{}", Backtrace::force_capture()));
        }));
        let (mut state, ready): (_, Ready) = match guarded(|| (self.start)(terms.argument)) {
            Ok(state) => (Some(state), Ok(())),
            Err(told) => (None, Err(told)),
        };
        duty.write(&frame::encode(&ready)?)?;
        let Some(state) = &mut state else { return Ok(()) };
        let flush = Duration::from_nanos(terms.flush);
        let mut answers = Answers { order: 0, count: 0, body: Vec::new(), began: Instant::now() };
        loop {
            duty.at(Point::BeforeRead);
            let Some(payload) = duty.receive()? else { return Ok(()) };
            // Out of the inbox, which the loop below needs again.
            let order = payload.to_vec();
            duty.at(Point::AfterRead);
            let ((number, count), mut rest): (OrderHead, _) =
                postcard::take_from_bytes(&order).map_err(FrameError::Decode)?;
            answers.order = number;
            answers.began = Instant::now();
            for _ in 0..count {
                duty.at(Point::MidWork);
                let outcome = match postcard::take_from_bytes::<Input<I>>(rest) {
                    Ok((input, behind)) => {
                        rest = behind;
                        input.map_err(Told::Input).and_then(|input| {
                            guarded(|| match self.run {
                                Run::Alone(run) => run(input),
                                Run::With(run) => run(state, input),
                            })
                        })
                    }
                    // All behind it are unreadable too: where they begin is not known.
                    Err(error) => Err(Told::Input(format!("cannot be decoded: {error}"))),
                };
                answers.add(outcome);
                if answers.body.len() >= LONG || answers.began.elapsed() >= flush {
                    answers.send(&mut duty)?;
                }
            }
            if answers.count > 0 {
                answers.send(&mut duty)?;
            }
        }
    }
}

/// Outcomes that have not been sent.
struct Answers {
    order: u64,
    count: usize,
    body: Vec<u8>,
    began: Instant,
}

impl Answers {
    fn add<O: Sendable>(&mut self, outcome: Result<O, Told>) {
        let before = self.body.len();
        // Also a `Serialize` that panics is this piece's own error.
        let written = guarded(|| append(&outcome, &mut self.body).map_err(TaskError::from));
        if let Err(told) = written {
            self.body.truncate(before);
            let why = match told {
                Told::Panic { message, .. } => format!("makes encoding panic: {message}"),
                Told::Error { message, .. } | Told::Input(message) | Told::Output(message) => message,
            };
            // A text of this length always has room.
            let _ = append(&Err::<O, _>(Told::Output(why.chars().take(1000).collect())), &mut self.body);
        }
        self.count += 1;
    }

    fn send(&mut self, duty: &mut Duty) -> Result<(), FrameError> {
        let nanoseconds = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let head: AnswersHead = (self.order, nanoseconds, self.count);
        let mut payload = Vec::with_capacity(self.body.len() + 32);
        append(&head, &mut payload)?;
        payload.append(&mut self.body);
        duty.send(&frame::of_payload(&payload)?)?;
        self.count = 0;
        self.began = Instant::now();
        Ok(())
    }
}

/// Runs what is not ours, and turns its error or panic into words.
fn guarded<T>(run: impl FnOnce() -> Result<T, TaskError>) -> Result<T, Told> {
    // Unwind safety: a state that a panic has left half-changed is the task's own affair, as documented.
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(TaskError { message, backtrace })) => Err(Told::Error { message, backtrace }),
        Err(payload) => Err(Told::Panic { message: panic_message(&*payload), backtrace: STACK.take() }),
    }
}
