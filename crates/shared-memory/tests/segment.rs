//! Named segments: one creates, one owns, nobody else takes the name away.

use std::{
    io,
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use rustix::fs::ftruncate;
use shared_memory::{
    Attached, MapError, Owner, SegmentError, Shared,
    guardian::Guardian,
    manager::Manager,
    peer::Cast,
    segment::{self, names},
};

const PREFIX: &str = "rust-segment-test";

fn there(name: &str) -> bool {
    !names(name).unwrap().is_empty()
}

fn fresh() -> Owner {
    Owner::create_unique(PREFIX, 4096).unwrap()
}

#[test]
fn the_owner_takes_the_name_away_and_who_attached_never_does() {
    let owner = fresh();
    let name = owner.name().as_str().to_owned();
    let attached = Attached::open(&name).unwrap();
    drop(attached);
    assert!(there(&name), "an attached handle has taken the name away");
    let attached = Attached::open(&name).unwrap();
    drop(owner);
    assert!(!there(&name));
    assert!(matches!(Attached::open(&name), Err(SegmentError::NotFound(_))));
    attached.map().unwrap().write(0, b"still here").unwrap();
}

#[test]
fn a_name_is_created_once() {
    let owner = fresh();
    let name = owner.name().as_str();
    assert!(matches!(Owner::create(name, 1), Err(SegmentError::NameTaken(_))));
    assert!(there(name), "the one who failed to create it has taken it away");
    assert_eq!(owner.size().unwrap(), 4096);
}

#[test]
fn what_is_no_name_is_refused_by_all() {
    let long = "n".repeat(255);
    for bad in ["", "/", "a/b", "//a", ".", "..", "a\0b", &long] {
        for error in [Owner::create(bad, 1).map(drop), Attached::open(bad).map(drop), segment::remove(bad)]
            .map(Result::unwrap_err)
        {
            assert_eq!(error, SegmentError::BadName(bad.to_owned()));
        }
    }
    let owner = fresh();
    let with_slash = format!("/{}", owner.name());
    assert_eq!(Attached::open(&with_slash).unwrap().name(), owner.name());
}

#[test]
fn a_failed_creation_leaves_no_name() {
    let name = format!("{PREFIX}-empty-{}", std::process::id());
    assert_eq!(Owner::create(&name, 0).unwrap_err(), SegmentError::Map(MapError::Empty));
    assert!(!there(&name));
    // More than any machine has. (Errors differ: no room, or no such size.)
    assert!(matches!(Owner::create(&name, 1 << 60).unwrap_err(), SegmentError::Map(_)));
    assert!(!there(&name));
}

#[test]
fn a_segment_that_is_too_small_is_refused() {
    let owner = fresh();
    let error = Attached::open_at_least(owner.name().as_str(), 4097).unwrap_err();
    assert!(matches!(error, SegmentError::TooSmall { has: 4096, needed: 4097, .. }), "{error}");
    assert_eq!(Attached::open_at_least(owner.name().as_str(), 4096).unwrap().size(), Ok(4096));
}

#[test]
fn a_segment_that_was_made_shorter_is_noticed() {
    let owner = fresh();
    let mapping = owner.map().unwrap();
    mapping.still_backed_by(&owner).unwrap();
    ftruncate(&owner, 100).unwrap();
    assert_eq!(mapping.still_backed_by(&owner), Err(MapError::TooSmall { has: 100, needed: 4096 }));
    assert!(Shared::<[AtomicU64; 100]>::attach(&owner).is_err());
}

#[test]
fn an_owner_leaves_another_segment_of_the_same_name_alone() {
    let first = fresh();
    let name = first.name().as_str().to_owned();
    segment::remove(&name).unwrap();
    let second = Owner::create(&name, 4096).unwrap();
    drop(first);
    assert!(there(&name), "the first owner has taken the second one's name away");
    drop(second);
    assert!(!there(&name));
}

#[test]
fn ownership_goes_from_hand_to_hand() {
    let owner = fresh();
    let name = owner.name().as_str().to_owned();
    let attached = owner.into_attached();
    assert!(there(&name));
    drop(attached.into_owner().unwrap());
    assert!(!there(&name));

    let owner = fresh();
    let name = owner.name().as_str().to_owned();
    let attached = owner.unlink();
    assert!(!there(&name));
    attached.map().unwrap();
}

#[test]
fn a_manager_takes_all_its_names_away() {
    let prefix = format!("{PREFIX}-manager-{}", std::process::id());
    let mut manager = Manager::new(&*prefix);
    for size in [1, 5000, 100_000] {
        assert_eq!(manager.create(size).unwrap().size(), Ok(size as u64));
    }
    assert_eq!(names(&prefix).unwrap().len(), 3);
    drop(manager);
    assert!(names(&prefix).unwrap().is_empty());
}

#[test]
fn another_process_changes_the_same_bytes() {
    let owner = Owner::create_unique(PREFIX, Shared::<AtomicU64>::size(0)).unwrap();
    let count = Shared::<AtomicU64>::create(&owner, |_, _| ()).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_shared-memory"));
    let mut peer =
        Cast::program(program, &["--scene", "segment/adder"]).with_word(owner.name()).start().unwrap();
    assert!(peer.end(Duration::from_secs(60)).unwrap().success());
    assert_eq!(count.load(Relaxed), 1);
}

/// A name may hold what looks like an order to somebody else, and a guardian takes away that name and no other.
#[test]
fn a_guardian_takes_away_what_it_was_told_whatever_the_name() {
    let name = |tail: &str| format!("rust-guardian-{}{tail}", process::id());
    let [bystander, forgotten] = [name("-bystander"), name("-forgotten")];
    let odd = format!("{}\n+{bystander}", name("-odd"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_shared-memory"));
    let program = program.args(["--scene", "leaks/guardian"]).stdout(Stdio::null());
    let mut guardian = Guardian::start(program).unwrap();
    guardian.watch(&odd).unwrap();
    guardian.watch(&forgotten).unwrap();
    // With the slash and without, it is the same name.
    guardian.forget(&format!("/{forgotten}")).unwrap();
    for bad in ["", "a/b", "a\0b"] {
        assert_eq!(guardian.watch(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad:?}");
    }
    let owners = [&odd, &bystander, &forgotten].map(|name| Owner::create(name, 8).unwrap());
    drop(guardian);
    let there = owners.each_ref().map(|owner| Attached::open(owner.name().as_str()).is_ok());
    assert_eq!(there, [false, true, true]);
}
