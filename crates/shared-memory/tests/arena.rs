//! Places in an arena do not overlap, whoever takes them, and a made-up place is an error.

use std::{
    sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    thread,
};

use proptest::prelude::*;
use shared_memory::{Arena, LayoutError, MapError, Memfd, Place, Shared, arena::ArenaError, shared};

shared! {
    struct Node { value: AtomicU64, next: AtomicU64, kind: AtomicU8 }
}

fn arena(bytes: usize) -> (Memfd, Arena) {
    let memory = Memfd::create("arena", Arena::size(bytes)).unwrap();
    let arena = Arena::create(&memory).unwrap();
    (memory, arena)
}

#[test]
fn objects_refer_to_each_other_by_their_places() {
    let (memory, ours) = arena(10_000);
    let mut first = 0;
    for value in 0..10 {
        let place = ours.place::<Node>().unwrap();
        ours.place_many::<AtomicU8>(value).unwrap(); // so that they do not just lie in a row
        let node = &ours.get(place).unwrap()[0];
        node.value.store(value as u64, Relaxed);
        node.next.store(first, Relaxed);
        first = place.offset() as u64;
    }
    let theirs = Arena::attach(&memory).unwrap();
    let mut seen = Vec::new();
    while first != 0 {
        let node = &theirs.get(Place::<Node>::from_offset(first as usize, 1)).unwrap()[0];
        seen.push(node.value.load(Relaxed));
        first = node.next.load(Relaxed);
    }
    assert!(seen.into_iter().eq((0..10).rev()));
}

#[test]
fn a_full_arena_is_an_error_and_stays_usable() {
    let (_memory, arena) = arena(64);
    arena.place_many::<AtomicU64>(7).unwrap();
    assert_eq!(arena.place_many::<AtomicU64>(2).unwrap_err(), ArenaError::Full { bytes: 16, left: 8 });
    assert_eq!(
        arena.place_many::<AtomicU64>(usize::MAX).unwrap_err(),
        ArenaError::Full { bytes: usize::MAX, left: 8 }
    );
    arena.place::<AtomicU64>().unwrap();
    assert_eq!(arena.used(), 64);
}

#[test]
fn a_place_is_given_once() {
    let (memory, ours) = arena(4 * 1000 * 8);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let arena = Arena::attach(&memory).unwrap();
                for _ in 0..1000 {
                    let place = arena.place::<AtomicU64>().unwrap();
                    arena.get(place).unwrap()[0].fetch_add(1, Relaxed);
                }
            });
        }
    });
    let first = Shared::<AtomicU64, AtomicU64>::size(0);
    let all = ours.get(Place::<AtomicU64>::from_offset(first, 4000)).unwrap();
    assert!(all.iter().all(|word| word.load(Relaxed) == 1), "two have got one place");
    assert!(matches!(ours.place::<AtomicU8>(), Err(ArenaError::Full { .. })));
}

#[test]
fn something_else_is_no_arena() {
    let memory = Memfd::create("other", 4096).unwrap();
    Shared::<AtomicU32>::create(&memory, |_, _| ()).unwrap();
    assert!(matches!(Arena::attach(&memory), Err(LayoutError::Layout { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_made_up_place_is_an_error_or_lies_inside(offset in prop_oneof![any::<usize>(), 0_usize..600], count in prop_oneof![any::<usize>(), 0_usize..30]) {
        let (memory, arena) = arena(300);
        match arena.get(Place::<Node>::from_offset(offset, count)) {
            Ok(nodes) => {
                prop_assert_eq!(nodes.len(), count);
                prop_assert!(offset >= Arena::size(0) && offset + count * size_of::<Node>() <= memory.size());
            }
            Err(ArenaError::Place(MapError::OutOfBounds { .. } | MapError::Misaligned { .. })) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    /// Whatever stands where the next free place should be, nothing is placed outside, nor over the header.
    #[test]
    fn a_spoiled_counter_places_nothing_outside(next in prop_oneof![any::<u64>(), 0_u64..600], count in 0_usize..40) {
        let (memory, arena) = arena(300);
        let shared = Shared::<AtomicU64, AtomicU64>::attach(&memory).unwrap();
        shared.store(next, Relaxed);
        prop_assert!(arena.used() <= 304);
        if let Ok(place) = arena.place_many::<AtomicU64>(count) {
            prop_assert!(place.offset() >= Arena::size(0));
            prop_assert!(place.offset() + 8 * count <= memory.size());
            arena.get(place).unwrap();
        }
    }
}
