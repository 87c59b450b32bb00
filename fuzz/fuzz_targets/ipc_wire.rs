//! Whatever a peer says of calls, subscriptions and queues: a message that is written again as the same bytes, or an error at a
//! byte of it. There is one way to say each thing.

#![no_main]

use ipc::{
    fields::FieldError,
    pubsub::wire::{Told, decode_subscription, encode_subscription},
    queue, rpc,
};
use libfuzzer_sys::fuzz_target;

fn judge(bytes: &[u8], again: Result<Option<Vec<u8>>, FieldError>) {
    match again {
        Ok(again) => assert_eq!(again.as_deref(), Some(bytes)),
        Err(
            FieldError::Cut { offset, .. }
            | FieldError::Unknown { offset, .. }
            | FieldError::Text { offset }
            | FieldError::Trailing { offset, .. },
        ) => assert!(offset <= bytes.len()),
        Err(other) => panic!("{other}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    judge(bytes, rpc::wire::Request::decode(bytes).map(|request| request.encode()));
    judge(bytes, rpc::wire::Reply::decode(bytes).map(|reply| Some(reply.encode())));
    judge(
        bytes,
        queue::wire::Request::decode(bytes).map(|request| {
            if let queue::wire::Request::Put { items, .. } = &request {
                assert!(items.iter().map(|item| item.len() + 4).sum::<usize>() < bytes.len());
            }
            Some(request.encode())
        }),
    );
    judge(bytes, queue::wire::Answer::decode(bytes).map(|answer| Some(answer.encode())));
    judge(bytes, Told::decode(bytes).map(|told| told.encode()));
    judge(
        bytes,
        decode_subscription(bytes).map(|prefixes| {
            // Memory for what is there, and no more.
            assert!(prefixes.iter().map(|prefix| prefix.len() + 1).sum::<usize>() < bytes.len());
            encode_subscription(&prefixes.iter().map(String::as_str).collect::<Vec<_>>())
        }),
    );
});
