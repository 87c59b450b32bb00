//! What comes out: parts that are combined, sent to other processes, compared and sorted.

use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;
use workload::{
    Words, Workload,
    words::{Counts, Name, Tally},
};

use crate::{as_map, count, directory_of, reference, text};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

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
