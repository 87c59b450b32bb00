//! Words are counted right whatever the bytes, however they are cut, and whatever happens to the files meanwhile.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::unix::{ffi::OsStringExt, fs::symlink},
    path::Path,
};

use proptest::prelude::*;
use workload::{
    Size, Timeline, Words, Workload, sequential,
    words::{Counts, Name, Tally},
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_to_the_reference(
        files in prop::collection::vec(text(200), 0..7),
        piece_bytes in prop_oneof![1..4_u64, 1..300_u64, Just(1 << 20)],
    ) {
        assert_counts(&files, piece_bytes);
    }

    #[test]
    fn combining_is_associative_and_swaps_nothing(parts in prop::collection::vec(text(80), 3..4)) {
        let words = Words::in_directory("/");
        let part = |index: usize| count(&Words::in_directory(directory_of(&parts[index..=index]).path()));
        let mut left_first = part(0);
        words.combine(&mut left_first, part(1));
        words.combine(&mut left_first, part(2));
        let mut right = part(1);
        words.combine(&mut right, part(2));
        let mut right_first = part(0);
        words.combine(&mut right_first, right);
        let mut backwards = part(2);
        words.combine(&mut backwards, part(1));
        words.combine(&mut backwards, part(0));
        prop_assert_eq!(&left_first, &right_first);
        prop_assert_eq!(&left_first.counts, &backwards.counts);
        prop_assert_eq!(as_map(&left_first.counts), reference(&parts));
    }

    #[test]
    fn parts_survive_the_journey(bytes in text(300)) {
        let tally = count(&Words::in_directory(directory_of(&[bytes]).path()));
        let binary = postcard::to_stdvec(&tally).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<Tally>(&binary).unwrap(), &tally);
        let json = serde_json::to_string(&tally).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Tally>(&json).unwrap(), &tally);
    }

    #[test]
    fn names_survive_the_journey(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
        let name = Name::from(std::ffi::OsString::from_vec(bytes));
        let json = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Name>(&json).unwrap(), &name);
        let binary = postcard::to_stdvec(&name).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<Name>(&binary).unwrap(), &name);
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

#[test]
fn pieces_have_the_size_asked_for() {
    let directory = directory_of(&[vec![b'x'; 1000], vec![b'x'; 10], vec![b'x'; 90]]);
    let words = Words { piece_bytes: 100, ..Words::in_directory(directory.path()) };
    let pieces = words.pieces().unwrap();
    let sizes: Vec<u64> =
        (pieces.iter()).map(|piece| piece.stretches.iter().map(|s| s.to - s.from).sum()).collect();
    assert_eq!(sizes, [100; 11]);
    assert_eq!(pieces, words.pieces().unwrap());
}

#[test]
fn many_empty_files_are_several_pieces() {
    let directory = directory_of(&vec![vec![]; 1500]);
    let words = Words::in_directory(directory.path());
    assert_eq!(words.pieces().unwrap().len(), 2);
    assert_eq!(count(&words).files, 1500);
}

#[test]
fn a_limit_takes_the_first_bytes_and_no_half_word() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one two").unwrap();
    fs::write(directory.path().join("b"), "three four").unwrap();
    fs::write(directory.path().join("c"), "five").unwrap();
    let within = |limit| {
        let tally = count(&Words { limit: Some(limit), ..Words::in_directory(directory.path()) });
        (
            tally.files,
            as_map(&tally.counts)
                .into_keys()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    assert_eq!(within(0), (0, String::new()));
    assert_eq!(within(1), (1, "one".into()));
    assert_eq!(within(7), (1, "one two".into()));
    assert_eq!(within(8), (2, "one three two".into()));
    assert_eq!(within(13), (2, "one three two".into()));
    assert_eq!(within(14), (2, "four one three two".into()));
    assert_eq!(within(u64::MAX), (3, "five four one three two".into()));
}

#[test]
fn a_missing_root_is_named_and_an_empty_one_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nobody");
    let error = sequential(&Words::in_directory(&missing), &Timeline::off()).unwrap_err().to_string();
    assert!(error.contains(missing.to_str().unwrap()), "{error}");

    let empty = Words::in_directory(directory.path());
    assert_eq!(empty.pieces().unwrap(), []);
    let answer = empty.answer(&count(&empty));
    assert_eq!(answer, serde_json::json!({"files": 0, "skipped": 0, "total": 0, "distinct": 0, "top": []}));
}

#[test]
fn a_root_may_be_a_file_or_a_link_to_one_but_not_a_device() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "a b").unwrap();
    symlink(directory.path().join("file"), directory.path().join("link")).unwrap();
    for root in ["file", "link"] {
        let tally = count(&Words::in_directory(directory.path().join(root)));
        assert_eq!((tally.files, tally.skipped, tally.counts.total()), (1, 0, 2), "{root}");
    }
    let error = Words::in_directory("/dev/zero").pieces().unwrap_err().to_string();
    assert!(error.contains("/dev/zero"), "{error}");
}

#[test]
fn links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("inner")).unwrap();
    fs::write(directory.path().join("inner/file"), "once").unwrap();
    symlink("..", directory.path().join("inner/up")).unwrap();
    symlink("inner/file", directory.path().join("again")).unwrap();
    symlink("nowhere", directory.path().join("broken")).unwrap();
    let tally = count(&Words::in_directory(directory.path()));
    assert_eq!((tally.files, tally.skipped, tally.counts.total()), (1, 0, 1));
}

/// Cuts a directory with one file, `x`, lets `change` happen to it, and only then counts.
fn after(change: impl FnOnce(&Path)) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x");
    fs::write(&file, "one two three").unwrap();
    fs::write(directory.path().join("y"), "rest").unwrap();
    let words = Words { piece_bytes: 8, ..Words::in_directory(directory.path()) };
    let pieces = words.pieces().unwrap();
    change(&file);
    let mut whole = Tally::default();
    for piece in &pieces {
        words.combine(&mut whole, words.run(piece).unwrap());
    }
    assert_eq!(whole.counts.get("rest"), 1);
    whole
}

#[test]
fn what_vanishes_or_is_replaced_is_skipped_and_reported() {
    let pipe = |path: &Path| {
        fs::remove_file(path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    };
    let directory = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    let link = |path: &Path| {
        fs::remove_file(path).unwrap();
        symlink("y", path).unwrap();
    };
    let removed = |path: &Path| fs::remove_file(path).unwrap();
    let tallies = [
        ("removed", after(removed)),
        ("a pipe", after(pipe)),
        ("a directory", after(directory)),
        ("a link", after(link)),
    ];
    for (what, tally) in tallies {
        // Both stretches of it.
        assert_eq!((tally.files, tally.skipped, tally.counts.total()), (1, 2, 1), "{what}");
        assert_eq!(tally.reasons.len(), 2);
        assert!(tally.reasons[0].path.path().ends_with("x") && !tally.reasons[0].why.is_empty(), "{what}");
    }
}

#[test]
fn a_file_that_shrinks_or_grows_meanwhile() {
    let shorter = after(|path| fs::write(path, "one tw").unwrap());
    assert_eq!((shorter.skipped, shorter.counts.total(), shorter.counts.get("tw")), (0, 3, 1));
    let empty = after(|path| fs::write(path, "").unwrap());
    assert_eq!((empty.skipped, empty.counts.total()), (0, 1));
    let longer = after(|path| fs::write(path, "one two threefour five").unwrap());
    assert_eq!((longer.counts.total(), longer.counts.get("three")), (4, 1));
}

#[test]
fn reasons_are_bounded_and_the_count_is_not() {
    let directory = directory_of(&vec![b"x".to_vec(); 100]);
    let words = Words { piece_bytes: 7, ..Words::in_directory(directory.path()) };
    let pieces = words.pieces().unwrap();
    drop(directory);
    let mut whole = Tally::default();
    for piece in &pieces {
        words.combine(&mut whole, words.run(piece).unwrap());
    }
    assert_eq!((whole.files, whole.skipped, whole.reasons.len()), (0, 100, Tally::MOST_REASONS));
}

#[test]
fn damaged_parts_are_refused() {
    for damaged in ["1", "a", "a1b", "a0", "A1", "a 1", "a99999999999999999999", "a18446744073709551615b1"] {
        assert!(serde_json::from_value::<Counts>(damaged.into()).is_err(), "{damaged}");
    }
    let good: Counts = serde_json::from_value("the12of7the1".into()).unwrap();
    assert_eq!((good.total(), good.distinct(), good.get("the"), good.get("The")), (20, 2, 13, 0));
    for damaged in ["%", "a%2", "%zz", "%+1"] {
        assert!(serde_json::from_value::<Name>(damaged.into()).is_err(), "{damaged}");
    }
}

#[test]
fn the_top_is_sorted_by_count_and_then_by_the_alphabet() {
    let text: String = ('a'..='z')
        .map(|letter| format!("{letter} {letter}{letter} ").repeat(1 + letter as usize % 3))
        .collect();
    let counts = count(&Words::in_directory(directory_of(&[text.into_bytes()]).path())).counts;
    let mut expected: Vec<(String, u64)> = as_map(&counts).into_iter().collect();
    expected.sort_by_key(|(word, times)| (std::cmp::Reverse(*times), word.clone()));
    assert_eq!(counts.top(20), expected[..20]);
    assert_eq!(counts.top(1000), expected);
    assert_eq!(counts.top(0), []);
}

#[test]
fn there_is_a_corpus_on_every_machine() {
    for size in [Size::Test, Size::Lesson, Size::Measure] {
        let words = Words::sized(size);
        let bytes: u64 =
            words.pieces().unwrap().iter().flat_map(|p| &p.stretches).map(|s| s.to - s.from).sum();
        assert!(bytes > 0 && bytes <= words.limit.unwrap(), "{size:?}");
    }
    let words = Words::sized(Size::Test);
    let tally = count(&words);
    assert!(tally.counts.get("the") > 0);
    assert_eq!(tally, count(&Words { piece_bytes: 999, ..words }));
}

#[test]
fn equal_means_the_same_words_as_often() {
    let counts = |text: &str| serde_json::from_value::<Counts>(text.into()).unwrap();
    assert_eq!(counts("a2b1"), counts("b1a1a1"));
    let long = ["q".repeat(17), "r".repeat(17)];
    for (left, right) in
        [("a2b1".to_owned(), "a1b2".to_owned()), ("a2b1".into(), "a2c1".into()), ("a1".into(), "a1b1".into())]
    {
        assert_ne!(counts(&left), counts(&right), "{left} {right}");
        assert_ne!(counts(&right), counts(&left), "{right} {left}");
    }
    assert_ne!(counts(&format!("{}2{}1", long[0], long[1])), counts(&format!("{}1{}2", long[0], long[1])));
}
