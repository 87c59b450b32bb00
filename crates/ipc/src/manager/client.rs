//! The proxies: a name, and a way to ask.

use std::{cell::RefCell, fmt, marker::PhantomData, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    LOOKS, Lock, ManagerError, SILENT,
    message::{Answer, Call, Kind, Request},
};
use crate::{
    Address, Connection,
    auth::{self, Key},
};

/// A client's connection to a manager, for one thread.
///
/// ```compile_fail
/// fn shared(manager: &ipc::manager::Manager) {
///     std::thread::scope(|scope| {
///         scope.spawn(|| manager.counter("visits"));
///     });
/// }
/// ```
#[derive(Debug)]
pub struct Manager(RefCell<Line>);

#[derive(Debug)]
struct Line {
    connection: Connection,
    said: Vec<u8>,
    patience: Duration,
    /// An answer is missing: what came next would be taken for it.
    is_broken: bool,
}

impl Manager {
    /// Connects to the manager at `address`.
    ///
    /// # Errors
    /// [`ManagerError::Auth`], and [`ManagerError::Io`] when nobody listens there.
    pub fn connect(address: &Address, key: &Key) -> Result<Self, ManagerError> {
        let connection = Connection::connect_within(address, SILENT)?;
        let connection = auth::prove(connection, key, SILENT)?.with_looks(LOOKS);
        Ok(Self(RefCell::new(Line { connection, said: Vec::new(), patience: SILENT, is_broken: false })))
    }

    /// Waits for an answer at most so long, instead of [`SILENT`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.0.get_mut().patience = patience;
        self
    }

    /// The dict of this name; made, if it is not there.
    ///
    /// # Errors
    /// [`RemoteError::Kind`](super::RemoteError::Kind) if the name is something else's; those of every call.
    pub fn dict<K, V>(&self, name: &str) -> Result<Dict<'_, K, V>, ManagerError> {
        self.open(name, Kind::Dict)?;
        Ok(Dict { manager: self, name: name.into(), of: PhantomData })
    }

    /// The counter of this name; made, with 0, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn counter(&self, name: &str) -> Result<Counter<'_>, ManagerError> {
        self.open(name, Kind::Counter)?;
        Ok(Counter { manager: self, name: name.into() })
    }

    /// The namespace of this name; made, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn namespace(&self, name: &str) -> Result<Namespace<'_>, ManagerError> {
        self.open(name, Kind::Namespace)?;
        Ok(Namespace { manager: self, name: name.into() })
    }

    /// The lock of this name; made, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn lock(&self, name: &str) -> Result<Lock<'_>, ManagerError> {
        self.open(name, Kind::Lock)?;
        Ok(Lock::new(self, name))
    }

    fn open(&self, name: &str, kind: Kind) -> Result<(), ManagerError> {
        self.call(name, Call::Open(kind), |answer| matches!(answer, Answer::Done).then_some(()))
    }

    /// One call: `read` takes what it wants out of the answer, and `None` says that this is no answer to it.
    pub(super) fn call<T>(
        &self,
        object: &str,
        call: Call<'_>,
        read: impl FnOnce(Answer<'_>) -> Option<T>,
    ) -> Result<T, ManagerError> {
        let mut line = self.0.borrow_mut();
        let Line { connection, said, patience, is_broken } = &mut *line;
        if *is_broken {
            return Err(ManagerError::Gone);
        }
        said.clear();
        let waits = match call {
            Call::Acquire(limit) => limit.map(|limit| patience.saturating_add(Duration::from_micros(limit))),
            _ => Some(*patience),
        };
        *said = postcard::to_extend(&Request { object, call }, std::mem::take(said))
            .map_err(ManagerError::Type)?;
        *is_broken = true;
        connection.send_within(said, *patience).map_err(lost)?;
        let answer = match waits {
            Some(limit) => connection.receive_within(limit),
            None => connection.receive(),
        };
        let answer = answer.map_err(lost)?.ok_or(ManagerError::Gone)?;
        let answer: Answer<'_> = postcard::from_bytes(answer).map_err(|_| ManagerError::Strange)?;
        *is_broken = false;
        match answer {
            Answer::Error(why) => Err(why.into()),
            answer => read(answer).ok_or(ManagerError::Strange),
        }
    }

    fn get<V: DeserializeOwned>(&self, object: &str, key: &[u8]) -> Result<Option<V>, ManagerError> {
        self.call(object, Call::Get(key), |answer| match answer {
            Answer::Value(found) => Some(found.map(decode).transpose()),
            _ => None,
        })?
    }

    fn insert(&self, object: &str, key: &[u8], value: &impl Serialize) -> Result<(), ManagerError> {
        let value = encode(value)?;
        self.call(object, Call::Insert(key, &value), |answer| matches!(answer, Answer::Done).then_some(()))
    }

    fn number(&self, object: &str, call: Call<'_>) -> Result<i64, ManagerError> {
        self.call(
            object,
            call,
            |answer| if let Answer::Number(number) = answer { Some(number) } else { None },
        )
    }
}

fn lost(error: crate::frame::FrameError) -> ManagerError {
    use crate::frame::FrameError::TooLong;
    match error {
        error if error.is_timeout() => ManagerError::Silent,
        error @ TooLong { .. } => ManagerError::Frame(error),
        _ => ManagerError::Gone,
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, ManagerError> {
    postcard::to_stdvec(value).map_err(ManagerError::Type)
}

/// All of it: what is left over shows that it is another type.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ManagerError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(ManagerError::Type(postcard::Error::DeserializeBadEncoding)),
        Err(error) => Err(ManagerError::Type(error)),
    }
}

/// A dict: keys and values of one type each. In Python: `Manager().dict()`.
pub struct Dict<'a, K, V> {
    manager: &'a Manager,
    name: String,
    of: PhantomData<fn(&K) -> V>,
}

impl<K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned> Dict<'_, K, V> {
    /// A copy of what is at `key`.
    ///
    /// # Errors
    /// [`ManagerError::Type`] if what is there is no `V`; those of every call: `Gone`, `Silent`.
    pub fn get(&self, key: &K) -> Result<Option<V>, ManagerError> {
        self.manager.get(&self.name, &encode(key)?)
    }

    /// Puts `value` there, in place of what was.
    ///
    /// # Errors
    /// Those of every call.
    pub fn insert(&self, key: &K, value: &V) -> Result<(), ManagerError> {
        self.manager.insert(&self.name, &encode(key)?, value)
    }

    /// Takes it away; whether it was there.
    ///
    /// # Errors
    /// Those of every call.
    pub fn remove(&self, key: &K) -> Result<bool, ManagerError> {
        Ok(self.manager.number(&self.name, Call::Remove(&encode(key)?))? == 1)
    }

    /// How many keys there are, at this moment.
    ///
    /// # Errors
    /// Those of every call.
    pub fn len(&self) -> Result<usize, ManagerError> {
        usize::try_from(self.manager.number(&self.name, Call::Len)?).map_err(|_| ManagerError::Strange)
    }

    /// Whether there are none, at this moment.
    ///
    /// # Errors
    /// Those of every call.
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// All keys, at this moment.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.manager.call(&self.name, Call::Keys, |answer| match answer {
            Answer::Keys(keys) => Some(keys.into_iter().map(decode).collect()),
            _ => None,
        })?
    }
}

impl<K, V> fmt::Debug for Dict<'_, K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Dict").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A whole number that several add to. In Python: a `Manager().Value('i', 0)` with a lock.
#[derive(Debug)]
pub struct Counter<'a> {
    manager: &'a Manager,
    name: String,
}

impl Counter<'_> {
    /// Adds `by`, which may be negative; what it is then. One call: nothing comes in between.
    ///
    /// # Errors
    /// [`RemoteError::Overflow`](super::RemoteError::Overflow); those of every call.
    pub fn add(&self, by: i64) -> Result<i64, ManagerError> {
        self.manager.number(&self.name, Call::Add(by))
    }

    /// What it is at this moment.
    ///
    /// # Errors
    /// Those of every call.
    pub fn get(&self) -> Result<i64, ManagerError> {
        self.add(0)
    }
}

/// Names and values, each of its own type. In Python: `Manager().Namespace()`.
#[derive(Debug)]
pub struct Namespace<'a> {
    manager: &'a Manager,
    name: String,
}

impl Namespace<'_> {
    /// A copy of what `attribute` is.
    ///
    /// # Errors
    /// As [`Dict::get`].
    pub fn get<T: DeserializeOwned>(&self, attribute: &str) -> Result<Option<T>, ManagerError> {
        self.manager.get(&self.name, attribute.as_bytes())
    }

    /// Says what `attribute` is from now on.
    ///
    /// # Errors
    /// Those of every call.
    pub fn set(&self, attribute: &str, value: &impl Serialize) -> Result<(), ManagerError> {
        self.manager.insert(&self.name, attribute.as_bytes(), value)
    }
}
