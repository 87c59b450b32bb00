//! The table agrees with std's map whatever is added by whom, has all words of killed processes whole, and survives any bytes.

use std::{collections::HashMap, process::Command, thread, time::Duration};

use proptest::prelude::*;
use shared_memory::{
    Memfd, Shared,
    peer::Cast,
    table::{Plan, Table, TableError, keys},
};

const LIMIT: Duration = Duration::from_secs(60);

fn table(words: usize, columns: usize, letters: usize) -> (Memfd, Table) {
    let plan = Plan { words, columns, letters };
    let memory = Memfd::create("test", plan.size()).unwrap();
    let table = Table::create(&memory, plan).unwrap();
    (memory, table)
}

fn content(table: &Table) -> HashMap<Vec<u8>, u64> {
    let mut found = HashMap::new();
    table
        .for_each(|word, times| {
            assert!(found.insert(word.to_vec(), times).is_none(), "twice in the table: {word:?}");
        })
        .unwrap();
    found
}

/// Few different words, so that threads meet at them; of lengths around a unit of letters.
fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(b'a'..=b'b', 1..4),
        proptest::collection::vec(b'a'..=b'a', 7..26),
        proptest::collection::vec(any::<u8>(), 1..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn threads_that_add_at_once_agree_with_a_map(
        parts in proptest::collection::vec(proptest::collection::vec((word(), 1_u64..9), 0..60), 1..4),
        own_columns in any::<bool>(),
    ) {
        let mut expected: HashMap<Vec<u8>, u64> = HashMap::new();
        for (word, times) in parts.iter().flatten() {
            *expected.entry(word.clone()).or_default() += times;
        }
        let (memory, ours) = table(256, if own_columns { parts.len() } else { 1 }, 1 << 13);
        thread::scope(|scope| {
            for (number, part) in parts.iter().enumerate() {
                let memory = &memory;
                scope.spawn(move || {
                    // Each has its own mapping, as a process would.
                    let theirs = Table::attach(memory).unwrap();
                    for (word, times) in part {
                        theirs.add(if own_columns { number } else { 0 }, word, *times).unwrap();
                    }
                });
            }
        });
        for (word, times) in &expected {
            prop_assert_eq!(ours.get(word).unwrap(), *times);
        }
        prop_assert_eq!(content(&ours), expected);
        prop_assert_eq!(ours.get(b"this one is not there").unwrap(), 0);
    }

    #[test]
    fn any_bytes_are_a_table_or_an_error(
        slots in any::<u64>(), columns in 0_u64..5, next in any::<u64>(),
        few in 0_u32..7, cells in proptest::collection::vec(any::<u64>(), 64..200),
    ) {
        // The right header, and behind it what a stranger has written.
        let slots = if few < 6 { 1 << few } else { slots };
        let (memory, table) = table(16, 1, 2000);
        // The parts of a table begin at byte 64: slots, columns, next; cells behind them.
        let mapping = memory.map().unwrap();
        for (at, number) in [(64, slots), (72, columns), (80, next)] {
            mapping.write(at, &number.to_le_bytes()).unwrap();
        }
        for (index, cell) in cells.iter().enumerate() {
            mapping.write(88 + 8 * index, &cell.to_le_bytes()).unwrap();
        }
        // One that has looked at its sizes before, and one that comes now.
        for table in [Ok(table), Table::attach(&memory)].into_iter().flatten() {
            let _ = table.for_each(|_, _| ());
            for word in [b"apple".as_slice(), b"a", &[0; 40]] {
                let _ = table.get(word);
                let _ = table.add(0, word, 1);
                let _ = table.clear(0);
            }
        }
    }
}

#[test]
fn what_is_full_or_wrong_is_an_error() {
    let (_memory, small) = table(2, 1, 8 * 100);
    for word in [b"a", b"b", b"c", b"d"] {
        small.add(0, word, 1).unwrap();
    }
    assert_eq!(small.add(0, b"e", 1), Err(TableError::Full { what: "slots" }));
    assert_eq!(small.get(b"e"), Ok(0));
    small.add(0, b"a", 1).unwrap();
    assert_eq!(small.get(b"a"), Ok(2));

    let (_memory, small) = table(100, 1, 16);
    small.add(0, b"twelve bytes", 1).unwrap();
    assert_eq!(small.add(0, b"e", 1), Err(TableError::Full { what: "letters" }));
    assert_eq!(small.get(b"twelve bytes"), Ok(1));
    assert_eq!(small.add(0, b"", 1), Err(TableError::Word { bytes: 0 }));
    let long = vec![b'x'; keys::LONGEST + 1];
    assert_eq!(small.add(0, &long, 1), Err(TableError::Word { bytes: long.len() }));
    assert_eq!(small.add(1, b"a", 1), Err(TableError::Column { column: 1, columns: 1 }));
}

/// What makes pouring a pass over neighbours: words in the order of the workload's hash come to slots from the first to the last.
#[test]
fn words_in_the_order_of_their_hashes_fill_the_slots_in_order() {
    let hash = |word: &String| {
        let mut letters = [0; 16];
        letters[..word.len()].copy_from_slice(word.as_bytes());
        workload::words::hash(u128::from_le_bytes(letters))
    };
    let mut words: Vec<_> =
        (0..200).map(|number| format!("word{number}{}", "x".repeat(number % 9))).collect();
    words.sort_by_key(hash);
    let (_memory, table) = table(400, 1, 1 << 13);
    let slots: Vec<_> = words.iter().map(|word| table.keys().enter(word.as_bytes(), &()).unwrap()).collect();
    assert!(slots.is_sorted(), "{slots:?}");
}

#[test]
fn a_column_is_cleared_alone() {
    let (_memory, table) = table(8, 3, 100);
    for column in 0..3 {
        table.add(column, b"pear", 1 << column).unwrap();
    }
    table.clear(1).unwrap();
    assert_eq!(table.get(b"pear"), Ok(5));
    assert_eq!(content(&table), HashMap::from([(b"pear".to_vec(), 5)]));
}

#[test]
fn a_segment_for_something_else_is_no_table() {
    let memory = Memfd::create("test", Shared::<std::sync::atomic::AtomicU64>::size(100)).unwrap();
    Shared::<std::sync::atomic::AtomicU64>::create(&memory, |_, _| ()).unwrap();
    assert!(matches!(Table::attach(&memory), Err(TableError::Layout(_))));
}

/// Two processes add the same words in opposite order; one is killed at the `nth` passage of a point, then another one does
/// its work once more.
#[test]
fn whoever_is_killed_where_the_rest_is_whole() {
    let start = |memory: &Memfd, column: usize, point: &str, nth: u64| {
        let cast =
            Cast::program(Command::new(env!("CARGO_BIN_EXE_shared-memory")), &["--scene", "words/adder"]);
        cast.with_memory(memory).unwrap().with_word(column).killed_at(point, nth).start().unwrap()
    };
    for point in ["written", "published", "added"] {
        for nth in [1, 2, 37] {
            let (memory, table) = table(4096, 2, 1 << 16);
            let mut dies = start(&memory, 0, point, nth);
            let mut lives = start(&memory, 1, "never", 1);
            assert!(lives.end(LIMIT).unwrap().success(), "{point} {nth}");
            // It may have found all words there already: then it never got to that point and has ended well.
            dies.end(LIMIT).unwrap();
            let words = 500;
            let at_least = content(&table);
            assert!(at_least.len() == words && at_least.values().all(|times| (1..=2).contains(times)));
            table.clear(0).unwrap();
            assert!(start(&memory, 0, "never", 1).end(LIMIT).unwrap().success());
            let all = content(&table);
            assert!(all.len() == words && all.values().all(|times| *times == 2), "{point} {nth}");
        }
    }
}
