//! Whatever is said to a manager or by it: a message that means the same when it is written again and is no longer then, or an
//! error that says how far it was read; and what was read is enough to know it.

#![no_main]

use ipc::manager::wire::{Answer, MessageError, MessageFault, Request};
use libfuzzer_sys::fuzz_target;

/// `again` reads a message and writes it again.
fn judge(message: &[u8], again: impl Fn(&[u8]) -> Result<Vec<u8>, MessageError>) {
    match again(message) {
        Ok(written) => {
            assert!(written.len() <= message.len());
            assert_eq!(again(&written), Ok(written));
        }
        Err(MessageError { offset, why: MessageFault::Trailing(count) }) => {
            assert!(count > 0 && offset + count == message.len());
            assert!(again(&message[..offset]).is_ok());
        }
        Err(error) => assert_eq!(again(&message[..error.offset]), Err(error)),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let written = "what was read can be written";
    judge(bytes, |bytes| Request::decode(bytes).map(|request| request.encode(Vec::new()).expect(written)));
    judge(bytes, |bytes| {
        let answer = Answer::decode(bytes)?;
        if let Answer::Keys(keys) = &answer {
            assert!(keys.iter().map(|key| key.len() + 1).sum::<usize>() < bytes.len());
        }
        Ok(answer.encode(Vec::new()).expect(written))
    });
});
