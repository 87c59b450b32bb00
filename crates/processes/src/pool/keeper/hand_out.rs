//! Which worker gets which pieces next, and how many at once.

use std::{
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use super::{
    super::{
        Sendable,
        rules::Chunk,
        words::{LONG, append},
    },
    Keeper,
};
use crate::frame;

/// So many orders at most are with a worker at once: tiny ones, so that it need not wait for the next.
const DEEP: u128 = 16;

/// Orders that are with a worker should take it about so long.
const QUEUED: Duration = Duration::from_micros(500);

impl<I: Sendable, O: Sendable> Keeper<I, O> {
    /// One order to each, then a second one, and so on, as long as that makes sense.
    pub(super) fn hand_out(&mut self) {
        let mut handed = true;
        while handed {
            handed = false;
            for at in 0..self.staff.there.len() {
                let waiting = self.ledger.waiting();
                let hired = &mut self.staff.there[at];
                if waiting == 0 || hired.left == 0 || !hired.listener.is_ready() {
                    continue;
                }
                let orders = self.ledger.orders(hired.id);
                // Near the end one is enough: a piece in the queue of one is a piece that another, idle, could do.
                let deep = QUEUED.as_nanos() / hired.took.as_nanos().max(1);
                let deep = if waiting > 2 * self.rules.workers { deep.clamp(2, DEEP) as usize } else { 1 };
                if orders >= deep {
                    continue;
                }
                let most = match self.rules.chunk {
                    Chunk::Given(pieces) => pieces,
                    Chunk::Measured => hired.wish.min(waiting / (4 * self.rules.workers)).max(1),
                };
                let (mut body, mut count) = (Vec::new(), 0);
                let number = self.ledger.hand(hired.id, most.min(hired.left), |piece| {
                    write_input(&piece.input, &mut body);
                    count += 1;
                    body.len() < LONG
                });
                let Some(number) = number else { continue };
                if orders == 0 {
                    hired.since = Instant::now();
                }
                hired.left -= count;
                handed = true;
                let mut payload = Vec::with_capacity(body.len() + 16);
                let framed = append(&(number, count), &mut payload).and_then(|()| {
                    payload.append(&mut body);
                    frame::of_payload(&payload)
                });
                match framed {
                    Ok(frame) => hired.member.queue(&frame),
                    // Not reached: one input leaves room in a frame, see `append`. The worker is lost, the piece not.
                    Err(_) => hired.member.kill(),
                }
            }
        }
        for hired in &mut self.staff.there {
            // A pipe that cannot be written to is that of a worker that is ending, and its end will be seen.
            if hired.member.flush().is_err() {
                hired.member.kill();
            }
        }
    }
}

/// An input, or in its place why it cannot be sent.
fn write_input<I: Sendable>(input: &I, body: &mut Vec<u8>) {
    let before = body.len();
    // A `Serialize` that panics must not end the pool. Unwind safety: what it has written is taken back.
    let written = panic::catch_unwind(AssertUnwindSafe(|| append(&Ok::<_, String>(input), body)));
    let why = match written {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "makes encoding panic".to_owned(),
    };
    body.truncate(before);
    // A text of this length always has room.
    let _ = append(&Err::<I, _>(why), body);
}
