//! Documents come whole and once each; whatever a server does wrong ends in an error that names the URL.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use workload::{
    Fetch, Fetched, Size, Timeline, Workload,
    fetch::{Fault, MOST_BYTES, Server, body, checksum},
    sequential,
};

const SOON: Duration = Duration::from_millis(1);

fn fetch(fetch: &Fetch) -> Result<Fetched, String> {
    sequential(fetch, &Timeline::off()).map_err(|error| error.to_string())
}

/// What `documents` documents of the server add up to.
fn expected(documents: u64) -> Fetched {
    let mut whole = Fetched::default();
    for number in 0..documents {
        let body = body(number);
        whole.documents += 1;
        whole.bytes += body.len() as u64;
        whole.checksum = whole.checksum.wrapping_add(checksum(number, &body));
    }
    whole
}

#[test]
fn all_documents_come_over_one_connection() {
    let (work, server) = Fetch::local(20, SOON).unwrap();
    assert_eq!(fetch(&work).unwrap(), expected(20));
    assert_eq!(fetch(&work).unwrap(), expected(20));
    assert_eq!(server.requests(), 40);
    // As a user may write it.
    let slash = Fetch { base_url: format!("{}/", work.base_url), ..work };
    assert_eq!(fetch(&slash).unwrap(), expected(20));
}

#[test]
fn the_sizes_and_the_answer() {
    let (work, _server) = Fetch::local_sized(Size::Test).unwrap();
    assert_eq!(work.documents, 8);
    let whole = fetch(&work).unwrap();
    let expected = expected(8);
    let answer = serde_json::json!({"documents": 8, "bytes": expected.bytes, "checksum": expected.checksum});
    assert_eq!(work.answer(&whole), answer);
    assert_eq!(Fetch::local_sized(Size::Lesson).unwrap().0.documents, 200);
}

#[test]
fn two_hundred_at_once() {
    let (work, server) = Fetch::local(200, Duration::from_millis(20)).unwrap();
    let mut whole = Fetched::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work.run(&number)
                })
            })
            .collect();
        for thread in threads {
            work.combine(&mut whole, thread.join().unwrap().unwrap());
        }
    });
    assert_eq!(whole, expected(200));
    assert_eq!(server.requests(), 200);
}

#[test]
fn a_document_is_never_early() {
    let latency = Duration::from_millis(30);
    let (work, _server) = Fetch::local(2, latency).unwrap();
    let start = Instant::now();
    fetch(&work).unwrap();
    assert!(start.elapsed() >= 2 * latency);
}

#[test]
fn documents_are_told_apart() {
    let bodies: Vec<_> = (0..100).map(body).collect();
    assert!(bodies.iter().all(|body| (2048..6144).contains(&body.len())));
    assert_eq!(bodies, (0..100).map(body).collect::<Vec<_>>());
    assert_eq!(bodies.iter().collect::<BTreeSet<_>>().len(), 100);
    assert_ne!(
        checksum(0, &bodies[0]).wrapping_add(checksum(1, &bodies[1])),
        checksum(0, &bodies[1]).wrapping_add(checksum(1, &bodies[0])),
    );
    let mut sums = BTreeSet::new();
    for len in 0..20 {
        assert!(sums.insert(checksum(0, &vec![0; len])), "{len} zeros");
    }
    let mut changed = bodies[0].clone();
    for at in 0..changed.len() {
        changed[at] ^= 1;
        assert_ne!(checksum(0, &changed), checksum(0, &bodies[0]), "byte {at}");
        changed[at] ^= 1;
    }
}

/// The error of a single document, which must name its URL; and how many requests it took.
fn error_of(fault: Fault, retries: u32, timeout_ms: u64) -> (String, u64) {
    let server = Server::start(SOON).unwrap();
    let work = Fetch { timeout_ms, retries, ..Fetch::new(server.faulty_url(fault), 1) };
    let error = fetch(&work).unwrap_err();
    assert!(error.contains(&format!("{}/doc/0: ", server.faulty_url(fault))), "{error}");
    (error, server.requests())
}

const PATIENT: u64 = 60_000;

#[test]
fn what_is_missing_is_not_asked_for_again() {
    let (error, requests) = error_of(Fault::Missing, 5, PATIENT);
    assert!(error.contains("404"), "{error}");
    assert_eq!(requests, 1);
}

#[test]
fn a_server_that_fails_is_asked_again_and_not_for_ever() {
    let (error, requests) = error_of(Fault::Broken, 2, PATIENT);
    assert!(error.contains("500") && error.contains("3 attempts"), "{error}");
    assert_eq!(requests, 3);
    assert_eq!(error_of(Fault::Broken, 0, PATIENT).1, 1);
}

#[test]
fn the_second_attempt_may_succeed() {
    let server = Server::start(SOON).unwrap();
    let work = Fetch { retries: 1, ..Fetch::new(server.faulty_url(Fault::Flaky), 5) };
    assert_eq!(fetch(&work).unwrap(), expected(5));
    assert_eq!(server.requests(), 10);
}

#[test]
fn a_short_body_is_no_body() {
    assert_eq!(error_of(Fault::Short, 1, PATIENT).1, 2);
}

#[test]
fn a_connection_that_ends_before_the_answer() {
    // The client library may ask once more by itself where it takes the connection for a stale one.
    assert!((2..=4).contains(&error_of(Fault::HangUp, 1, PATIENT).1));
}

#[test]
fn an_endless_body_ends_here() {
    let (error, requests) = error_of(Fault::Endless, 5, PATIENT);
    assert!(error.contains(&MOST_BYTES.to_string()), "{error}");
    assert_eq!(requests, 1);
}

#[test]
fn no_answer_is_a_timeout() {
    let (error, requests) = error_of(Fault::Silent, 1, 50);
    assert!(error.contains("50 ms"), "{error}");
    assert_eq!(requests, 2);
}

#[test]
fn a_connection_that_is_not_taken_up_is_a_timeout_too() {
    // Bound and listening, so that the system connects, but nobody ever accepts.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let error = fetch(&Fetch { timeout_ms: 50, retries: 0, ..Fetch::new(&url, 1) }).unwrap_err();
    assert!(error.contains(&url) && error.contains("50 ms"), "{error}");
}

#[test]
fn a_body_that_trickles_does_not_outlast_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
        // Until the client hangs up.
        while socket.write_all(b"x").is_ok() {
            thread::yield_now();
        }
    });
    let error = fetch(&Fetch { timeout_ms: 100, retries: 0, ..Fetch::new(&url, 1) }).unwrap_err();
    assert!(error.contains(&url) && error.contains("100 ms"), "{error}");
    server.join().unwrap();
}

#[test]
fn a_refused_connection() {
    // A port that was just given up: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&Fetch { retries: 1, ..Fetch::new(format!("http://{address}"), 1) }).unwrap_err();
    assert!(error.contains(&format!("http://{address}/doc/0: ")) && error.contains("refused"), "{error}");
}

#[test]
fn what_is_no_http_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        // The request is read first: closing a socket with something unread in it would reset the connection.
        let _ = socket.read(&mut [0; 1024]);
        socket.write_all(b"220 mail ready\r\n\r\n").unwrap();
    });
    let error = fetch(&Fetch { retries: 0, ..Fetch::new(&url, 1) }).unwrap_err();
    assert!(error.contains(&url), "{error}");
    server.join().unwrap();
}

#[test]
fn what_cannot_work_is_refused_before_it_begins() {
    for base_url in
        ["", "127.0.0.1:80", "https://127.0.0.1", "ftp://x", "http://", "http://x/?q=1", "http://a b"]
    {
        let error = Fetch::new(base_url, 1).pieces().unwrap_err().to_string();
        assert!(error.starts_with(base_url) && error.len() > base_url.len() + 5, "{error}");
    }
    assert!(Fetch { timeout_ms: 0, ..Fetch::new("http://x", 1) }.pieces().is_err());
    assert_eq!(fetch(&Fetch::new("http://127.0.0.1:1", 0)).unwrap(), Fetched::default());
}

/// Sends `bytes` as they are and returns all that comes back until the server hangs up.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_server_refuses_garbage_and_goes_on() {
    let server = Server::start(SOON).unwrap();
    assert!(raw(&server, b"\x16\x03\x01\x02\x00").starts_with("HTTP/1.1 400 "));
    assert!(raw(&server, b"GET /doc/1 HTTP/1.1\r\nno colon\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(raw(&server, b"DELETE /doc/1 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(raw(&server, &[b'A'; 8192]).starts_with("HTTP/1.1 431 "));
    let unknown = raw(&server, b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(unknown.starts_with("HTTP/1.1 404 "));
    assert_eq!(server.requests(), 0);
    assert_eq!(fetch(&Fetch::new(server.url(), 3)).unwrap(), expected(3));
}

#[test]
fn requests_in_one_packet_or_in_crumbs_are_answered_in_order() {
    let server = Server::start(SOON).unwrap();
    let requests =
        b"GET /doc/0 HTTP/1.1\r\n\r\nGET /missing/doc/9 HTTP/1.1\r\n\r\nGET /doc/1 HTTP/1.0\r\n\r\n";
    let together = raw(&server, requests);
    let places: Vec<_> = ["HTTP/1.1 200", "HTTP/1.1 404"].map(|status| together.find(status).unwrap()).into();
    assert!(places[0] < places[1]);
    assert_eq!(together.matches("HTTP/1.1 200").count(), 2);

    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in requests {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut in_crumbs = Vec::new();
    socket.read_to_end(&mut in_crumbs).unwrap();
    assert_eq!(String::from_utf8_lossy(&in_crumbs), together);
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let server = Server::start(Duration::from_millis(20)).unwrap();
    for fault in ["/doc/0", "/endless/doc/0", "/silent/doc/0", "/short/doc/0"] {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(format!("GET {fault} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        socket.shutdown(Shutdown::Both).unwrap();
    }
    assert_eq!(fetch(&Fetch::new(server.url(), 3)).unwrap(), expected(3));
}

#[test]
fn dropping_the_server_ends_it_amid_conversations() {
    let server = Server::start(Duration::from_secs(3600)).unwrap();
    let (address, url) = (server.address(), server.url());
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"GET /doc/0 HTTP/1.1\r\n\r\n").unwrap();
    let idle = TcpStream::connect(address).unwrap();
    drop(server);
    // Ended or reset, but not open.
    for mut socket in [waiting, idle] {
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        match socket.read(&mut [0; 1]) {
            Ok(got) => assert_eq!(got, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    assert!(fetch(&Fetch { retries: 0, ..Fetch::new(url, 1) }).unwrap_err().contains("refused"));
}

#[test]
fn the_work_survives_the_journey() {
    let work = Fetch::new("http://127.0.0.1:1", 7);
    let binary = postcard::to_stdvec(&work).unwrap();
    assert_eq!(postcard::from_bytes::<Fetch>(&binary).unwrap(), work);
}
