//! Deadlines and cancellation: a late reply goes to nobody, and what nobody waits for is not begun, or stops.

use std::{sync::atomic::Ordering, thread};

use ipc::rpc::{CallError, Limits, wire::Request};
use testkit::watchdog;

use super::{LONG, SHORT, held, next_call, played, reply, served};

#[test]
fn a_late_reply_goes_to_nobody() {
    let (client, mut server) = played();
    let late = client.call("m", b"", SHORT).unwrap_err();
    assert!(matches!(late, CallError::Late) && late.may_be_done());
    let second = client.start("m", b"", LONG).unwrap();
    let (first_id, second_id) = (next_call(&mut server), next_call(&mut server));
    reply(&mut server, first_id, b"late");
    reply(&mut server, first_id, b"and once more");
    reply(&mut server, second_id, b"in time");
    assert_eq!(second.wait().unwrap(), b"in time");
    assert_eq!(client.discarded(), 2);
}

#[test]
fn a_reply_that_is_late_is_late_also_for_who_asks_later() {
    let (client, mut server) = played();
    let first = client.start("m", b"", SHORT).unwrap();
    let second = client.start("m", b"", LONG).unwrap();
    let ids = [next_call(&mut server), next_call(&mut server)];
    // Nobody waits for it yet; its time passes all the same.
    thread::sleep(SHORT);
    reply(&mut server, ids[0], b"late");
    reply(&mut server, ids[1], b"in time");
    assert_eq!(second.wait().unwrap(), b"in time");
    assert!(matches!(first.wait(), Err(CallError::Late)));
    assert_eq!(client.discarded(), 1);
}

#[test]
fn a_reply_that_was_there_before_the_deadline_may_be_asked_for_later() {
    let (client, mut server) = played();
    let call = client.start("m", b"", LONG).unwrap();
    let id = next_call(&mut server);
    reply(&mut server, id, b"there");
    let mut call = call;
    let answer = loop {
        if let Some(answer) = call.poll() {
            break answer;
        }
        thread::yield_now();
    };
    assert_eq!(answer.unwrap(), b"there");
    assert!(call.poll().is_none());
}

#[test]
fn the_deadline_travels_and_a_dropped_call_is_cancelled() {
    let (client, mut server) = played();
    let call = client.start("name", b"argument", LONG).unwrap();
    let request = server.receive_within(LONG).unwrap().unwrap().to_vec();
    let Request::Call { id, within, method, argument } = Request::decode(&request).unwrap() else {
        panic!("no call")
    };
    assert_eq!((method, argument), ("name", &b"argument"[..]));
    assert!(within <= LONG && within > LONG / 2, "{within:?}");
    drop(call);
    assert_eq!(Request::decode(server.receive_within(LONG).unwrap().unwrap()), Ok(Request::Cancel { id }));
    assert_eq!(client.outstanding(), 0);
}

#[test]
fn a_server_that_does_not_read_costs_calls_their_deadline_and_no_more() {
    let (client, mut server) = played();
    let mut sent = 0;
    let refused = loop {
        match client.start("m", &[0; 1000], SHORT) {
            // Its reply will not come; forgotten, not cancelled, so that only calls are in the socket.
            Ok(call) => {
                sent += 1;
                if sent == 1 {
                    assert!(matches!(call.wait(), Err(CallError::Late)));
                } else {
                    std::mem::forget(call);
                }
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, CallError::NoRoom) && !refused.may_be_done(), "{refused}");
    // The connection is whole: once the server reads, calls go through.
    for _ in 0..sent {
        next_call(&mut server);
    }
    let call = client.start("m", b"", LONG).unwrap();
    let id = next_call(&mut server);
    reply(&mut server, id, b"at last");
    assert_eq!(call.wait().unwrap(), b"at last");
}

#[test]
fn what_nobody_waits_for_is_not_begun() {
    let (methods, begins, go, counted) = held();
    let limits = Limits { workers: 1, waiting: 2, ..Limits::default() };
    let (_, end) = served(&methods, limits, |client| {
        let running = client.start("hold", b"", LONG).unwrap();
        begins.recv_timeout(LONG).unwrap();
        // One whose deadline passes while it waits, one that is cancelled while it waits.
        let late = client.start("count", b"", SHORT).unwrap();
        client.start("count", b"", LONG).unwrap().cancel();
        // The answer of the thread that reads: it has read what came before, the cancellation too.
        assert!(matches!(client.call("count", b"", LONG), Err(CallError::Busy)));
        // Now the deadline has begun on both sides; so it passes on both.
        thread::sleep(SHORT);
        assert!(matches!(late.wait(), Err(CallError::Late)));
        go.send(()).unwrap();
        running.wait().unwrap();
        // They are in front of this one, which is refused until they are out of the way.
        let after = loop {
            match client.call("none", b"", LONG) {
                Err(CallError::Busy) => thread::yield_now(),
                answer => break answer,
            }
        };
        assert!(matches!(after, Err(CallError::Unknown)));
    });
    end.unwrap();
    assert_eq!(counted.load(Ordering::Relaxed), 0);
}

#[test]
fn running_work_stops_when_its_client_goes() {
    let _hangs = watchdog(LONG);
    let (methods, begins, _go, _) = held();
    let (_, end) = served(&methods, Limits::default(), |client| {
        // Forgotten, so that no cancellation is sent.
        std::mem::forget(client.start("hold", b"", 100 * LONG).unwrap());
        begins.recv_timeout(LONG).unwrap();
        drop(client);
    });
    // That it has returned is what is tested.
    end.unwrap();
}
