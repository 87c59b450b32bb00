//! The tests with the primitive's name come first, and the list of equivalent mutants is read strictly.

use std::fs;

use mutants::{checks::for_file, equivalent};

#[test]
fn the_tests_with_the_name_come_first() {
    let tests = tempfile::tempdir().unwrap();
    for file in [
        "arc.rs",
        "arc_model.rs",
        "futex_model.rs",
        "semaphore.rs",
        "blocking_model/main.rs",
        "blocking_model/semaphore.rs",
    ] {
        let path = tests.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let checks = |file| {
        for_file("synchronization", file, tests.path())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let all = ["loom: *model", "shuttle: *model"];
    assert_eq!(checks("arc.rs"), [&["loom: arc_model", "shuttle: arc_model", "std: arc"], &all[..]].concat());
    assert_eq!(
        checks("semaphore.rs"),
        [&["loom: blocking_model", "shuttle: blocking_model", "std: semaphore"], &all[..]].concat()
    );
    assert_eq!(
        checks("futex/semaphore.rs"),
        [&["loom: futex_model", "shuttle: futex_model", "std: semaphore"], &all[..]].concat()
    );
    assert_eq!(
        checks("futex/mutex.rs"),
        [&["loom: futex_model", "shuttle: futex_model", "std: futex_model"], &all[..]].concat()
    );
    assert_eq!(checks("reclaim.rs"), [&["std: all tests"], &all[..]].concat());
    let check = &for_file("shared-memory", "arc.rs", tests.path()).unwrap()[0];
    assert_eq!(check.arguments(), ["--package=shared-memory", "--features=loom", "--test=arc_model"]);
}

#[test]
fn an_equivalent_mutant_has_a_reason() {
    let list = "# comment\na.rs in f: x -> y\n    since\n    so\n\nb.rs in g: x -> y\n    of course\n";
    let reasons = equivalent::parse(list).unwrap();
    assert_eq!(reasons["a.rs in f: x -> y"], "since so");
    assert_eq!(reasons["b.rs in g: x -> y"], "of course");
    assert_eq!(reasons.len(), 2);

    let refused = |list| equivalent::parse(list).unwrap_err().to_string();
    assert_eq!(refused("a\nb\n  why\n"), "without a reason: a");
    assert_eq!(refused("a\n  why\na\n  why\n"), "named twice: a");
    assert!(refused("  why\n").starts_with("a reason before any mutant"));
}
