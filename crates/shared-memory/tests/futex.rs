//! A wake on a word in shared memory reaches sleepers of another process.

use std::{process::Command, time::Duration};

use model::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use shared_memory::{
    Memfd, Shared,
    futex::{wait_shared, wake_shared},
    peer::Cast,
};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_sleeper_of_another_process_is_woken() {
    let memory = Memfd::create("futex", Shared::<[AtomicU32; 2]>::size(0)).unwrap();
    let words = Shared::<[AtomicU32; 2]>::create(&memory, |_, _| ()).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_shared-memory"));
    let start = Cast::program(program, &["--scene", "memfd/echo"]).with_memory(&memory);
    let mut peer = start.unwrap().start().unwrap();
    let [question, answer] = &*words;
    for round in 1..=200 {
        question.store(round, Release);
        wake_shared(question, 1);
        while answer.load(Acquire) != round {
            // The other's wake must end this sleep: it has no limit of its own that could.
            assert!(wait_shared(answer, round - 1, Some(LIMIT)), "nobody wakes in round {round}");
        }
    }
    question.store(u32::MAX, Release);
    wake_shared(question, 1);
    assert!(peer.end(LIMIT).unwrap().success());
    assert_eq!(answer.load(Relaxed), 200);
}

#[test]
fn a_limit_runs_out_and_a_changed_word_does_not_wait() {
    let memory = Memfd::create("futex", Shared::<AtomicU32>::size(0)).unwrap();
    let word = Shared::<AtomicU32>::create(&memory, |_, _| ()).unwrap();
    assert!(!wait_shared(&word, 0, Some(Duration::from_millis(1))));
    assert!(wait_shared(&word, 1, None));
}
