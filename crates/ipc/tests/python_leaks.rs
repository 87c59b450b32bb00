//! Ten thousand clients come and go, some with a wrong key and some without a word: nothing is left of any of them.

use std::{thread, time::Duration};

use ipc::{
    Address, Connection, Listener,
    python::{ConnectionError, Key, accept, connect},
};
use testkit::LeakGuard;

const CLIENTS: usize = 10_000;
const LIMIT: Duration = Duration::from_secs(60);

/// The only test of this binary: what is left behind is looked for in the whole process.
#[test]
fn ten_thousand_clients_leave_nothing() {
    let guard = LeakGuard::new("ipc-python");
    let path = std::env::temp_dir().join(format!("ipc-python-leaks-{}", std::process::id()));
    let address = Address::Path(path);
    let (key, wrong) = (Key::new("the key"), Key::new("a guess"));
    let listener = Listener::bind(&address).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..CLIENTS {
                match number % 4 {
                    0 => drop(Connection::connect(&address).unwrap()), // not a word
                    1 => assert!(matches!(
                        connect(&address, Some(&wrong), LIMIT),
                        Err(ConnectionError::Authentication(_))
                    )),
                    _ => connect(&address, Some(&key), LIMIT).unwrap().send_bytes(b"hello").unwrap(),
                }
            }
        });
        for number in 0..CLIENTS {
            match (number % 4, accept(&listener, Some(&key), LIMIT)) {
                // It has gone: before our challenge could be sent, or after.
                (0, Err(ConnectionError::Gone | ConnectionError::Io(_))) => {}
                (1, Err(ConnectionError::Authentication(_))) => {}
                (2 | 3, Ok(mut connection)) => {
                    connection.set_limit(Some(LIMIT));
                    assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"hello");
                    assert_eq!(connection.recv_bytes().unwrap(), None);
                }
                (_, outcome) => panic!("client {number}: {outcome:?}"),
            }
        }
    });
    drop(listener);
    guard.check().unwrap();
}
