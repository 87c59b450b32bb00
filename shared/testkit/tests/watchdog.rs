//! A test that hangs ends as a failure that shows its threads; one that does not hang is left alone.

use std::{thread, time::Duration};

use testkit::{must_find, watchdog};

#[test]
fn a_hang_aborts_and_names_the_test_and_its_threads() {
    let found = must_find("a hang", "hangs: not done within", || {
        thread::Builder::new().name("stuck-thread".into()).spawn(park_for_ever).expect("spawn");
        let _guard = watchdog(Duration::from_secs(2));
        park_for_ever();
    });
    assert!(found.output.contains("stuck-thread: state S"), "{}", found.output);
}

#[test]
fn a_test_that_ends_is_left_alone() {
    // Would the drop not stop the timer, it would wait for it for an hour.
    drop(watchdog(Duration::from_secs(3600)));
}

fn park_for_ever() {
    loop {
        thread::park();
    }
}
