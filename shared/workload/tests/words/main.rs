//! Words are counted right whatever the bytes, however they are cut, and whatever happens to the files meanwhile.

mod changes;
mod counted;
mod cut;
mod parts;

use std::{collections::HashMap, fs};

use proptest::prelude::*;
use workload::{
    Timeline, Words, sequential,
    words::{Counts, Tally},
};

/// The plainest way to count: what every other way is compared with.
fn reference(files: &[Vec<u8>]) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for file in files {
        for word in file.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
            *counts.entry(String::from_utf8(word.to_ascii_lowercase()).unwrap()).or_default() += 1;
        }
    }
    counts
}

fn as_map(counts: &Counts) -> HashMap<String, u64> {
    let mut map = HashMap::new();
    counts.for_each(|word, times| assert_eq!(map.insert(word.to_owned(), times), None, "{word} came twice"));
    map
}

fn count(words: &Words) -> Tally {
    sequential(words, &Timeline::off()).unwrap()
}

fn directory_of(files: &[Vec<u8>]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (index, bytes) in files.iter().enumerate() {
        // Some in the directory itself, some deeper.
        let parent = directory.path().join(["", "a", "b/c"][index % 3]);
        fs::create_dir_all(&parent).unwrap();
        fs::write(parent.join(format!("{index}.txt")), bytes).unwrap();
    }
    directory
}

/// Bytes of which many are letters: a purely random byte seldom makes a word of two letters.
fn text(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"aAbBzZ".to_vec()),
        1 => prop::sample::select(b" \n@[`{\0\x80\xc1\xdb\xe1\xff".to_vec()),
        1 => any::<u8>(),
    ];
    let run =
        (byte, prop_oneof![9 => 1..4_usize, 1 => 1..90_usize]).prop_map(|(byte, times)| vec![byte; times]);
    prop::collection::vec(run, 0..most).prop_map(|runs| runs.concat())
}
