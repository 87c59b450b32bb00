//! A file name is bytes; it travels as text, and every name survives the journey.

use std::{
    ffi::OsString,
    fmt,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The path of a file or directory.
///
/// serde refuses a `PathBuf` that is no UTF-8, but a corpus may hold one. So a name is sent as text in which `%`
/// and each byte that is no UTF-8 stand as `%` and two hexadecimal digits (as in a URL): `100%25`, `caf%E9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(PathBuf);

impl Name {
    /// The path itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl<P: Into<PathBuf>> From<P> for Name {
    fn from(path: P) -> Self {
        Self(path.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_bytes().utf8_chunks() {
            for (index, plain) in chunk.valid().split('%').enumerate() {
                let percent = if index > 0 { "%25" } else { "" };
                write!(out, "{percent}{plain}")?;
            }
            for byte in chunk.invalid() {
                write!(out, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            // Nearly all: they go as they are. (`collect_str` writes twice, the first time to know the length.)
            Some(plain) if !plain.contains('%') => serializer.serialize_str(plain),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.contains('%') {
            return Ok(Self(text.into()));
        }
        match decoded(text.as_bytes()) {
            Some(bytes) => Ok(Self(OsString::from_vec(bytes).into())),
            None => Err(de::Error::custom(format_args!("{text:?}: a % without two hexadecimal digits"))),
        }
    }
}

fn decoded(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        if let (b'%', [high, low, after @ ..]) = (*first, rest) {
            bytes.push((digit(*high)? << 4) | digit(*low)?);
            text = after;
        } else if *first == b'%' {
            return None;
        } else {
            bytes.push(*first);
            text = rest;
        }
    }
    Some(bytes)
}

fn digit(text: u8) -> Option<u8> {
    char::from(text).to_digit(16).map(|value| value as u8)
}
