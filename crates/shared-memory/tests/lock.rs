//! Both robust locks from outside: who may have them, what becomes of the dead, and what of bytes that no lock has written.

use std::{
    mem, thread,
    time::{Duration, Instant},
};

use model::sync::atomic::Ordering::Relaxed;
use shared_memory::{
    LayoutError, Memfd, Shared,
    lock::{
        Holder, LockError, Mutex, Processes, RawLock, Refusal, Taken,
        pthread::{Robust, RobustError},
    },
};

const LIMIT: Duration = Duration::from_secs(60);

fn mutex() -> (Memfd, Shared<Mutex<u64>>) {
    let memory = Memfd::create("rust-lock", Shared::<Mutex<u64>>::size(0)).unwrap();
    let mutex = Shared::<Mutex<u64>>::create(&memory, |mutex, _| *mutex = Mutex::new(7)).unwrap();
    (memory, mutex)
}

fn robust() -> (Memfd, Robust<u64>) {
    let memory = Memfd::create("rust-lock", Robust::<u64>::size()).unwrap();
    // SAFETY: only this test has it.
    let robust = unsafe { Robust::create(&memory) }.unwrap();
    (memory, robust)
}

#[test]
fn threads_of_two_mappings_lose_nothing() {
    let (memory, mutex) = mutex();
    let (their_memory, robust) = robust();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mine = Shared::<Mutex<u64>>::attach(&memory).unwrap();
                // SAFETY: only this test has it.
                let theirs = unsafe { Robust::<u64>::attach(&their_memory) }.unwrap();
                for _ in 0..5_000 {
                    *mine.lock().unwrap() += 1;
                    *theirs.lock().unwrap() += 1;
                }
            });
        }
    });
    assert_eq!((*mutex.lock().unwrap(), *robust.lock().unwrap()), (20_007, 20_000));
}

#[test]
fn twice_is_an_error_and_a_living_holder_is_waited_for() {
    let (memory, mutex) = mutex();
    let (their_memory, robust) = robust();
    let (guard, their_guard) = (mutex.lock().unwrap(), robust.lock().unwrap());
    assert!(matches!(mutex.lock(), Err(LockError::Deadlock)));
    assert!(matches!(robust.lock(), Err(LockError::Deadlock)));
    thread::scope(|scope| {
        scope.spawn(|| {
            let other = Shared::<Mutex<u64>>::attach(&memory).unwrap();
            assert!(matches!(other.lock_within(Duration::ZERO), Err(LockError::TimedOut)));
            assert!(matches!(other.lock_within(Duration::from_millis(30)), Err(LockError::TimedOut)));
            // SAFETY: only this test has it.
            let other = unsafe { Robust::<u64>::attach(&their_memory) }.unwrap();
            assert!(matches!(other.lock_within(Duration::ZERO), Err(LockError::TimedOut)));
            assert!(matches!(other.lock_within(Duration::from_millis(30)), Err(LockError::TimedOut)));
        });
    });
    drop((guard, their_guard));
    assert_eq!((*mutex.lock().unwrap(), *robust.lock().unwrap()), (7, 0));
}

/// A thread that ends with the lock held is as dead as a process.
#[test]
fn a_thread_that_forgets_its_guard() {
    let (memory, mutex) = mutex();
    let (their_memory, robust) = robust();
    thread::scope(|scope| {
        scope.spawn(|| {
            mem::forget(Shared::<Mutex<u64>>::attach(&memory).unwrap().lock().unwrap());
            // SAFETY: only this test has it.
            let other = unsafe { Robust::<u64>::attach(&their_memory) }.unwrap();
            mem::forget(other.lock().unwrap());
            // Dropped, and its memory is still there: the C library's list of this thread leads to it.
        });
    });
    let Err(LockError::OwnerDied(mut guard)) = mutex.lock_within(LIMIT) else { panic!("no death") };
    guard.make_consistent();
    drop(guard);
    drop(mutex.lock().unwrap());
    let Err(LockError::OwnerDied(guard)) = robust.lock_within(LIMIT) else { panic!("no death") };
    // Not repaired.
    drop(guard);
    assert!(matches!(robust.lock(), Err(LockError::NotRecoverable)));
    assert!(matches!(robust.lock_within(LIMIT), Err(LockError::NotRecoverable)));
}

#[test]
fn an_id_that_was_given_to_another_does_not_keep_a_lock() {
    let me = Holder::current().unwrap();
    assert!(me.is_alive());
    assert_eq!(me, Holder::current().unwrap());
    // Our id, and a birth that is not ours: somebody had it before us.
    let before = Holder::new(me.thread(), 1);
    assert!(!before.is_alive());
    let lock = RawLock::default();
    assert_eq!(lock.lock(before, &Processes::default()), Ok(Taken::Sound));
    assert_eq!(lock.lock(me, &Processes::within(LIMIT)), Ok(Taken::OwnerDied));
    let other = thread::spawn(|| Holder::current().unwrap()).join().unwrap();
    assert!(other != me);
    // Whoever joins a thread is told a moment before the system has forgotten it.
    let begun = Instant::now();
    while other.is_alive() {
        assert!(begun.elapsed() < LIMIT);
        thread::yield_now();
    }
}

/// A child that has ended and that nobody has waited for is a zombie: its id is taken, and it is dead.
#[test]
fn a_zombie_is_dead() {
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let born = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap().parse().unwrap();
    let holder = Holder::new(child.id(), born);
    assert!(holder.is_alive());
    child.kill().unwrap();
    // Ended, as the pidfd says, and not waited for.
    assert!(processes::ended::ended_within(child.id(), LIMIT).unwrap());
    assert!(!holder.is_alive());
    child.wait().unwrap();
    assert!(!holder.is_alive());
}

/// In a child that was forked, the number that was found before is its parent's.
#[test]
fn a_forked_child_is_another_holder() {
    let me = Holder::current().unwrap();
    // SAFETY: the child reads a file and ends; it takes no lock that another thread may have held at the fork but the
    // allocator's, which the C library makes usable in the child.
    match unsafe { libc::fork() } {
        0 => {
            let same = Holder::current().is_ok_and(|child| child == me);
            // SAFETY: ends without the parent's cleaning up.
            unsafe { libc::_exit(i32::from(same)) }
        }
        child => {
            assert!(child > 0);
            let mut status = 0;
            // SAFETY: our child, waited for once.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "the child took itself for its parent");
        }
    }
}

/// Any bytes are a lock: free, lost, held by the dead or by the living. None of them hangs.
#[test]
fn any_word_is_a_lock() {
    let me = Holder::current().unwrap();
    let mut word = 1_u64;
    let words = (0..2_000).map(|_| {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        word
    });
    let special = [RawLock::WAITERS, 1, u64::MAX, RawLock::LOST, u64::from(u32::MAX), 1 << 31, 1 << 32];
    let mut heirs = 0;
    for word in words.chain(special) {
        let lock = RawLock::default();
        lock.state.store(word, Relaxed);
        match lock.lock(me, &Processes::within(Duration::ZERO)) {
            Ok(Taken::OwnerDied) => heirs += 1,
            Ok(Taken::Sound) => panic!("{word:#x} is not free"),
            Err(Refusal::TimedOut | Refusal::NotRecoverable) => {}
            Err(Refusal::Deadlock) => panic!("{word:#x} is not this thread"),
        }
    }
    assert!(heirs >= 2_000, "only {heirs} words were held by nobody who lives");
}

#[test]
fn memory_that_has_no_room_or_no_lock_is_refused() {
    let small = Memfd::create("rust-lock", Robust::<u64>::size() - 8).unwrap();
    // SAFETY: only this test has it.
    let refused = unsafe { Robust::<u64>::create(&small) };
    assert!(matches!(refused, Err(RobustError::Layout(LayoutError::Map(_)))), "{refused:?}");
    let empty = Memfd::create("rust-lock", Robust::<u64>::size()).unwrap();
    // SAFETY: only this test has it.
    let refused = unsafe { Robust::<u64>::attach(&empty) };
    assert!(matches!(refused, Err(RobustError::Layout(LayoutError::Empty))), "{refused:?}");
    let (memory, _robust) = robust();
    // SAFETY: only this test has it.
    let other_type = unsafe { Robust::<u32>::attach(&memory) };
    assert!(matches!(other_type, Err(RobustError::Layout(LayoutError::Layout { .. }))), "{other_type:?}");
}
