//! Whoever dies where: nothing is left in /dev/shm, no descriptor, no process. Alone in its binary, for it counts
//! descriptors.

use std::{
    process::Command,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use shared_memory::{Arena, Attached, Item, Memfd, Owner, ShareableList, Shared, peer::Cast};
use testkit::{LeakGuard, run_within};

const LIMIT: Duration = Duration::from_secs(120);
/// All segments of tests and lessons begin so.
const PREFIX: &str = "rust-";

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_shared-memory"))
}

#[test]
fn nothing_is_left_behind() {
    // Other test binaries run at the same time, with names of their own; this one looks at these.
    let names = format!("{PREFIX}leak-{}", std::process::id());
    let guard = LeakGuard::new(&names);
    successes(&names);
    refusals(&names);
    guard.check().unwrap();
    killed_peers();
    guard.check().unwrap();
    // The lessons count names themselves; here: no process, no descriptor stays with us either.
    let told =
        run_within(LIMIT, program().args(["segment", "memfd", "leaks", "arena", "--untimed", "--quiet"]));
    assert!(told.unwrap().status.success());
    guard.check().unwrap();
}

fn successes(names: &str) {
    for _ in 0..20 {
        let owner = Owner::create_unique(names, Shared::<AtomicU64>::size(0)).unwrap();
        let shared = Shared::<AtomicU64>::create(&owner, |_, _| ()).unwrap();
        let attached = Attached::open(owner.name().as_str()).unwrap();
        Shared::<AtomicU64>::attach(&attached).unwrap().fetch_add(1, Relaxed);
        assert_eq!(shared.load(Relaxed), 1);
        attached.into_owner().unwrap().unlink();
        let memory = Memfd::create("leak", Arena::size(100)).unwrap();
        Arena::create(&memory).unwrap().place::<AtomicU64>().unwrap();
    }
}

/// Every error path lets go of what it had until then.
fn refusals(names: &str) {
    for _ in 0..20 {
        let owner = Owner::create_unique(names, 16).unwrap();
        Owner::create(owner.name().as_str(), 16).unwrap_err();
        Owner::create_unique(names, 0).unwrap_err();
        Owner::create_unique(names, 1 << 60).unwrap_err();
        Attached::open_at_least(owner.name().as_str(), 17).unwrap_err();
        Attached::open(&format!("{names}-none")).unwrap_err();
        Shared::<AtomicU64>::create(&owner, |_, _| ()).unwrap_err();
        Shared::<AtomicU64>::attach(&owner).unwrap_err();
        owner.map().unwrap().write(0, &[255; 16]).unwrap();
        ShareableList::attach(&owner).unwrap_err();
        ShareableList::create(&owner, &[Item::Int(1)]).unwrap_err();
        Arena::attach(&owner).unwrap_err();
    }
}

/// A peer that is killed in the middle, one that is dropped while it runs, one that hangs.
fn killed_peers() {
    let memory = Memfd::create("leak", 4096).unwrap();
    for _ in 0..10 {
        let start =
            || Cast::program(program(), &["--scene", "leaks/creator"]).with_word("memfd").with_word("none");
        let mut killed = start().with_memory(&memory).unwrap().killed_at("created", 1).start().unwrap();
        assert_eq!(killed.line(LIMIT).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        drop(start().start().unwrap());
        let mut hangs = Cast::program(Command::new("sleep"), &["1000"]).start().unwrap();
        assert_eq!(hangs.line(Duration::ZERO).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(hangs.end(Duration::ZERO).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    }
}
