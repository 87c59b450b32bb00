//! Whatever the course of events, every piece is answered or given up exactly once, and only poison is given up.
//!
//! The books are kept without processes, so that hundreds of thousands of events can be tried, in orders that real
//! workers show once a year. The worker that this test plays is honest or not, as the events say.

use std::collections::{BTreeMap, BTreeSet};

use processes::pool::ledger::Ledger;
use proptest::{prelude::*, sample::Index};

#[derive(Clone, Debug)]
enum Event {
    /// So many new pieces.
    Add(u8),
    /// So many pieces at most for this worker; the next may be refused from this one on.
    Hand(u8, u8, Option<u8>),
    /// The worker answers so many of the first order it owes.
    Answer(u8, Index),
    /// The worker answers what it was not asked: another order, none, or too many.
    Lie(u8, u64, u8),
    Die(u8),
    /// Waiting pieces with this remainder by three are not wanted any more.
    Cancel(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let worker = 0..4_u8;
    prop_oneof![
        2 => (1..20_u8).prop_map(Event::Add),
        4 => (worker.clone(), 1..9_u8, any::<Option<u8>>()).prop_map(|(worker, most, last)| Event::Hand(worker, most, last)),
        4 => (worker.clone(), any::<Index>()).prop_map(|(worker, count)| Event::Answer(worker, count)),
        1 => (worker.clone(), any::<u64>(), any::<u8>()).prop_map(|(worker, order, count)| Event::Lie(worker, order, count)),
        2 => worker.prop_map(Event::Die),
        1 => (0..3_u8).prop_map(Event::Cancel),
    ]
}

const TRIES: usize = 3;

/// What the test knows by itself.
#[derive(Default)]
struct Known {
    /// Pieces that were added; and what became of each.
    added: u64,
    gone: BTreeMap<u64, &'static str>,
    /// What each worker has, in order.
    owed: BTreeMap<u64, Vec<(u64, Vec<u64>)>>,
    numbers: BTreeSet<u64>,
    /// How often a piece was alone at a death.
    blamed: BTreeMap<u64, usize>,
}

impl Known {
    fn goes(&mut self, piece: u64, how: &'static str) {
        let before = self.gone.insert(piece, how);
        assert_eq!(before, None, "piece {piece} is {how}, after it was {before:?}");
    }

    fn hand(&mut self, ledger: &mut Ledger<u64>, worker: u64, most: usize, last: Option<u8>) {
        let mut pieces = Vec::new();
        let number = ledger.hand(worker, most, |piece| {
            pieces.push(*piece);
            last.is_none_or(|last| piece % 7 != u64::from(last) % 7)
        });
        assert_eq!(number.is_some(), !pieces.is_empty());
        assert!(pieces.len() <= most.max(1));
        let refused = |piece: &u64| last.is_some_and(|last| piece % 7 == u64::from(last) % 7);
        let before_the_last = pieces.split_last().map_or(&[][..], |(_, before)| before);
        assert!(!before_the_last.iter().any(refused), "one that is refused is the last of its order");
        for (_, others) in self.owed.values().flatten() {
            assert!(pieces.iter().all(|piece| !others.contains(piece)), "a piece with two owners");
        }
        if let Some(number) = number {
            assert!(self.numbers.insert(number), "two orders with one number");
            self.owed.entry(worker).or_default().push((number, pieces));
        }
    }

    fn answer(&mut self, ledger: &mut Ledger<u64>, worker: u64, count: usize) {
        let Some((number, pieces)) = self.owed.get_mut(&worker).and_then(|owed| owed.first_mut()) else {
            return;
        };
        let count = 1 + count % pieces.len();
        let done: Vec<u64> = pieces.drain(..count).collect();
        let number = *number;
        if pieces.is_empty() {
            self.owed.entry(worker).or_default().remove(0);
        }
        assert_eq!(ledger.answered(worker, number, count).unwrap(), done);
        for piece in done {
            self.goes(piece, "answered");
        }
    }

    fn die(&mut self, ledger: &mut Ledger<u64>, worker: u64) {
        let owed = self.owed.remove(&worker).unwrap_or_default();
        if let Some((_, pieces)) = owed.first()
            && let [alone] = pieces[..]
        {
            *self.blamed.entry(alone).or_default() += 1;
        }
        for poison in ledger.died(worker, "died") {
            assert_eq!(self.blamed.get(&poison.what), Some(&TRIES), "given up too early or too late");
            assert_eq!(poison.deaths, vec!["died"; TRIES]);
            self.goes(poison.what, "poison");
        }
    }
}

fn follow(events: &[Event]) {
    let (mut ledger, mut known) = (Ledger::new(TRIES), Known::default());
    for event in events {
        match *event {
            Event::Add(count) => {
                for _ in 0..count {
                    ledger.add(known.added);
                    known.added += 1;
                }
            }
            Event::Hand(worker, most, last) => known.hand(&mut ledger, worker.into(), most.into(), last),
            Event::Answer(worker, count) => known.answer(&mut ledger, worker.into(), count.index(1000)),
            Event::Lie(worker, order, count) => {
                let worker = u64::from(worker);
                let first = known.owed.get(&worker).and_then(|owed| owed.first());
                // About the right order, but more than it has, or nothing; or about another.
                let (order, count) = match first {
                    Some((number, pieces)) if order % 3 == 0 => {
                        (*number, pieces.len() + 1 + usize::from(count))
                    }
                    Some((number, _)) if order % 3 == 1 || *number == order => (*number, 0),
                    _ => (order, count.into()),
                };
                let waiting = ledger.waiting();
                assert!(ledger.answered(worker, order, count).is_err());
                assert_eq!(ledger.waiting(), waiting);
            }
            Event::Die(worker) => known.die(&mut ledger, worker.into()),
            Event::Cancel(rest) => {
                for piece in ledger.cancel(|piece| piece % 3 == u64::from(rest)) {
                    known.goes(piece, "cancelled");
                }
            }
        }
        let with_workers: usize = known.owed.values().flatten().map(|(_, pieces)| pieces.len()).sum();
        assert_eq!(
            ledger.waiting() + with_workers + known.gone.len(),
            known.added as usize,
            "a piece is lost"
        );
        for worker in 0..4 {
            assert_eq!(ledger.orders(worker), known.owed.get(&worker).map_or(0, Vec::len));
        }
        assert_eq!(ledger.is_empty(), known.gone.len() == known.added as usize);
    }
    // One honest worker at the end does all that is left.
    for worker in 0..4 {
        known.die(&mut ledger, worker);
    }
    while ledger.waiting() > 0 {
        known.hand(&mut ledger, 9, 5, None);
        known.answer(&mut ledger, 9, 4);
        while ledger.orders(9) > 0 {
            known.answer(&mut ledger, 9, 0);
        }
    }
    assert!(ledger.is_empty());
    assert_eq!(known.gone.keys().copied().collect::<Vec<_>>(), (0..known.added).collect::<Vec<_>>());
    for (piece, how) in &known.gone {
        let blamed = known.blamed.get(piece).copied().unwrap_or(0);
        assert_eq!(*how == "poison", blamed == TRIES, "piece {piece}, blamed {blamed} times, is {how}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_piece_is_answered_or_given_up_exactly_once(events in prop::collection::vec(event(), 0..60)) {
        follow(&events);
    }
}

/// The piece that kills every worker is found among the others, whatever order it came in.
#[test]
fn poison_is_found_in_a_chunk() {
    let mut ledger = Ledger::new(2);
    (0..100).for_each(|piece| ledger.add(piece));
    let (mut done, mut worker, mut poison) = (Vec::new(), 0, Vec::new());
    while !ledger.is_empty() {
        let mut pieces = Vec::new();
        let number = ledger.hand(worker, 8, |piece: &u32| {
            pieces.push(*piece);
            true
        });
        if pieces.contains(&42) {
            poison.extend(ledger.died(worker, "killed"));
            worker += 1;
        } else {
            done.extend(ledger.answered(worker, number.unwrap(), pieces.len()).unwrap());
        }
    }
    assert_eq!(poison.iter().map(|poison| poison.what).collect::<Vec<_>>(), [42]);
    assert_eq!((done.len(), worker), (99, 3));
}

/// What a worker had not begun is handed again as it was: at its old place, and a suspect alone.
#[test]
fn what_was_not_begun_goes_back_as_it_was() {
    fn hand(ledger: &mut Ledger<u32>, worker: u64) -> Vec<u32> {
        let mut pieces = Vec::new();
        ledger.hand(worker, 2, |piece| {
            pieces.push(*piece);
            true
        });
        pieces
    }
    let mut ledger = Ledger::new(9);
    (0..8).for_each(|piece| ledger.add(piece));
    let first: Vec<Vec<u32>> = (0..3).map(|_| hand(&mut ledger, 0)).collect();
    assert_eq!(first, [[0, 1], [2, 3], [4, 5]]);
    ledger.died(0, "killed");
    // 0 and 1 are suspects; the worker that gets both, and a third piece, dies at the first.
    let second: Vec<Vec<u32>> = (0..3).map(|_| hand(&mut ledger, 1)).collect();
    assert_eq!(second, [vec![0], vec![1], vec![2, 3]]);
    ledger.died(1, "killed");
    let third: Vec<Vec<u32>> = (0..5).map(|_| hand(&mut ledger, 2)).collect();
    assert_eq!(third, [vec![1], vec![0], vec![2, 3], vec![4, 5], vec![6, 7]]);
}

#[test]
fn at_the_end_everything_comes_out() {
    let mut ledger = Ledger::new(1);
    (0..10).for_each(|piece| ledger.add(piece));
    ledger.hand(0, 3, |_| true);
    ledger.hand(1, 3, |_| true);
    let mut all = ledger.abandon();
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
    assert!(ledger.is_empty());
}
