//! Remote procedure calls: a function runs in another process, and everything that this can add to a call is in its type.
//!
//! A local call returns or panics. A remote one may also be late, be cancelled, arrive where nobody knows it, or be lost
//! with its server, and then nobody can say whether it was done: [`CallError::may_be_done`].
//!
//! ```
//! use std::{thread, time::Duration};
//! use ipc::{Connection, rpc::{Client, Limits, Methods, serve}};
//!
//! let methods = Methods::new().with("upper", |argument, _context| {
//!     let text = str::from_utf8(argument).map_err(|error| error.to_string())?;
//!     Ok(text.to_uppercase().into_bytes())
//! });
//! let (ours, theirs) = Connection::pair()?;
//! thread::scope(|scope| {
//!     let server = scope.spawn(|| serve(theirs, &methods, Limits::default()));
//!     let client = Client::new(ours)?;
//!     let second = Duration::from_secs(1);
//!     // Two on their way at once; their replies may come in either order.
//!     let one = client.start("upper", b"one", second)?;
//!     let two = client.start("upper", b"two", second)?;
//!     assert_eq!(two.wait()?, b"TWO");
//!     assert_eq!(one.wait()?, b"ONE");
//!     assert_eq!(client.call("lower", b"", second).unwrap_err().to_string(), "the server has no such method");
//!     drop(client);
//!     server.join().expect("no panic")?;
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is promised:
//! - Every call ends by its deadline, and as soon as the connection is lost: with a result, or with an error that says
//!   whether it may have been done. At most once: nothing is sent twice.
//! - A reply reaches its own call or nobody: numbers are never used again.
//! - The deadline travels with the call. What waits at the server past it is not begun; what runs can see it
//!   ([`Context::is_wanted`]).
//! - What one side can make the other keep is bounded ([`Limits`]); what is no message of this language ends the
//!   connection with the byte at which it is wrong.
//!
//! In Python: `multiprocessing.managers` and `xmlrpc` call methods elsewhere, one at a time on a connection, without a
//! deadline.

mod client;
mod error;
mod methods;
mod server;
pub mod wire;

pub use client::{Client, Pending};
pub use error::{CallError, Lost};
pub use methods::{Context, Methods};
pub use server::{Limits, ServeError, serve};
