//! The proxies: a name, and a way to ask.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Manager, ManagerError,
    wire::{Answer, Call},
};

impl Manager {
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

impl<'a, K, V> Dict<'a, K, V> {
    pub(super) fn new(manager: &'a Manager, name: &str) -> Self {
        Self { manager, name: name.into(), of: PhantomData }
    }
}

impl<K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned> Dict<'_, K, V> {
    /// A copy of what is at `key`.
    ///
    /// # Errors
    /// [`ManagerError::Type`] if what is there is no `V`; those of every call: `Gone`, `Silent`.
    pub fn get(&self, key: &K) -> Result<Option<V>, ManagerError> {
        self.manager.get(&self.name, &encode(key)?)
    }

    /// Copies of what is at each of `keys`, in their order. The requests go one behind the other and are not waited for one
    /// by one, which is far faster than [`get`](Self::get) for each; others may write in between.
    ///
    /// # Errors
    /// As [`get`](Self::get); the first one of any key.
    pub fn get_each(&self, keys: &[K]) -> Result<Vec<Option<V>>, ManagerError> {
        let keys = keys.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let found = self.manager.calls(
            &self.name,
            &keys,
            |key| Call::Get(key),
            |answer| match answer {
                Answer::Value(found) => Some(found.map(decode).transpose()),
                _ => None,
            },
        )?;
        found.into_iter().collect()
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

impl<'a> Counter<'a> {
    pub(super) fn new(manager: &'a Manager, name: &str) -> Self {
        Self { manager, name: name.into() }
    }

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

impl<'a> Namespace<'a> {
    pub(super) fn new(manager: &'a Manager, name: &str) -> Self {
        Self { manager, name: name.into() }
    }

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
