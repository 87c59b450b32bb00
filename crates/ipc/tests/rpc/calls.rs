//! Calls and their replies: each its own, in whatever order, from however many threads, and whatever ends them.

use std::thread;

use ipc::{
    Connection,
    rpc::{CallError, Client, Limits, Lost, Methods},
};

use super::{LONG, SHORT, next_call, played, reply, served};

#[test]
fn replies_reach_their_calls_in_whatever_order() {
    let (client, mut server) = played();
    let calls: Vec<_> = (0..50u8).map(|number| client.start("m", &[number], LONG).unwrap()).collect();
    let ids: Vec<u64> = calls.iter().map(|_| next_call(&mut server)).collect();
    // Each seventh, round and round: 7 and 50 have no common divisor.
    for index in (0..50).map(|step| step * 7 % 50) {
        reply(&mut server, ids[index], &[index as u8]);
    }
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.wait().unwrap(), [number as u8]);
    }
    assert_eq!((client.outstanding(), client.discarded()), (0, 0));
}

#[test]
fn every_outcome_comes_back() {
    let methods = Methods::new()
        .with("double", |argument, _| Ok(argument.repeat(2)))
        .with("fail", |_, _| Err("no luck".into()))
        .with("panic", |argument, _| panic!("{} bytes are too many", argument.len()))
        .with("long", |_, _| Ok(vec![0; 2 << 20]));
    let (_, end) = served(&methods, Limits::default(), |client| {
        let told = |method: &str| client.call(method, b"ab", LONG).map_err(|error| error.to_string());
        assert_eq!(told("double"), Ok(b"abab".to_vec()));
        assert_eq!(told("fail"), Err("the method failed: no luck".into()));
        assert_eq!(told("panic"), Err("the method panicked: 2 bytes are too many".into()));
        assert_eq!(told("none"), Err("the server has no such method".into()));
        assert!(told("long").unwrap_err().ends_with("bytes, where at most 1048576 are allowed"));
        assert_eq!(told("double"), Ok(b"abab".to_vec()), "it goes on");
    });
    end.unwrap();
}

#[test]
fn many_threads_on_one_connection_get_their_own_replies() {
    let methods = Methods::new().with("same", |argument, _| Ok(argument.to_vec()));
    let limits = Limits { waiting: 10_000, ..Limits::default() };
    let (_, end) = served(&methods, limits, |client| {
        thread::scope(|scope| {
            for caller in 0..8u32 {
                let client = &client;
                scope.spawn(move || {
                    let number = |call: u32| (caller << 16 | call).to_be_bytes();
                    let calls: Vec<_> =
                        (0..200).map(|call| client.start("same", &number(call), LONG).unwrap()).collect();
                    for (call, pending) in calls.into_iter().enumerate() {
                        assert_eq!(pending.wait().unwrap(), number(call as u32));
                    }
                });
            }
        });
    });
    end.unwrap();
}

#[test]
fn a_server_that_goes_ends_every_call() {
    let (client, mut server) = played();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let calls: Vec<_> = (0..25).map(|_| client.start("m", b"", LONG).unwrap()).collect();
                    calls.into_iter().map(|call| call.wait().unwrap_err()).collect::<Vec<_>>()
                })
            })
            .collect();
        for _ in 0..100 {
            next_call(&mut server);
        }
        drop(server);
        for error in callers.into_iter().flat_map(|caller| caller.join().unwrap()) {
            assert!(matches!(&error, CallError::Gone(lost) if matches!(**lost, Lost::Closed)), "{error}");
            assert!(error.may_be_done());
        }
    });
    let after = client.call("m", b"", LONG).unwrap_err();
    assert!(matches!(after, CallError::NotSent(_)) && !after.may_be_done(), "{after}");
    assert_eq!(client.outstanding(), 0);
}

#[test]
fn half_a_request_is_not_done_and_ends_the_connection() {
    let (client, server) = played();
    let other = client.start("m", b"", LONG).unwrap();
    let error = client.call("m", &vec![0; 8 << 20], SHORT).unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)) && !error.may_be_done(), "{error}");
    assert!(matches!(other.wait(), Err(CallError::Gone(_))));
    drop(server);
}

#[test]
fn what_is_too_long_is_not_sent_and_harms_nobody() {
    let (ours, mut server) = Connection::pair().unwrap();
    let client = Client::new(ours.with_maximum(100)).unwrap();
    assert!(matches!(client.call("m", &[0; 101], LONG), Err(CallError::TooLong)));
    assert!(matches!(client.call(&"m".repeat(256), b"", LONG), Err(CallError::TooLong)));
    let call = client.start("m", b"", LONG).unwrap();
    let id = next_call(&mut server);
    reply(&mut server, id, b"fine");
    assert_eq!(call.wait().unwrap(), b"fine");
}
