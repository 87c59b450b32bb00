//! What is said to a manager and by it. Numbers may be written in more bytes than they need, so that a message can be written
//! in several ways; what it means is the same when it is written again, and it is no longer then.

use ipc::manager::{
    Kind, RemoteError,
    wire::{Answer, Call, MessageError, MessageFault, Request},
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};

use super::{config, mostly_small};

/// `again` reads a message and writes it again.
fn judge(
    message: &[u8],
    again: impl Fn(&[u8]) -> Result<Vec<u8>, MessageError>,
) -> Result<(), TestCaseError> {
    match again(message) {
        Ok(written) => {
            prop_assert!(written.len() <= message.len());
            let trailing = MessageError { offset: written.len(), why: MessageFault::Trailing(1) };
            prop_assert_eq!(again(&[&written[..], &[0]].concat()), Err(trailing));
            prop_assert_eq!(again(&written), Ok(written));
        }
        Err(MessageError { offset, why: MessageFault::Trailing(count) }) => {
            prop_assert!(count > 0 && offset + count == message.len());
            prop_assert!(again(&message[..offset]).is_ok());
        }
        // What was read is enough to know it.
        Err(error) => prop_assert_eq!(again(&message[..error.offset]), Err(error)),
    }
    Ok(())
}

fn asked(message: &[u8]) -> Result<Vec<u8>, MessageError> {
    Request::decode(message).map(|request| request.encode(Vec::new()).expect("it was read"))
}

fn answered(message: &[u8]) -> Result<Vec<u8>, MessageError> {
    Answer::decode(message).map(|answer| answer.encode(Vec::new()).expect("it was read"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn requests_and_answers(call in 0..10_u8, bytes in mostly_small()) {
        let named = [&[2, b'a', b'b', call], &bytes[..]].concat();
        for message in [&bytes[..], &named] {
            judge(message, asked)?;
            judge(message, answered)?;
        }
        // An answer's first byte is what comes behind a request's name.
        judge(&named[3..], answered)?;
    }

    #[test]
    fn what_is_said_is_heard(
        object in "[a-zé]{0,20}", key in vec(any::<u8>(), 0..20), value in vec(any::<u8>(), 0..200), number: i64, limit: Option<u64>,
    ) {
        let kind = [Kind::Dict, Kind::Counter, Kind::Namespace, Kind::Lock][number as usize % 4];
        for call in [
            Call::Open(kind),
            Call::Get(&key),
            Call::Insert(&key, &value),
            Call::Remove(&key),
            Call::Len,
            Call::Keys,
            Call::Add(number),
            Call::Acquire(limit),
            Call::Release,
        ] {
            let request = Request { object: &object, call };
            let message = request.encode(Vec::new()).unwrap();
            prop_assert_eq!(Request::decode(&message), Ok(request));
            for cut in [0, message.len() / 2, message.len() - 1] {
                let error = Request::decode(&message[..cut]).unwrap_err();
                prop_assert!(error.why == MessageFault::Cut && error.offset <= cut, "{}", error);
            }
        }
        for answer in [
            Answer::Done,
            Answer::Value(None),
            Answer::Value(Some(&value)),
            Answer::Keys(vec![&key, &value, b""]),
            Answer::Number(number),
            Answer::Acquired(number > 0),
            Answer::Late,
            Answer::Error(RemoteError::Kind { name: object.clone(), is: kind }),
            Answer::Error(RemoteError::Message(number as u64)),
        ] {
            let message = answer.encode(Vec::new()).unwrap();
            prop_assert_eq!(Answer::decode(&message), Ok(answer));
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let wrong = |message: &[u8]| Request::decode(message).unwrap_err().to_string();
    assert_eq!(wrong(b""), "at byte 0: the message ends inside a field");
    // A name of five bytes, of which one is there.
    assert_eq!(wrong(b"\x05a"), "at byte 1: the message ends inside a field");
    assert_eq!(wrong(b"\x01\xff\x04"), "at byte 2: what stands there is no such field");
    // There is no call 9.
    assert_eq!(wrong(b"\x01a\x09"), "at byte 3: what stands there is no such field");
    // A value that promises 2^64 - 1 bytes.
    assert_eq!(
        wrong(b"\x01a\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        "at byte 13: the message ends inside a field"
    );
    assert_eq!(wrong(b"\x01a\x04??"), "at byte 3: 2 bytes too many");
}
