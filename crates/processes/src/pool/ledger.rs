//! Every piece has one owner at every moment: the queue, one worker's order, or whoever gets its answer.
//!
//! This is bookkeeping alone, without processes, pipes or clocks, so that any course of events can be tried: it takes
//! events (handed, answered, died) and moves pieces. Moves, in Rust's sense: a piece is a value that is in one place,
//! so it cannot be lost or answered twice without somebody writing `clone`.
//!
//! A worker that dies takes nothing with it:
//! - orders behind the first it had not begun: they go back to the front of the queue, unblamed;
//! - of the first, any piece may be what killed it. If there is one, it is blamed: after as many deaths as there are
//!   `tries` it is **poison**, and goes out of the game. If there are several, they become suspects, which are handed
//!   out one by one: then the next death tells.

use std::collections::{BTreeMap, VecDeque};

/// Where all pieces are.
#[derive(Debug)]
pub struct Ledger<T> {
    tries: usize,
    next_order: u64,
    waiting: VecDeque<Piece<T>>,
    suspects: VecDeque<Piece<T>>,
    owed: BTreeMap<u64, VecDeque<Order<T>>>,
}

#[derive(Debug)]
struct Piece<T> {
    what: T,
    /// How the workers ended that did this piece and no other.
    deaths: Vec<String>,
}

#[derive(Debug)]
struct Order<T> {
    number: u64,
    /// Of one suspect.
    alone: bool,
    pieces: VecDeque<Piece<T>>,
}

/// A piece that killed as many workers as there were tries.
#[derive(Debug, PartialEq, Eq)]
pub struct Poison<T> {
    /// The piece.
    pub what: T,
    /// How each of the workers ended.
    pub deaths: Vec<String>,
}

/// An answer that nobody has asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} answers to order {order}, where {due}")]
pub struct Unexpected {
    order: u64,
    given: usize,
    due: String,
}

impl<T> Ledger<T> {
    /// An empty one, in which a piece may kill `tries` workers (1 or more) before it is given up.
    pub fn new(tries: usize) -> Self {
        Self {
            tries: tries.max(1),
            next_order: 0,
            waiting: VecDeque::new(),
            suspects: VecDeque::new(),
            owed: BTreeMap::new(),
        }
    }

    /// A new piece, behind all others.
    pub fn add(&mut self, what: T) {
        self.waiting.push_back(Piece { what, deaths: Vec::new() });
    }

    /// How many pieces no worker has.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.suspects.len()
    }

    /// How many orders `worker` has been handed and not finished.
    pub fn orders(&self, worker: u64) -> usize {
        self.owed.get(&worker).map_or(0, VecDeque::len)
    }

    /// Whether no piece is left, neither here nor with a worker.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.owed.values().all(VecDeque::is_empty)
    }

    /// Hands the next pieces to `worker`, `most` at most; a suspect comes alone. Each is shown to `take`, and the first
    /// for which that says `false` is the last. Returns the number of the order; `None` if nothing waits.
    pub fn hand(&mut self, worker: u64, most: usize, mut take: impl FnMut(&T) -> bool) -> Option<u64> {
        let mut pieces = VecDeque::new();
        let alone = self.suspects.pop_front();
        let is_alone = alone.is_some();
        if let Some(suspect) = alone {
            take(&suspect.what);
            pieces.push_back(suspect);
        } else {
            while pieces.len() < most
                && let Some(piece) = self.waiting.pop_front()
            {
                let more = take(&piece.what);
                pieces.push_back(piece);
                if !more {
                    break;
                }
            }
        }
        if pieces.is_empty() {
            return None;
        }
        let number = self.next_order;
        self.next_order += 1;
        self.owed.entry(worker).or_default().push_back(Order { number, alone: is_alone, pieces });
        Some(number)
    }

    /// `worker` has answered the next `count` pieces of `order`, which must be the first it owes.
    ///
    /// # Errors
    /// [`Unexpected`], and nothing has moved.
    pub fn answered(&mut self, worker: u64, order: u64, count: usize) -> Result<Vec<T>, Unexpected> {
        let orders = self.owed.get_mut(&worker);
        let first = orders.and_then(|orders| Some((orders.front()?.number, orders)));
        let Some((_, orders)) = first.filter(|(number, _)| *number == order) else {
            return Err(Unexpected { order, given: count, due: "it was not the next".to_owned() });
        };
        let owed = orders[0].pieces.len();
        if count == 0 || count > owed {
            return Err(Unexpected { order, given: count, due: format!("{owed} were owed") });
        }
        let done = orders[0].pieces.drain(..count).map(|piece| piece.what).collect();
        if count == owed {
            orders.pop_front();
        }
        Ok(done)
    }

    /// `worker` is gone, and this is how. What it had is to be done again; returned is what is not, since it was tried
    /// often enough.
    pub fn died(&mut self, worker: u64, how: &str) -> Vec<Poison<T>> {
        let mut orders = self.owed.remove(&worker).unwrap_or_default();
        let mut first = orders.pop_front().map_or_else(VecDeque::new, |order| order.pieces);
        for order in orders.into_iter().rev() {
            let back = if order.alone { &mut self.suspects } else { &mut self.waiting };
            for piece in order.pieces.into_iter().rev() {
                back.push_front(piece);
            }
        }
        if first.len() == 1 {
            first[0].deaths.push(how.to_owned());
        }
        let (given_up, again): (VecDeque<_>, VecDeque<_>) =
            first.into_iter().partition(|piece| piece.deaths.len() >= self.tries);
        self.suspects.extend(again);
        given_up.into_iter().map(|Piece { what, deaths }| Poison { what, deaths }).collect()
    }

    /// Takes out what waits and is not wanted any more. What a worker has stays with it.
    pub fn cancel(&mut self, unwanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        for queue in [&mut self.waiting, &mut self.suspects] {
            let (gone, kept): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(queue).into_iter().partition(|piece| unwanted(&piece.what));
            *queue = kept;
            out.extend(gone.into_iter().map(|piece| piece.what));
        }
        out
    }

    /// Takes out everything, from the workers too: it is the end.
    pub fn abandon(&mut self) -> Vec<T> {
        let mut out = self.cancel(|_| true);
        let owed = std::mem::take(&mut self.owed);
        out.extend(owed.into_values().flatten().flat_map(|order| order.pieces).map(|piece| piece.what));
        out
    }
}
