//! A queue between processes: many put, many take, and one who dies holds up nobody and loses nothing.
//!
//! It stands in the process of a [`QueueServer`]; others reach it over a stream socket, each over a connection of its own.
//! Why not one pipe that all share, as CPython's `Queue` does? A pipe has no messages, so Python puts a lock around each end,
//! and who is killed while he holds it stops all the others. A pipe holds 64 KiB, so who has put more cannot end before
//! somebody reads (`join` before draining). And what a consumer has read is gone with him. Here the server holds what was
//! put, knows by the end of a connection that a client has gone, and gives what he had to another.
//!
//! # What is promised
//! - An item counts from the moment that the server has **accepted** it: when [`Producer::close`] or
//!   [`Producer::put_within`] has returned without an error. [`Producer::put`] only hands it to the feeder thread.
//! - An accepted item is given to one consumer at a time until one says [`Consumer::task_done`], or asks for the next: **at
//!   least once**. When a consumer goes before that (killed, for instance), the item goes to another, in front of all others,
//!   and [`Delivery::attempt`] says the how-many-th time it is. So work that was done and not reported is done twice.
//! - Items of one producer are given out in the order in which they were put.
//! - What is lost: when a producer is killed, what it had put and the server had not accepted (of what was under way the
//!   beginning may have been); when the server dies, all. Both sides are told [`QueueError::Gone`].
//!
//! # Cost
//! The server's memory for all that is in it: give it a capacity. Two messages an item for a consumer. Producers send what
//! has come together as one message.
//!
//! ```
//! use std::time::Duration;
//! use ipc::{Address, auth::Key, queue::{Consumer, Producer, QueueServer}};
//!
//! let key = Key::random()?;
//! let name = Address::Abstract(format!("rust-ipc-queue-doc-{}", std::process::id()));
//! let server = QueueServer::start(&name, key.clone(), None)?;
//! let mut producer = Producer::connect(server.address(), &key)?;
//! producer.put(b"work")?;
//! producer.close(Duration::from_secs(10))?;
//!
//! let mut consumer = Consumer::connect(server.address(), &key)?;
//! let delivery = consumer.get()?.expect("the queue is not closed");
//! assert_eq!((&delivery.bytes[..], delivery.attempt), (&b"work"[..], 1));
//! consumer.task_done()?;
//! server.close();
//! assert_eq!(consumer.get()?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In Python: `multiprocessing.JoinableQueue` (`Queue` with `task_done`), `Manager().Queue()`.

mod consumer;
mod feeder;
mod producer;
mod server;
mod state;
pub mod wire;

use std::{io, time::Duration};

pub use consumer::{Consumer, Delivery};
pub use producer::{LINGER, Producer};
pub use server::QueueServer;
pub use wire::LONGEST;

use crate::{Address, Connection, auth, auth::AuthError, auth::Key, fields::FieldError, frame::FrameError};

/// How long the server may take to say that time is over, and to let somebody in. One that takes longer is stopped, or gone.
pub const SILENT: Duration = Duration::from_secs(10);

/// Why there is no item, or none was put.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// Nothing came in time. Nothing was taken.
    #[error("no item within {0:?}")]
    Empty(Duration),
    /// There was no room in time. The item is **not** in the queue.
    #[error("no room within {0:?}")]
    Full(Duration),
    /// Some are not done yet.
    #[error("not all items are done within {0:?}")]
    Unfinished(Duration),
    /// Nothing more may be put.
    #[error("the queue is closed")]
    Closed,
    /// The server has gone, and the queue with it. As many items as this were put and not accepted.
    #[error("the queue's server has gone; {unaccepted} items that were put here had not been accepted")]
    Gone {
        /// Items of this producer; for a consumer 0.
        unaccepted: usize,
    },
    /// Time was over before the server had said that it accepted as many items as this: they are given up, but those that
    /// were under way may be in the queue.
    #[error("{0} items that were put here were not accepted in time")]
    Unaccepted(usize),
    /// The server does not answer: it is stopped, perhaps. What became of the last request nobody knows.
    #[error("the queue's server does not answer")]
    Silent,
    /// An item is longer than [`LONGEST`].
    #[error("an item of {0} bytes is too long")]
    TooLong(usize),
    /// What the server says is no answer to what was asked.
    #[error("the queue's server answers something else")]
    Strange,
    /// What the server says is no answer at all.
    #[error("the queue's server speaks something else: {0}")]
    Message(#[from] FieldError),
    /// It did not let us in, or we not it.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn connect(address: &Address, key: &Key) -> Result<Connection, QueueError> {
    let connection = Connection::connect_within(address, SILENT)?;
    Ok(auth::prove(connection, key, SILENT)?)
}

/// Whatever ends a connection: the other side is not there any more.
fn gone(_: FrameError) -> QueueError {
    QueueError::Gone { unaccepted: 0 }
}
