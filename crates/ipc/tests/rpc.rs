//! Calls whose replies come in every order, late, twice, never, or are no replies; and a server that is told nonsense.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use ipc::{
    Connection,
    fields::FieldError,
    frame::FrameError,
    rpc::{
        CallError, Client, Limits, Lost, Methods, ServeError, serve,
        wire::{Outcome, Reply, Request},
    },
};
use proptest::{collection::vec, prelude::*};
use testkit::watchdog;

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// A deadline that is to pass.
const SHORT: Duration = Duration::from_millis(20);

/// A client, and the other end, where the test plays the server.
fn played() -> (Client, Connection) {
    let (ours, theirs) = Connection::pair().unwrap();
    (Client::new(ours).unwrap(), theirs)
}

/// The number of the next call that comes; what else comes before it is passed over.
fn next_call(server: &mut Connection) -> u64 {
    loop {
        let request = server.receive_within(LONG).unwrap().expect("the client is there");
        if let Request::Call { id, .. } = Request::decode(request).unwrap() {
            return id;
        }
    }
}

fn reply(server: &mut Connection, id: u64, result: &[u8]) {
    server.send(&Reply { id, outcome: Outcome::Done(result) }.encode()).unwrap();
}

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

/// What the outstanding call is told after the server has written these bytes and gone.
fn told(bytes: &[u8]) -> String {
    let (client, mut server) = played();
    let call = client.start("m", b"", LONG).unwrap();
    // What it leaves unread would be a reset instead of an end.
    next_call(&mut server);
    assert_eq!(rustix::io::write(&server, bytes).unwrap(), bytes.len());
    drop(server);
    call.wait().unwrap_err().to_string()
}

#[test]
fn what_is_no_reply_ends_the_connection_and_says_where() {
    assert_eq!(
        told(&[0, 0, 0, 5, 3]),
        "maybe done: at byte 0: the stream ends after 5 bytes of a message of 9"
    );
    assert_eq!(
        told(b"HTTP/1.1 200"),
        "maybe done: at byte 0: a message of 1213486160 bytes, where at most 67108864 are allowed"
    );
    assert_eq!(
        told(&[0, 0, 0, 3, 3, 0, 0]),
        "maybe done: not a reply: at byte 1: a field of 8 bytes, of which 2 are there"
    );
    for id in [0, 2, u64::MAX] {
        let bytes = Reply { id, outcome: Outcome::Unknown }.encode();
        let told = told(&[&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat());
        assert_eq!(told, format!("maybe done: a reply to call {id}, which was never made"));
    }
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

/// Serves `methods`, and gives a client to `act`; what `serve` returned.
fn served<T>(
    methods: &Methods,
    limits: Limits,
    act: impl FnOnce(Client) -> T,
) -> (T, Result<(), ServeError>) {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(theirs, methods, limits));
        let acted = act(Client::new(ours).unwrap());
        (acted, server.join().unwrap())
    })
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

/// A method `hold` that says when it has begun and ends when it is let go or nobody wants it, and a method `count`.
fn held() -> (Methods, mpsc::Receiver<()>, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel::<()>());
    let (goes, counted) = (std::sync::Mutex::new(goes), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&counted);
    let methods = Methods::new()
        .with("hold", move |_, context| {
            begun.send(()).unwrap();
            while context.is_wanted() {
                if goes.lock().unwrap().recv_timeout(Duration::from_millis(1)).is_ok() {
                    return Ok(b"let go".to_vec());
                }
            }
            Err("nobody waits".into())
        })
        .with("count", move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Vec::new())
        });
    (methods, begins, go, counted)
}

#[test]
fn one_call_too_many_is_refused_and_not_done() {
    let (methods, begins, go, counted) = held();
    let limits = Limits { workers: 1, waiting: 1, ..Limits::default() };
    let (_, end) = served(&methods, limits, |client| {
        let running = client.start("hold", b"", LONG).unwrap();
        begins.recv_timeout(LONG).unwrap();
        let waiting = client.start("count", b"", LONG).unwrap();
        let refused = client.call("count", b"", LONG).unwrap_err();
        assert!(matches!(refused, CallError::Busy) && !refused.may_be_done(), "{refused}");
        go.send(()).unwrap();
        assert_eq!(running.wait().unwrap(), b"let go");
        waiting.wait().unwrap();
    });
    end.unwrap();
    assert_eq!(counted.load(Ordering::Relaxed), 1);
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

/// What `serve` returns after a client has written these bytes and nothing more.
fn refused(bytes: &[u8]) -> ServeError {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let methods = Methods::new().with("hold", |_, context| {
            while context.pause(LONG) {}
            Ok(Vec::new())
        });
        let server = scope.spawn(move || serve(theirs, &methods, Limits::default()));
        rustix::io::write(&ours, bytes).unwrap();
        server.join().unwrap().unwrap_err()
    })
}

#[test]
fn a_server_refuses_what_is_no_request() {
    let framed = |message: &[u8]| [&(message.len() as u32).to_be_bytes()[..], message].concat();
    assert!(matches!(
        refused(&framed(b"\x09")),
        ServeError::Request(FieldError::Unknown { offset: 0, found: 9 })
    ));
    assert!(matches!(refused(&framed(b"")), ServeError::Request(FieldError::Cut { offset: 0, .. })));
    assert!(matches!(
        refused(b"GET / HTTP/1.1\r\n"),
        ServeError::Stream(FrameError::TooLong { offset: 0, announced: 0x4745_5420, maximum: 0x10_0000 })
    ));
    let call = Request::Call { id: 5, within: LONG, method: "hold", argument: b"" }.encode().unwrap();
    let twice = [framed(&call), framed(&call)].concat();
    assert!(matches!(refused(&twice), ServeError::Twice { id: 5 }));
}

#[test]
fn a_client_that_does_not_read_is_let_go() {
    let _hangs = watchdog(LONG);
    let methods = Methods::new().with("much", |_, _| Ok(vec![0; 1 << 19]));
    let (mut ours, theirs) = Connection::pair().unwrap();
    let limits = Limits { reply_within: SHORT, ..Limits::default() };
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(theirs, &methods, limits));
        for id in 1..=8 {
            let call = Request::Call { id, within: LONG, method: "much", argument: b"" };
            // It may let us go in the middle of this.
            let _ = ours.send(&call.encode().unwrap());
        }
        // With the client still there: only its not reading has ended this.
        let _ = server.join().unwrap();
    });
    drop(ours);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..Default::default() })]

    /// The first byte often makes sense, and lengths are often short.
    #[test]
    fn rubbish_is_a_message_or_an_error_with_its_place(
        kind in 0..5u8, bytes in vec(prop_oneof![0..6u8, any::<u8>()], 0..60),
    ) {
        for message in [&bytes[..], &[&[kind], &bytes[..]].concat()] {
            match Request::decode(message) {
                // There is one way to write it.
                Ok(request) => prop_assert_eq!(request.encode().unwrap(), message),
                Err(error) => prop_assert!(error.offset() <= message.len(), "{}", error),
            }
            match Reply::decode(message) {
                Ok(reply) => prop_assert_eq!(reply.encode(), message),
                Err(error) => prop_assert!(error.offset() <= message.len(), "{}", error),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_is_read_and_cut_it_is_an_error(
        id: u64, within: u64, method in "[a-zé]{0,100}", argument in vec(any::<u8>(), 0..100),
    ) {
        let within = Duration::from_micros(within);
        let call = Request::Call { id, within, method: &method, argument: &argument };
        let bytes = call.encode().unwrap();
        prop_assert_eq!(Request::decode(&bytes), Ok(call));
        for cut in 0..bytes.len() - argument.len() {
            let error = Request::decode(&bytes[..cut]).unwrap_err();
            prop_assert!(matches!(error, FieldError::Cut { offset, .. } if offset <= cut), "{}", error);
        }
        for outcome in [Outcome::Done(&argument), Outcome::Failed(&method), Outcome::Panicked(&method), Outcome::Unknown, Outcome::Busy] {
            let reply = Reply { id, outcome };
            let bytes = reply.encode();
            prop_assert_eq!(Reply::decode(&bytes), Ok(reply));
        }
    }
}
