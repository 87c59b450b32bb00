//! State that lives in a server process, and proxies for it in its clients.
//!
//! A [`ManagerServer`] has named objects: dicts, counters, namespaces, locks. A [`Manager`] is a client's connection to it,
//! and a [`Dict`] or a [`Counter`] is a name and a way to ask: each call is a message there and one back, and whatever many
//! clients do at once, each call happens as a whole. What is stored is bytes (postcard); the types are the proxy's.
//!
//! ```
//! use ipc::{Address, auth::Key, manager::{Manager, ManagerServer}};
//!
//! let key = Key::random()?;
//! let name = Address::Abstract(format!("rust-ipc-manager-doc-{}", std::process::id()));
//! let server = ManagerServer::start(&name, key.clone())?;
//!
//! let manager = Manager::connect(server.address(), &key)?;
//! let ages = manager.dict::<String, u32>("ages")?;
//! ages.insert(&"Ada".to_owned(), &36)?;
//! assert_eq!(ages.get(&"Ada".to_owned())?, Some(36));
//! assert_eq!(manager.counter("visits")?.add(2)?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Rules
//! - Two calls are two: between `get` and `insert` another client may write. [`Counter::add`] is one; for others, a lock.
//! - What `get` returns is a copy. To change a part, insert the whole again (Python's dict in a dict has the same trap).
//! - A [`Manager`] is one connection and for one thread (it is not `Sync`): a call that waits for a lock would hold up the
//!   others. Python opens a connection for each thread behind one's back.
//! - A client that dies holding a lock loses it, and the next one is told ([`Held::is_after_death`]): what the lock guards
//!   may be half done.
//! - The server dies: every call is [`ManagerError::Gone`], at once. The server is stopped: [`ManagerError::Silent`] after
//!   [`SILENT`]. The state is gone with it.
//!
//! # Cost
//! Two messages and two switches a call: microseconds, where shared memory has nanoseconds. Calls that do not wait for each
//! other's answers share the switches ([`Dict::get_each`]). Take this for what is asked for
//! rarely, is of many types, or must outlive a client; a counter in the innermost loop belongs into shared memory.
//!
//! In Python: `multiprocessing.Manager`, `managers.SyncManager`, `BaseProxy`, `RemoteError`.

mod client;
mod lock;
mod proxies;
mod server;
mod state;
pub mod wire;

use std::time::Duration;

pub use client::Manager;
pub use lock::{Held, Lock};
pub use proxies::{Counter, Dict, Namespace};
pub use server::ManagerServer;
pub use wire::{Kind, RemoteError};

use crate::{auth::AuthError, frame::FrameError};

/// How long the server may take for an answer. One that takes longer is stopped.
pub const SILENT: Duration = Duration::from_secs(10);
/// How often a side looks for the next message before it sleeps, letting others run in between: an answer takes less time
/// than falling asleep and being woken.
const LOOKS: u32 = 100;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The server did not do it, and says why.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The lock was not free in time.
    #[error("the lock is not free within {0:?}")]
    Late(Duration),
    /// The server has gone, and its state with it. Whether it did the last call nobody knows.
    #[error("the manager's server has gone")]
    Gone,
    /// The server does not answer. What became of the last call nobody knows, and nothing more can be asked here.
    #[error("the manager's server does not answer")]
    Silent,
    /// What is stored there is of another type than the proxy's.
    #[error("it is of another type: {0}")]
    Type(postcard::Error),
    /// What the server says is no answer to what was asked.
    #[error("the manager's server answers something else")]
    Strange,
    /// What the server says is no answer at all.
    #[error("the manager's server speaks something else: {0}")]
    Message(#[from] wire::MessageError),
    /// Too long to be sent.
    #[error(transparent)]
    Frame(FrameError),
    /// It did not let us in, or we not it.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
