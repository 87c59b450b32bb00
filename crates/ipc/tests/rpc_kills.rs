//! Servers and clients killed at random moments: every call ends, says the truth about itself, and nothing is left.
//!
//! `cargo test -p ipc --test rpc_kills -- --ignored` kills a thousand.

mod mortal;

use std::{io::Read, sync::Mutex, thread, time::Instant};

use ipc::rpc::{CallError, Client, Limits, Methods, serve};
use mortal::{BOUND, LONG, moment, started};
use testkit::LeakGuard;

/// A client makes calls until its server is killed: each that was answered was done, each "not sent" was not.
fn server_killed(time: u64) {
    let (mut child, connection) = started("rpc/server");
    let client = Client::new(connection).unwrap();
    client.call("note", b"begin", LONG).unwrap();
    let told = Mutex::new(Vec::new());
    let killed = thread::scope(|scope| {
        for caller in 0..3u32 {
            let (client, told) = (&client, &told);
            scope.spawn(move || {
                for round in 0.. {
                    let names: Vec<String> = (0..4).map(|call| format!("{caller}.{round}.{call}")).collect();
                    let calls: Vec<_> =
                        names.iter().map(|name| client.start("note", name.as_bytes(), LONG)).collect();
                    let answers: Vec<_> =
                        calls.into_iter().map(|call| call.and_then(|call| call.wait())).collect();
                    let over = answers.iter().any(Result::is_err);
                    told.lock().unwrap().extend(names.into_iter().zip(answers));
                    if over {
                        return;
                    }
                }
            });
        }
        thread::sleep(moment(time));
        child.kill().unwrap();
        Instant::now()
    });
    assert!(killed.elapsed() < BOUND, "the calls took {:?} to end", killed.elapsed());
    assert_eq!(client.outstanding(), 0);
    let mut noted = String::new();
    child.stdout.take().unwrap().read_to_string(&mut noted).unwrap();
    child.wait().unwrap();
    let noted: std::collections::HashSet<&str> = noted.lines().collect();
    for (name, answer) in told.into_inner().unwrap() {
        match answer {
            Ok(_) => assert!(noted.contains(&*name), "{name} was answered and not done"),
            Err(CallError::NotSent(_)) => assert!(!noted.contains(&*name), "{name} was not sent and done"),
            Err(CallError::Gone(_)) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// A server works for a client until that one is killed: it comes to its end, whatever its methods are doing.
fn client_killed(time: u64) {
    let (mut child, connection) = started("rpc/client");
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            let methods = Methods::new().with("note", |argument, _| Ok(argument.to_vec())).with(
                "work",
                |_, context| {
                    while context.pause(LONG) {}
                    Ok(Vec::new())
                },
            );
            // An error (a message that broke off, a reply that nobody took) is as good as the end.
            let _ = serve(connection, &methods, Limits::default());
            Instant::now()
        });
        // It says so when its first call was answered.
        child.stdout.take().unwrap().read_exact(&mut [0; 6]).unwrap();
        thread::sleep(moment(time));
        child.kill().unwrap();
        let killed = Instant::now();
        child.wait().unwrap();
        let took = server.join().unwrap().saturating_duration_since(killed);
        assert!(took < BOUND, "the server took {took:?} to end");
    });
}

fn kill(times: u64) {
    // No file of ours has a name; those of other programs that run meanwhile are not ours.
    let guard = LeakGuard::new("rust-ipc-rpc-kills");
    for time in 0..times {
        server_killed(time);
        client_killed(time);
    }
    guard.check().unwrap();
}

#[test]
fn killed_at_random_moments() {
    kill(20);
}

#[test]
#[ignore = "a thousand kills: `just chaos`"]
fn a_thousand_killed_at_random_moments() {
    kill(500);
}
