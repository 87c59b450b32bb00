//! What one side refuses: a reply to nothing, what is no message, a call too many, a client that does not read.

use std::{sync::atomic::Ordering, thread};

use ipc::{
    Connection,
    fields::FieldError,
    frame::FrameError,
    rpc::{
        CallError, Limits, Methods, ServeError, serve,
        wire::{Outcome, Reply, Request},
    },
};
use testkit::watchdog;

use super::{LONG, SHORT, held, next_call, played, served};

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
