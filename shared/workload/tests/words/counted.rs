//! Every word once, wherever blocks, chunks and pieces end.

use proptest::prelude::*;
use workload::Words;

use crate::{as_map, count, directory_of, reference, text};

fn assert_counts(files: &[Vec<u8>], piece_bytes: u64) {
    let directory = directory_of(files);
    let tally = count(&Words { piece_bytes, ..Words::in_directory(directory.path()) });
    let expected = reference(files);
    assert_eq!(tally.counts.total(), expected.values().sum::<u64>());
    assert_eq!(tally.counts.distinct(), expected.len());
    assert_eq!(as_map(&tally.counts), expected);
    for (word, times) in &expected {
        assert_eq!(tally.counts.get(word), *times, "{word}");
    }
    assert_eq!((tally.files, tally.skipped), (files.len() as u64, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_to_the_reference(
        files in prop::collection::vec(text(200), 0..7),
        piece_bytes in prop_oneof![1..4_u64, 1..300_u64, Just(1 << 20)],
    ) {
        assert_counts(&files, piece_bytes);
    }
}

#[test]
fn every_border_of_a_block_and_of_a_short_word() {
    // Around 16 letters (the longest short word) and 64 bytes (a block), at every distance from the start.
    for len in [1, 2, 15, 16, 17, 31, 63, 64, 65, 128] {
        let files: Vec<_> =
            (0..66).map(|gap| [vec![b' '; gap], vec![b'Q'; len], b"-x".to_vec()].concat()).collect();
        assert_counts(&files, 1 << 20);
    }
}

#[test]
fn a_word_longer_than_any_buffer() {
    let long = vec![b'W'; 3 << 20];
    let file = [b"before ".as_slice(), &long, b" after"].concat();
    for piece_bytes in [1 << 20, (1 << 20) + 3, 100_000, 1 << 30] {
        assert_counts(std::slice::from_ref(&file), piece_bytes);
        assert_counts(std::slice::from_ref(&long), piece_bytes);
    }
}

#[test]
fn a_chunk_that_ends_within_a_word() {
    // Long enough for several chunks of a read, in words whose length has no factor in common with them.
    let file = b"seventeenletters1 ".repeat(40_000);
    let longer = b"SeventeenLettersx ".repeat(40_000);
    assert_counts(&[file, longer], 1 << 30);
}
