//! The ledger: what does not depend on the machine comes out as it must, and what figures mean is fixed.
#![cfg(target_os = "linux")]

use std::{fs, path::Path, process::Command};

use choose::ledger::{Figures, Language, STATEMENTS, Verdict, judge};
use serde_json::Value;

fn verdict(text: &str, language: Language, figures: &Figures) -> Verdict {
    let statement = STATEMENTS.iter().find(|statement| statement.text == text).expect(text);
    judge(statement, language, figures).verdict
}

/// Two quiet cores.
fn quiet() -> Figures {
    Figures {
        gil: true,
        cores: 2,
        ceiling: 1.9,
        waiters: 16,
        waiting_threads: 13.0,
        waiting_processes: 4.0,
        computing_threads: 1.0,
        computing_processes: 1.8,
        busy_threads: 1.0,
        busy_processes: 1.8,
        ..Figures::default()
    }
}

#[test]
fn what_is_true_of_an_interpreter_with_a_lock_is_not_true_of_rust() {
    use Language::{Python, Rust};
    let python = quiet();
    let rust = Figures { gil: false, computing_threads: 1.85, busy_threads: 1.9, ..quiet() };
    for (text, in_python, in_rust) in [
        ("the GIL limits parallelism", Verdict::Held, Verdict::Refuted),
        ("processes suit CPU-bound tasks", Verdict::Held, Verdict::Refined),
        ("processes run on separate cores", Verdict::Held, Verdict::Refined),
        ("choose processes for CPU", Verdict::Held, Verdict::Refuted),
        ("choose threads for I/O", Verdict::Held, Verdict::Held),
    ] {
        assert_eq!(verdict(text, Python, &python), in_python, "{text}");
        assert_eq!(verdict(text, Rust, &rust), in_rust, "{text}");
    }
    // Without the lock, Python's threads do as Rust's.
    let free = Figures { gil: false, ..rust };
    assert_eq!(verdict("choose processes for CPU", Python, &free), Verdict::Refuted);
    assert_eq!(verdict("the GIL limits parallelism", Python, &free), Verdict::Refined);
}

#[test]
fn one_core_and_a_busy_machine_leave_it_open() {
    let busy = Figures { ceiling: 1.2, computing_processes: 1.1, ..quiet() };
    for figures in [Figures { cores: 1, ..quiet() }, busy] {
        for text in
            ["the GIL limits parallelism", "processes suit CPU-bound tasks", "choose processes for CPU"]
        {
            assert_eq!(verdict(text, Language::Python, &figures), Verdict::NotJudged, "{text}");
        }
        // Waiting needs no cores.
        assert_eq!(
            verdict("threads are efficient for I/O-bound tasks", Language::Python, &figures),
            Verdict::Held
        );
    }
}

#[test]
fn a_lock_that_loses_something_refutes_the_statement() {
    let good = Figures { inside: 2, in_order: true, ..quiet() };
    let text = "locks, semaphores and conditions protect shared data";
    assert_eq!(verdict(text, Language::Rust, &good), Verdict::Held);
    for bad in [
        Figures { lost_locked: 1, ..good.clone() },
        Figures { inside: 3, ..good.clone() },
        Figures { in_order: false, ..good },
    ] {
        assert_eq!(verdict(text, Language::Rust, &bad), Verdict::Refuted);
    }
}

/// Each statement with a figure that makes it so and one that does not.
#[test]
fn what_holds_depends_on_the_figures_and_on_nothing_else() {
    use Verdict::{Held, NotJudged, Refined, Refuted};
    let base = Figures {
        increments: 200,
        lost: 100,
        stuck: true,
        survives_process: true,
        seen_thread: true,
        seen_shared: true,
        table_process: 0.1,
        table_thread: 0.001,
        silence_alone: 0.3,
        silence_thread: 0.005,
        memory_processes: 3e6,
        memory_threads: 1e6,
        word_process: 3e-5,
        word_thread: 1e-5,
        ..quiet()
    };
    type Change = fn(&mut Figures);
    let cases: [(&str, [Verdict; 2], Change, [Verdict; 2]); 12] = [
        ("threads bring race conditions", [Refined, Held], |f| f.lost = 0, [Refuted; 2]),
        ("threads bring deadlocks", [Held; 2], |f| f.stuck = false, [Refuted; 2]),
        ("isolation enhances stability", [Held; 2], |f| f.survives_thread = true, [Refuted; 2]),
        ("isolation enhances stability", [Held; 2], |f| f.survives_process = false, [Refuted; 2]),
        ("processes share no memory by default", [Held; 2], |f| f.seen_process = true, [Refuted; 2]),
        ("processes share no memory by default", [Held; 2], |f| f.seen_thread = false, [Refuted; 2]),
        ("processes share no memory by default", [Held; 2], |f| f.seen_shared = false, [Refuted; 2]),
        ("threads share memory, which reduces overhead", [Held; 2], |f| f.table_thread = 0.1, [Refuted; 2]),
        ("threads keep a program responsive", [Held, Refined], |f| f.silence_thread = 0.3, [Refuted; 2]),
        ("processes take more memory", [Held; 2], |f| f.memory_processes = 1e6, [Refuted; 2]),
        ("processes take more memory", [Held; 2], |f| f.memory_threads = f64::NAN, [NotJudged; 2]),
        ("processes communicate with overhead", [Held; 2], |f| f.word_thread = 3e-5, [Refined; 2]),
    ];
    for (text, before, change, after) in cases {
        let mut other = base.clone();
        change(&mut other);
        for (figures, verdicts) in [(&base, before), (&other, after)] {
            let judged = [Language::Rust, Language::Python].map(|language| verdict(text, language, figures));
            assert_eq!(judged, verdicts, "{text}: {figures:?}");
        }
    }
}

/// One run of the whole ledger, as small as possible: times mean nothing in it, but what is forced does.
#[test]
fn what_is_forced_comes_out_the_same_in_both_languages() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_choose")).args(["ledger", "--json", "--tiny"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let lines: Vec<Value> = str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), STATEMENTS.len());
    for (text, rust, python, figure) in [
        ("threads bring race conditions", "refined", "held", 100.0),
        ("threads bring deadlocks", "held", "held", 1.0),
        ("locks, semaphores and conditions protect shared data", "held", "held", 0.0),
        ("isolation enhances stability", "held", "held", 1.0),
        ("processes share no memory by default", "held", "held", 1.0),
    ] {
        let line = lines.iter().find(|line| line["statement"] == text).expect(text);
        assert_eq!(
            (&line["rust"]["verdict"], &line["rust"]["figure"]),
            (&rust.into(), &figure.into()),
            "{line}"
        );
        let there = line["python"]["said"].as_str().unwrap();
        // No Python here, or not in time on a machine that builds something else: that is said, and no more.
        if line["python"]["verdict"] == "not-judged" {
            assert!(there.contains("python3"), "{line}");
        } else {
            assert_eq!(
                (&line["python"]["verdict"], &line["python"]["figure"]),
                (&python.into(), &figure.into()),
                "{line}"
            );
        }
    }
}

/// What the ledger sends its readers to is there: crate and lesson.
#[test]
fn every_lesson_that_is_named_exists_and_the_book_has_every_statement() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let chapter = fs::read_to_string(root.join("docs/src/choosing.md")).unwrap();
    for statement in &STATEMENTS {
        assert!(chapter.contains(statement.text) && chapter.contains(statement.lesson), "{}", statement.text);
        let words: Vec<&str> = statement.lesson.split_whitespace().collect();
        let ["cargo", "run", "-p", concept, "--", lessons @ ..] = &words[..] else { panic!("{words:?}") };
        for lesson in lessons {
            let files = fs::read_dir(root.join("crates").join(concept).join("src/lessons")).unwrap();
            let named = format!("name: \"{lesson}\"");
            let found = files
                .flatten()
                .any(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.contains(&named)));
            assert!(found, "{}", statement.lesson);
        }
    }
}
