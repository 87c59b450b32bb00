//! Whatever bytes are in a segment: to attach it is an error, or all of its use stays inside of it.

use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use rustix::{fs::ftruncate, io::Errno};
use shared_memory::{Memfd, gate::Gate, layout::Header};

#[path = "support/hostile.rs"]
mod hostile;
use hostile::{Kind, Script, kinds, raw, spoiled};

/// All bytes of a right one.
fn right(kind: &Kind) -> Vec<u8> {
    let (memory, mut bytes) = (built(kind), vec![0; kind.size]);
    memory.map().unwrap().read(0, &mut bytes).unwrap();
    bytes
}

fn built(kind: &Kind) -> Memfd {
    let memory = Memfd::create("built", kind.size).unwrap();
    (kind.build)(&memory);
    memory
}

fn with_header() -> impl Iterator<Item = Kind> {
    kinds().into_iter().filter(|kind| kind.has_header)
}

#[test]
fn what_is_right_is_attached() {
    for kind in kinds() {
        assert!((kind.use_all)(&built(&kind), &mut Script(&[7; 100])), "{}", kind.name);
        assert!(raw(&kind, &right(&kind)), "{}: as bytes", kind.name);
    }
}

#[test]
fn one_byte_less_is_refused() {
    for kind in kinds() {
        let bytes = right(&kind);
        // The list's last bytes are of its data, so it does not miss what is only room.
        for len in (1..bytes.len()).rev() {
            assert!(!raw(&kind, &bytes[..len]), "{}: {len} of {} bytes", kind.name, bytes.len());
        }
    }
}

#[test]
fn another_version_is_refused() {
    for kind in with_header() {
        for version in [0, Header::VERSION + 1, u32::MAX] {
            let memory = built(&kind);
            memory.map().unwrap().at::<Header>(0).unwrap().version.store(version, Relaxed);
            assert!(!(kind.use_all)(&memory, &mut Script(&[])), "{}: version {version}", kind.name);
        }
    }
}

#[test]
fn one_that_is_being_built_is_refused() {
    for kind in with_header() {
        let memory = built(&kind);
        memory.map().unwrap().at::<Header>(0).unwrap().magic.word.store(Gate::BUILDING, Relaxed);
        assert!(!(kind.use_all)(&memory, &mut Script(&[])), "{}", kind.name);
    }
}

/// Each is taken for each other.
#[test]
fn another_structure_is_refused() {
    for kind in with_header() {
        for other in kinds().into_iter().filter(|other| other.name != kind.name) {
            let memory = built(&other);
            assert!(!(kind.use_all)(&memory, &mut Script(&[])), "a {} for a {}", other.name, kind.name);
        }
    }
}

/// Nobody can take away what another one has mapped: a read there would be a SIGBUS.
#[test]
fn it_does_not_shrink_under_who_uses_it() {
    for kind in kinds() {
        let memory = built(&kind);
        assert_eq!(ftruncate(&memory, 1), Err(Errno::PERM), "{}", kind.name);
        assert!((kind.use_all)(&memory, &mut Script(&[])), "{}", kind.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn random_bytes_stay_inside(which in 0..kinds().len(), bytes in prop::collection::vec(any::<u8>(), 1..600)) {
        let kind = &kinds()[which];
        let attached = raw(kind, &bytes);
        prop_assert!(!attached || !kind.has_header, "random bytes are no {}", kind.name);
    }

    /// A right one with some numbers changed, half of which could be true.
    #[test]
    fn a_spoiled_one_stays_inside(which in 0..kinds().len(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        spoiled(&kinds()[which], &bytes);
    }
}
