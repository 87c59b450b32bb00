//! Iteration counts, tile after tile: two bytes a pixel, in memory and on the way to another process.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

/// The counts of some neighbouring tiles, in the order of the tiles; within a tile row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<u16>);

impl Counts {
    /// The counts.
    pub fn as_slice(&self) -> &[u16] {
        &self.0
    }

    pub(super) fn append(&mut self, mut right: Counts) {
        if self.0.is_empty() {
            *self = right;
        } else {
            self.0.append(&mut right.0);
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        rest.is_empty().then(|| Self(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()))
    }
}

impl From<Vec<u16>> for Counts {
    fn from(counts: Vec<u16>) -> Self {
        Self(counts)
    }
}

/// As one run of bytes, which a binary format copies in one go. Serde's way with a `Vec<u16>` is a call for
/// each number, and with postcard up to three bytes for it.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = vec![0; self.0.len() * 2];
        for (pair, count) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(&self.0) {
            *pair = count.to_le_bytes();
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Counts;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("two bytes for each count, the low one first")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Counts, E> {
        Counts::from_bytes(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    /// Formats without bytes, such as JSON, have a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element::<u8>()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
