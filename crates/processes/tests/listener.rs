//! Whatever a worker says, in whatever cuts, it is a message of the kind that is due, or an error that ends it; what
//! the books then take from it was asked for. 100,000 conversations are tried, each broken in one of many ways.

use processes::{
    frame::{Inbox, LIMIT, encode},
    pool::{
        Answers, Told,
        ledger::Ledger,
        listener::{Broken, Listener, Said},
    },
};
use proptest::prelude::*;

const NONCE: u64 = 0x1234_5678_9abc_def0;
type Output = (u64, String, Option<Vec<u16>>);

/// A conversation as it should be: who it is, that it is ready, and the answers to two orders of three pieces.
fn honest(outputs: &[Result<Output, Told>]) -> Vec<Vec<u8>> {
    let nobody: Option<String> = None;
    let mut frames =
        vec![encode(&(*b"prcs", 1_u16, NONCE, &nobody)).unwrap(), encode(&Ok::<(), Told>(())).unwrap()];
    for order in 0..2 {
        let answers = Answers { order, nanoseconds: 1_000, outcomes: outputs.to_vec() };
        frames.push(encode(&answers).unwrap());
    }
    frames
}

/// One way not to keep to it.
#[derive(Clone, Debug)]
enum Lie {
    None,
    /// A length that promises less or more.
    Length(usize, u32),
    /// Bytes that are anything, in the place of a frame, before it or behind.
    Rubbish(usize, Vec<u8>),
    /// The conversation ends here.
    Cut(prop::sample::Index),
    /// One byte is another.
    Byte(prop::sample::Index, u8),
    /// Frames in another order, or twice.
    Again(usize, usize),
    /// The last answers come many times.
    Flood(u8),
    /// Another version of the protocol, another nonce, another order.
    Version(u16),
    Nonce(u64),
    Order(u64),
    /// A number of outcomes that is not there.
    Count(u64),
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        Just(Lie::None),
        (0..4_usize, prop_oneof![0..100_u32, any::<u32>()]).prop_map(|(at, length)| Lie::Length(at, length)),
        (0..5_usize, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(at, bytes)| Lie::Rubbish(at, bytes)),
        any::<prop::sample::Index>().prop_map(Lie::Cut),
        (any::<prop::sample::Index>(), 1..=255_u8).prop_map(|(at, by)| Lie::Byte(at, by)),
        (0..4_usize, 0..4_usize).prop_map(|(from, to)| Lie::Again(from, to)),
        any::<u8>().prop_map(Lie::Flood),
        any::<u16>().prop_map(Lie::Version),
        any::<u64>().prop_map(Lie::Nonce),
        any::<u64>().prop_map(Lie::Order),
        any::<u64>().prop_map(Lie::Count),
    ]
}

fn told(outputs: &[Result<Output, Told>], lie: &Lie) -> Vec<u8> {
    let mut frames = honest(outputs);
    let nobody: Option<String> = None;
    match lie {
        Lie::None | Lie::Cut(_) | Lie::Byte(..) => {}
        Lie::Length(at, length) => frames[*at][..4].copy_from_slice(&length.to_le_bytes()),
        Lie::Rubbish(at, bytes) => frames.insert(*at, bytes.clone()),
        Lie::Again(from, to) => {
            let frame = frames[*from].clone();
            frames.insert(*to, frame);
        }
        Lie::Flood(times) => {
            let last = frames[3].clone();
            frames.extend((0..*times).map(|_| last.clone()));
        }
        Lie::Version(version) => frames[0] = encode(&(*b"prcs", version, "who knows")).unwrap(),
        Lie::Nonce(nonce) => frames[0] = encode(&(*b"prcs", 1_u16, nonce, &nobody)).unwrap(),
        Lie::Order(order) => {
            frames[2] =
                encode(&Answers { order: *order, nanoseconds: 0, outcomes: outputs.to_vec() }).unwrap();
        }
        Lie::Count(count) => frames[2] = encode(&(0_u64, 0_u64, count)).unwrap(),
    }
    let mut bytes = frames.concat();
    match lie {
        Lie::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Lie::Byte(at, by) => {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
        }
        _ => {}
    }
    bytes
}

/// What came of a conversation.
#[derive(Debug, Default)]
struct Outcome {
    ready: bool,
    answered: usize,
    broken: Option<String>,
}

/// The pool's side: six pieces in two orders are with this worker.
fn listen(bytes: &[u8], cuts: &[usize]) -> Outcome {
    let mut ledger = Ledger::new(1);
    (0..6).for_each(|piece| ledger.add(piece));
    ledger.hand(0, 3, |_| true);
    ledger.hand(0, 3, |_| true);
    let (mut inbox, mut listener) = (Inbox::default(), Listener::<Output>::new(NONCE));
    let (mut outcome, mut rest, mut cuts) = (Outcome::default(), bytes, cuts.iter().cycle());
    while !rest.is_empty() && outcome.broken.is_none() {
        let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap_or(&rest.len())));
        inbox.push(now);
        rest = later;
        loop {
            match listener.next(&mut inbox) {
                Ok(Some(Said::Ready)) => outcome.ready = true,
                Ok(Some(Said::Answers(answers))) => {
                    assert!(outcome.ready, "answers before it was ready");
                    match ledger.answered(0, answers.order, answers.outcomes.len()) {
                        Ok(pieces) => outcome.answered += pieces.len(),
                        Err(error) => outcome.broken = Some(error.to_string()),
                    }
                }
                Ok(None) => break,
                Err(broken) => outcome.broken = Some(broken.to_string()),
            }
            if outcome.broken.is_some() {
                break;
            }
        }
    }
    // However it went: what was not answered is still there, to be done by another.
    let given_up = ledger.died(0, "gone").len();
    assert_eq!(outcome.answered + given_up + ledger.waiting(), 6);
    outcome
}

fn output() -> impl Strategy<Value = Result<Output, Told>> {
    let text = || prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter);
    let list = prop::option::of(prop::collection::vec(any::<u16>(), 0..8));
    prop_oneof![
        4 => (any::<u64>(), text(), list).prop_map(Ok),
        1 => (text(), text()).prop_map(|(message, backtrace)| Err(Told::Panic { message, backtrace })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_is_judged(outputs in prop::collection::vec(output(), 3), lie in lie(), cuts in prop::collection::vec(1..200_usize, 1..5)) {
        let outcome = listen(&told(&outputs, &lie), &cuts);
        match lie {
            Lie::None => prop_assert!(outcome.broken.is_none() && outcome.answered == 6, "{:?}", outcome),
            Lie::Cut(_) => prop_assert!(outcome.broken.is_none() && outcome.answered < 6, "{:?}", outcome),
            Lie::Flood(times) => {
                prop_assert_eq!(outcome.answered, 6);
                prop_assert_eq!(outcome.broken.is_some(), times > 0);
            }
            Lie::Version(version) => prop_assert!(outcome.broken.is_some() && !outcome.ready, "{version}"),
            Lie::Nonce(nonce) => prop_assert_eq!(outcome.ready, nonce == NONCE),
            Lie::Order(order) => prop_assert_eq!(outcome.broken.is_some(), order != 0),
            // It promises outcomes, and there are none; or it says there are none, which nobody wants to hear.
            Lie::Count(_) => prop_assert!(outcome.broken.is_some() && outcome.answered == 0, "{:?}", outcome),
            // These may be told or not. What counts is that nothing panics, and that no piece is lost.
            Lie::Again(..) | Lie::Length(..) | Lie::Rubbish(..) | Lie::Byte(..) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rubbish_gets_nowhere(bytes: Vec<u8>, cuts in prop::collection::vec(1..50_usize, 1..5)) {
        prop_assert!(!listen(&bytes, &cuts).ready);
    }
}

#[test]
fn what_a_worker_says_of_itself_comes_through() {
    let refused = encode(&(*b"prcs", 1_u16, NONCE, Some("no such task"))).unwrap();
    assert_eq!(listen(&refused, &[1]).broken.unwrap(), "no such task");
    let mut failed = honest(&[])[0].clone();
    failed.extend(
        encode(&Err::<(), _>(Told::Error { message: "no disk".into(), backtrace: String::new() })).unwrap(),
    );
    assert_eq!(listen(&failed, &[5]).broken.unwrap(), "the task's start failed: no disk");
}

#[test]
fn a_length_above_the_limit_is_refused_before_anything_else_comes() {
    let (mut inbox, mut listener) = (Inbox::default(), Listener::<u64>::new(NONCE));
    inbox.push(&(LIMIT as u32 + 1).to_le_bytes());
    assert!(matches!(listener.next(&mut inbox), Err(Broken::Protocol(why)) if why.contains("where at most")));
}
