//! Counts travel as one string, `the12of7`: letters, then how often, and so on. As no word holds a digit, nothing
//! need stand between; it is as short as a binary form would be, and the same in JSON.

use std::fmt::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Counts;

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(self.distinct() * 12);
        self.for_each(|word, times| {
            text.push_str(word);
            // Writing to a string cannot fail.
            let _ = write!(text, "{times}");
        });
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Reads the string where it stands, without a copy.
struct Text;

impl de::Visitor<'_> for Text {
    type Value = Counts;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("lower-case words, each followed by how often it was seen, such as the12of7")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Counts, E> {
        parse(text.as_bytes()).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

fn parse(mut text: &[u8]) -> Option<Counts> {
    let mut counts = Counts::default();
    // All the room at once, as in `Counts::merge` and for the same reason: a word ends where a letter follows a digit.
    let is_end = |pair: &&[u8]| pair[0].is_ascii_digit() && pair[1].is_ascii_lowercase();
    counts.reserve(text.windows(2).filter(is_end).count() + 1);
    let mut total = 0_u64;
    while !text.is_empty() {
        let letters = text.iter().position(|byte| !byte.is_ascii_lowercase())?;
        let (word, rest) = text.split_at(letters);
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        let (number, rest) = rest.split_at(digits);
        let times = number
            .iter()
            .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
        if word.is_empty() || times == 0 {
            return None;
        }
        // So that no sum of counts overflows.
        total = total.checked_add(times)?;
        counts.add_times(word, times);
        text = rest;
    }
    Some(counts)
}
