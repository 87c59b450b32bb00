//! How processes talk that share nothing: each way at its simplest, what it costs, and what happens when the other end dies.
//!
//! # Messages between two processes
//! A [`Listener`] has an [`Address`]; who knows it can [`connect`](Connection::connect). A [`Connection`] carries messages of
//! bytes both ways, with a deadline where one is wanted:
//!
//! ```
//! use std::{thread, time::Duration};
//! use ipc::{Address, Connection, Listener};
//!
//! let listener = Listener::bind(&Address::Abstract(format!("rust-ipc-doc-{}", std::process::id())))?;
//! let address = listener.address().clone();
//! let client = thread::spawn(move || -> Result<(), ipc::frame::FrameError> {
//!     let mut server = Connection::connect(&address)?;
//!     server.send(b"question")?;
//!     assert_eq!(server.receive()?, Some(&b"answer"[..]));
//!     Ok(())
//! });
//! let mut connection = listener.accept_within(Duration::from_secs(10))?;
//! assert_eq!(connection.receive_within(Duration::from_secs(10))?, Some(&b"question"[..]));
//! connection.send(b"answer")?;
//! client.join().expect("no panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The bytes on the way are [frames](frame): those of CPython's `multiprocessing.connection`.
//!
//! # The other process of a lesson
//! [`peer::Peer`] starts this program again for one scene, with a socket or the end of a pipe as its standard input.
//!
//! # More than messages
//! [`wait`](mod@wait) waits for whichever of several is ready. [`auth`] lets in those who know a key. A [`queue`] gives each
//! item to one of many, and to another if that one dies. A [`manager`] holds state for all, with locks that a death frees.
//!
//! # Limits
//! - A bare connection is not authenticated and never encrypted. A socket file lets in its owner alone; an abstract name
//!   and a TCP port let in anybody on this machine: see [`auth`].
//! - A message that was sent has been taken by the kernel, not by the other side. Only an answer says that it has.
//! - Two sides that both send and do not read wait for each other as soon as the socket is full: give `send` a deadline.
//! - Linux: abstract names, pidfds, and what the lessons look at in /proc.

#![cfg(target_os = "linux")]

pub mod address;
pub mod asynchronous;
pub mod auth;
pub mod connection;
pub mod descriptors;
pub mod fields;
pub mod frame;
pub mod lessons;
pub mod listener;
pub mod manager;
pub mod mechanisms;
pub mod message_queue;
pub mod peer;
pub mod pubsub;
pub mod python;
pub mod queue;
mod ready;
pub mod rpc;
mod server;
pub mod signals;
pub mod wait;

pub use address::Address;
pub use connection::{Connection, Receiver, Sender};
pub use listener::Listener;
