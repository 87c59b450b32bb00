//! What workers say, and what becomes of the pieces of one that says nothing any more.

use std::time::{Duration, Instant};

use super::{
    super::{
        Sendable,
        failed::Why,
        listener::{Broken, Said},
        report::Counts,
        words::{Answers, Told},
    },
    Keeper,
};
use crate::mechanisms::process_dynamic;

impl<I: Sendable, O: Sendable> Keeper<I, O> {
    /// Takes what workers have said.
    pub(super) fn hear(&mut self) {
        for at in (0..self.staff.there.len()).rev() {
            let broken = loop {
                let hired = &mut self.staff.there[at];
                match hired.listener.next(&mut hired.member.inbox) {
                    Ok(Some(Said::Ready)) => {
                        self.stillborn = 0;
                        hired.since = Instant::now();
                    }
                    Ok(Some(Said::Answers(answers))) => {
                        if let Err(error) = self.take_answers(at, answers) {
                            break Some(Broken::Protocol(error));
                        }
                    }
                    Ok(None) => break None,
                    Err(broken) => break Some(broken),
                }
            };
            match broken {
                Some(Broken::Protocol(why)) => {
                    self.lose(at, Some(format!("does not keep to the protocol: {why}")))
                }
                // It would be the same with the next one.
                Some(why @ (Broken::Refused(_) | Broken::Start(_))) => {
                    return self.break_down(why.to_string());
                }
                None if self.staff.there[at].member.ended => self.lose(at, None),
                None => {}
            }
            if self.broken.is_some() {
                return;
            }
        }
    }

    fn take_answers(&mut self, at: usize, answers: Answers<O>) -> Result<(), String> {
        let hired = &mut self.staff.there[at];
        let Answers { order, nanoseconds, outcomes } = answers;
        let count = outcomes.len();
        let pieces = self.ledger.answered(hired.id, order, count).map_err(|error| error.to_string())?;
        hired.since = Instant::now();
        hired.took = Duration::from_nanos(nanoseconds);
        hired.wish = process_dynamic::next_count(count, hired.took, Duration::ZERO);
        for (piece, outcome) in pieces.into_iter().zip(outcomes) {
            self.answer(piece, outcome.map_err(why));
        }
        Ok(())
    }

    /// Ends those that have been at one piece, or at their start, for too long.
    pub(super) fn end_late(&mut self) {
        for at in (0..self.staff.there.len()).rev() {
            let Some(hired) = self.staff.there.get(at) else { continue };
            let silent = hired.since.elapsed();
            if !hired.listener.is_ready() {
                let patience = self.rules.program.how_patient();
                if silent >= patience {
                    let hint = "is `processes::worker::enter` the first line of its main?";
                    self.lose(at, Some(format!("not ready within {patience:?} of its start: {hint}")));
                }
            } else if let Some(limit) = self.rules.silence
                && silent >= limit
                && self.ledger.orders(hired.id) > 0
            {
                Counts::add(&self.desk.counts.late, 1);
                self.lose(at, Some(format!("did not answer within {limit:?} and was killed")));
            }
        }
    }

    /// A worker is gone, or must go: its pieces go back, and those that were tried often enough are given up.
    fn lose(&mut self, at: usize, why: Option<String>) {
        let (hired, how) = self.staff.bury(at, &self.desk);
        let how = why.map_or(how, |why| format!("process {} {why}", hired.member.pid()));
        for poison in self.ledger.died(hired.id, &how) {
            self.answer(poison.what, Err(Why::Poison { deaths: poison.deaths }));
        }
        if !hired.listener.is_ready() {
            self.stillborn(format!("{how}, before it was ready: is its main's first line `worker::enter`?"));
        }
    }
}

fn why(told: Told) -> Why {
    match told {
        Told::Error { message, backtrace } => Why::Error { message, backtrace },
        Told::Panic { message, backtrace } => Why::Panicked { message, backtrace },
        Told::Input(why) => Why::Input(why),
        Told::Output(why) => Why::Output(why),
    }
}
