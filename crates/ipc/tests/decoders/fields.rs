//! Messages that are fields one behind the other. There is one way to write each, and an error names its byte.

use std::time::Duration;

use ipc::{
    fields::FieldError,
    pubsub::wire::{Told, decode_subscription, encode_subscription},
    queue, rpc,
};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseError};

use super::{config, mostly_small};

/// `again` reads a message and writes it again.
fn judge(message: &[u8], again: impl Fn(&[u8]) -> Result<Vec<u8>, FieldError>) -> Result<(), TestCaseError> {
    match again(message) {
        Ok(written) => prop_assert_eq!(written, message),
        Err(FieldError::Cut { offset, needed, have }) => {
            prop_assert!(needed > have && offset + have == message.len());
            // Up to there all is well: it ends, or it is cut there.
            if let Err(before) = again(&message[..offset]) {
                prop_assert_eq!(before, FieldError::Cut { offset, needed, have: 0 });
            }
        }
        Err(FieldError::Unknown { offset, found }) => prop_assert_eq!(message.get(offset), Some(&found)),
        Err(FieldError::Text { offset }) => prop_assert!(offset < message.len()),
        Err(FieldError::Trailing { offset, count }) => {
            prop_assert!(count > 0 && offset + count == message.len());
            prop_assert!(again(&message[..offset]).is_ok());
        }
        Err(other) => prop_assert!(false, "{}", other),
    }
    Ok(())
}

fn call(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    rpc::wire::Request::decode(message).map(|request| request.encode().expect("the name was short enough"))
}

fn reply(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    rpc::wire::Reply::decode(message).map(|reply| reply.encode())
}

fn told(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    Told::decode(message).map(|told| told.encode().expect("the topic was short enough"))
}

fn subscription(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    let prefixes = decode_subscription(message)?;
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    Ok(encode_subscription(&prefixes).expect("they were short enough"))
}

fn asked(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    queue::wire::Request::decode(message).map(|request| request.encode())
}

fn answered(message: &[u8]) -> Result<Vec<u8>, FieldError> {
    queue::wire::Answer::decode(message).map(|answer| answer.encode())
}

/// Items whose lengths are mostly right.
fn almost_a_put() -> impl Strategy<Value = Vec<u8>> {
    let item = prop_oneof![
        9 => vec(any::<u8>(), 0..4).prop_map(|item| [&(item.len() as u32).to_be_bytes()[..], &item].concat()),
        1 => vec(0..4_u8, 0..6),
    ];
    (any::<u64>(), vec(item, 0..5))
        .prop_map(|(limit, items)| [&b"P"[..], &limit.to_be_bytes(), &items.concat()].concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn calls_and_replies(kind in 0..5_u8, bytes in mostly_small()) {
        for message in [&bytes[..], &[&[kind], &bytes[..]].concat()] {
            judge(message, call)?;
            judge(message, reply)?;
        }
    }

    #[test]
    fn subscriptions_and_news(kind in 0..7_u8, bytes in mostly_small()) {
        for message in [&bytes[..], &[&[kind], &bytes[..]].concat()] {
            judge(message, told)?;
            judge(message, subscription)?;
        }
    }

    #[test]
    fn puts_and_items(name in select(b"PGDJaijlc".to_vec()), bytes in mostly_small(), put in almost_a_put()) {
        for message in [&bytes[..], &[&[name], &bytes[..]].concat(), &put] {
            judge(message, asked)?;
            judge(message, answered)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..config() })]

    #[test]
    fn a_call_is_heard_as_it_was_said(
        id: u64, within: u64, method in "[a-zé]{0,100}", argument in vec(any::<u8>(), 0..100),
    ) {
        use rpc::wire::{Outcome, Reply, Request};
        let call = Request::Call { id, within: Duration::from_micros(within), method: &method, argument: &argument };
        let bytes = call.encode().unwrap();
        prop_assert_eq!(Request::decode(&bytes), Ok(call));
        for cut in 0..bytes.len() - argument.len() {
            let error = Request::decode(&bytes[..cut]).unwrap_err();
            prop_assert!(matches!(error, FieldError::Cut { offset, .. } if offset <= cut), "{}", error);
        }
        for outcome in [
            Outcome::Done(&argument),
            Outcome::Failed(&method),
            Outcome::Panicked(&method),
            Outcome::Unknown,
            Outcome::Busy,
        ] {
            let reply = Reply { id, outcome };
            let bytes = reply.encode();
            prop_assert_eq!(Reply::decode(&bytes), Ok(reply));
        }
    }

    #[test]
    fn a_put_is_heard_as_it_was_said(limit: Option<u32>, items in vec(vec(any::<u8>(), 0..20), 0..10), count: u64) {
        use queue::wire::{Answer, Request};
        let limit = limit.map(|limit| Duration::from_micros(limit.into()));
        let slices: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
        let put = Request::Put { limit, items: slices.clone() };
        for request in [put, Request::Get { limit }, Request::Done, Request::Join { limit }] {
            let bytes = request.encode();
            prop_assert_eq!(Request::decode(&bytes), Ok(request));
        }
        for bytes in slices {
            let item = Answer::Item { attempt: count, bytes };
            let bytes = item.encode();
            prop_assert_eq!(Answer::decode(&bytes), Ok(item));
        }
        for answer in [Answer::Accepted(count), Answer::Joined, Answer::Late, Answer::Closed] {
            let bytes = answer.encode();
            prop_assert_eq!(Answer::decode(&bytes), Ok(answer));
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    use queue::wire::{Answer, Request};
    assert_eq!(Request::decode(b""), Err(FieldError::Cut { offset: 0, needed: 1, have: 0 }));
    assert_eq!(Request::decode(b"X"), Err(FieldError::Unknown { offset: 0, found: b'X' }));
    assert_eq!(Request::decode(b"G\0\0"), Err(FieldError::Cut { offset: 1, needed: 8, have: 2 }));
    assert_eq!(Request::decode(b"Dx"), Err(FieldError::Trailing { offset: 1, count: 1 }));
    // A length that promises more than there is.
    let promises = b"P\0\0\0\0\0\0\0\0\xff\xff\xff\xffx";
    assert_eq!(Request::decode(promises), Err(FieldError::Cut { offset: 13, needed: 0xffff_ffff, have: 1 }));
    assert_eq!(Answer::decode(b"a\0\0\0\0\0\0\0\x07!"), Err(FieldError::Trailing { offset: 9, count: 1 }));
    assert_eq!(Answer::decode(b"i"), Err(FieldError::Cut { offset: 1, needed: 8, have: 0 }));
}
