//! What a SeqLock promises to those who use it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use synchronization::SeqLock;

#[test]
fn values_of_all_sizes_come_back() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Padded {
        small: u8,
        large: u64,
        last: u16,
    }

    assert_eq!(SeqLock::new(()).read(), ());
    assert_eq!(SeqLock::new(0xab_u8).read(), 0xab);
    assert_eq!(SeqLock::new([1_u8, 2, 3, 4, 5, 6, 7, 8, 9]).read(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(SeqLock::new(u128::MAX - 7).read(), u128::MAX - 7);
    assert_eq!(SeqLock::new(Some('x')).read(), Some('x'));
    let padded = SeqLock::new(Padded { small: 1, large: 2, last: 3 });
    padded.update(|old| Padded { large: old.large + 5, ..old });
    assert_eq!(padded.read(), Padded { small: 1, large: 7, last: 3 });
}

#[test]
fn a_reader_does_not_wait_in_vain_for_a_writer_that_panicked() {
    let lock = SeqLock::new((1, 2));
    let outcome = catch_unwind(AssertUnwindSafe(|| lock.update(|_| panic!("on purpose"))));
    assert!(outcome.is_err());
    assert_eq!(lock.read(), (1, 2), "as before");
    lock.write((3, 4));
    assert_eq!(lock.try_read(), Some((3, 4)));
}

#[test]
fn while_a_writer_is_at_work_there_is_no_copy() {
    let lock = SeqLock::new(1);
    lock.update(|old| {
        assert_eq!(lock.try_read(), None);
        old + 1
    });
    assert_eq!(lock.try_read(), Some(2));
}

#[test]
fn copies_are_whole_and_updates_all_count() {
    const UPDATES: u64 = 20_000;
    let lock = SeqLock::new([0_u64; 6]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..UPDATES).for_each(|_| lock.update(|words| words.map(|word| word + 1))));
        }
        scope.spawn(|| {
            let mut last = 0;
            while last < 2 * UPDATES {
                let words = lock.read();
                assert_eq!(words, [words[0]; 6], "a torn copy");
                assert!(words[0] >= last, "back in time");
                last = words[0];
            }
        });
    });
    assert_eq!(lock.read(), [2 * UPDATES; 6]);
}
