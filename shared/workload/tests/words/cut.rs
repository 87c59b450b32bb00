//! Which files there are to be read, and how they become pieces.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink};

use workload::{Size, Timeline, Words, Workload, sequential};

use crate::{as_map, count, directory_of};

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
