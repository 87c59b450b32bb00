//! A segment is used only as what it says it is, and bytes that anybody may have written never lead out of it.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use proptest::prelude::*;
use shared_memory::{
    LayoutError, MapError, Mapping, Memfd, PlainCell, Shared, SharedSafe, layout::Header, shared,
};

shared! {
    /// A number, a gap of seven bytes in Rust's eyes, and more numbers.
    struct Counts { flag: AtomicU8, total: AtomicU64, each: [AtomicU32; 5] }
}

shared! {
    #[derive(Debug, PartialEq)]
    plain struct Point { x: f64, y: f64 }
}

mod newer {
    use super::*;
    shared! {
        /// The same name with one more field in the middle.
        pub(super) struct Counts { flag: AtomicU8, more: AtomicU16, total: AtomicU64, each: [AtomicU32; 5] }
    }
}

mod swapped {
    use super::*;
    shared! {
        /// The same size with two fields that have changed places.
        pub(super) struct Counts { total: AtomicU64, flag: AtomicU8, each: [AtomicU32; 5] }
    }
}

type Table = Shared<Counts, AtomicU16>;

fn table(tail: usize) -> (Memfd, Table) {
    let memory = Memfd::create("table", Table::size(tail)).unwrap();
    let table = Table::create(&memory, |counts, tail| {
        *counts.total.get_mut() = 42;
        tail.iter_mut().zip(0..).for_each(|(slot, number)| *slot = AtomicU16::new(number));
    });
    (memory, table.unwrap())
}

#[test]
fn what_was_built_is_seen_by_who_attaches() {
    let (memory, ours) = table(1000);
    let theirs = Table::attach(&memory).unwrap();
    assert_eq!(theirs.total.load(Relaxed), 42);
    assert!(theirs.tail().iter().map(|slot| slot.load(Relaxed)).eq(0..1000));
    theirs.each[4].fetch_add(3, Relaxed);
    theirs.flag.store(1, Relaxed);
    assert_eq!((ours.each[4].load(Relaxed), ours.flag.load(Relaxed)), (3, 1));
}

#[test]
fn it_is_built_once() {
    let (memory, _ours) = table(1);
    let again = Table::create(&memory, |_, _| panic!("built a second time"));
    assert_eq!(again.unwrap_err(), LayoutError::Taken);
}

#[test]
fn nobody_sees_it_before_it_is_finished() {
    let memory = Memfd::create("table", Table::size(3)).unwrap();
    assert_eq!(Table::attach(&memory).unwrap_err(), LayoutError::Empty);
    let built = Table::create(&memory, |_, _| {
        assert_eq!(Table::attach(&memory).unwrap_err(), LayoutError::Unfinished);
        assert_eq!(Table::create(&memory, |_, _| ()).unwrap_err(), LayoutError::Taken);
    });
    built.unwrap();
    Table::attach(&memory).unwrap();
}

#[test]
fn another_type_is_refused() {
    let (memory, _ours) = table(100);
    let refused = |error: LayoutError| assert!(matches!(error, LayoutError::Layout { .. }), "{error}");
    refused(Shared::<newer::Counts, AtomicU16>::attach(&memory).unwrap_err());
    refused(Shared::<swapped::Counts, AtomicU16>::attach(&memory).unwrap_err());
    refused(Shared::<Counts, AtomicU8>::attach(&memory).unwrap_err());
    refused(Shared::<Counts>::attach(&memory).unwrap_err());
    refused(Shared::<AtomicU64>::attach(&memory).unwrap_err());
    assert_ne!(<[AtomicU32; 5]>::LAYOUT, <[AtomicU32; 6]>::LAYOUT);
    assert_ne!(<PlainCell<Point>>::LAYOUT, <PlainCell<[f64; 2]>>::LAYOUT);
}

#[test]
fn a_plain_cell_is_the_builder_s_alone_until_it_is_published() {
    let memory = Memfd::create("point", Shared::<PlainCell<Point>>::size(0)).unwrap();
    let point = Shared::<PlainCell<Point>>::create(&memory, |cell, _| cell.get_mut().y = 2.5).unwrap();
    // SAFETY: nobody writes it in this test.
    assert_eq!(unsafe { *point.get() }, Point { x: 0.0, y: 2.5 });
}

#[test]
fn too_small_is_an_error_and_no_panic() {
    for size in 1..Table::size(0) {
        let memory = Memfd::create("small", size).unwrap();
        for error in [Table::create(&memory, |_, _| ()).unwrap_err(), Table::attach(&memory).unwrap_err()] {
            let (has, needed) = (size as u64, Table::size(0) as u64);
            assert_eq!(error, LayoutError::Map(MapError::TooSmall { has, needed }));
        }
    }
}

/// Field of the header, and where it is.
fn header(mapping: &Mapping) -> &Header {
    mapping.at(0).unwrap()
}

#[test]
fn each_field_of_the_header_is_looked_at() {
    let spoiled = |spoil: fn(&Header)| {
        let (memory, ours) = table(10);
        spoil(header(ours.mapping()));
        Table::attach(&memory).unwrap_err()
    };
    assert_eq!(spoiled(|header| header.magic.word.store(7, Relaxed)), LayoutError::Foreign { found: 7 });
    assert_eq!(
        spoiled(|header| header.version.store(2, Relaxed)),
        LayoutError::Version { found: 2, known: 1 }
    );
    assert!(matches!(
        spoiled(|header| header.layout.store(0, Relaxed)),
        LayoutError::Layout { found: 0, .. }
    ));
    for size in [0, 63, Table::size(0) as u64 - 1, Table::size(10) as u64 + 1, u64::MAX] {
        let (memory, ours) = table(10);
        header(ours.mapping()).size.store(size, Relaxed);
        assert!(
            matches!(Table::attach(&memory), Err(LayoutError::Size { claimed, .. }) if claimed == size),
            "{size}"
        );
    }
}

#[test]
fn what_the_header_says_later_changes_nothing() {
    let (_memory, ours) = table(10);
    header(ours.mapping()).size.store(u64::MAX, Relaxed);
    assert_eq!(ours.tail().len(), 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        let memory = Memfd::create("random", bytes.len()).unwrap();
        memory.map().unwrap().write(0, &bytes).unwrap();
        prop_assert!(Table::attach(&memory).is_err());
    }

    /// A header that is right but for the size, and a size that is mostly near the truth.
    #[test]
    fn a_tail_never_reaches_beyond_the_memory(room in 0_usize..200, claimed in prop_oneof![any::<u64>(), 0_u64..700]) {
        let (memory, ours) = table(room);
        header(ours.mapping()).size.store(claimed, Relaxed);
        if let Ok(theirs) = Table::attach(&memory) {
            let end = theirs.tail().as_ptr_range().end.addr();
            prop_assert!(end <= theirs.mapping().as_ptr().addr() + memory.size());
            prop_assert_eq!(theirs.tail().len(), (claimed as usize - Table::size(0)) / 2);
        } else {
            prop_assert!(claimed > memory.size() as u64 || claimed < Table::size(0) as u64);
        }
    }
}
