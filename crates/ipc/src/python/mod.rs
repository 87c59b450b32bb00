//! Talks to CPython: the wire format of `multiprocessing.connection`, from the other side of the wire.
//!
//! Three layers, each usable alone:
//! - [`header`]: where a message ends. Four bytes of length, or a long form of twelve.
//! - [`challenge`]: who is there. Both sides prove that they know a key, and neither sends it.
//! - [`pickle`]: what a message means. Only the data of pickle's language, none of its calls: a pickle that Python
//!   would obey is refused here.
//!
//! [`accept`] and [`connect`] put them together, at the crate's own [`Address`](crate::Address)es. Python's own side needs nothing but its standard library:
//!
//! ```python
//! from multiprocessing.connection import Client
//! with Client("/tmp/answers", authkey=b"a secret") as connection:
//!     connection.send({"question": (6, 7)})
//!     print(connection.recv())
//! ```
//!
//! ```
//! use std::{thread, time::Duration};
//! use ipc::{Address, Listener, python::{Key, Value, accept, connect}};
//!
//! let key = Key::new("a secret");
//! let address = Address::Abstract(format!("answers-{}", std::process::id()));
//! let listener = Listener::bind(&address)?;
//! let client = thread::spawn({
//!     let key = key.clone();
//!     move || connect(&address, Some(&key), Duration::from_secs(10))?.send(&Value::from("6 * 7"))
//! });
//! let mut connection = accept(&listener, Some(&key), Duration::from_secs(10))?;
//! assert_eq!(connection.recv()?, Some(Value::from("6 * 7")));
//! client.join().expect("the client does not panic")?;
//! # Ok::<(), ipc::python::ConnectionError>(())
//! ```
//!
//! What it costs to trust the format: until the challenge is answered nothing but short byte strings is read from a
//! stranger; after it a peer can at worst make us keep one message of the allowed size and its values
//! ([`Limits`](pickle::Limits)). Python itself is less lucky: who knows the key can make it run anything, for its
//! `recv` is `pickle.loads`.
//!
//! In Python: `multiprocessing.connection.{Listener, Client, Connection, deliver_challenge, answer_challenge}`,
//! `AuthenticationError`.

pub mod challenge;
mod connection;
mod endpoint;
mod error;
pub mod header;
pub mod pickle;
mod stream;
mod value;

pub use challenge::Key;
pub use connection::Connection;
pub use endpoint::{accept, admit, connect, in_python};
pub use error::ConnectionError;
pub use value::Value;
