//! Files that change between the moment when they are cut and the moment when they are read.

use std::{fs, os::unix::fs::symlink, path::Path};

use workload::{Words, Workload, words::Tally};

use crate::directory_of;

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
