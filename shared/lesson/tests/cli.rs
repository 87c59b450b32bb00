//! The contract of the command line: forms of output and exit codes.

use std::io::{self, Write};

use lesson::{Bound, Lesson, Story, tell};

const fn lesson(name: &'static str, run: fn(&mut Story) -> lesson::Result) -> Lesson {
    Lesson { name, question: "Does it?", python: &["threading.Thread"], run, scenes: &[("end", || {})] }
}

const GOOD: Lesson = lesson("good", |story| {
    story.say("Two numbers are compared.");
    story.equal("one is one", 1, 1);
    story.skip("Python is there", "a python3", "no python3 on this machine");
    Ok(())
});
const BAD: Lesson = lesson("bad", |story| {
    story.equal("one is two", 2, 1);
    Ok(())
});
const ERROR: Lesson = lesson("error", |_| Err("no such thing".into()));
const PANIC: Lesson = lesson("panic", |_| panic!("oh no"));
const TIMED: Lesson = lesson("timed", |story| {
    story.timed("ten is more than two", Bound::AtLeast(2.0), 0, || 10.0);
    story.timed("one is not", Bound::AtLeast(2.0), 0, || 1.0);
    Ok(())
});

fn told(lessons: &[Lesson], args: &str) -> (u8, String) {
    let mut out = Vec::new();
    let code = tell("crate", lessons, ["crate"].into_iter().chain(args.split_whitespace()), &mut out);
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn json_is_one_object_a_line_and_nothing_else() {
    let (code, out) = told(&[GOOD, BAD], "--json");
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(code, 1);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["concept"], "crate");
    assert_eq!(lines[0]["lesson"], "good");
    assert!(lines[0]["seconds"].is_number());
    assert_eq!(
        lines[0]["claims"][0],
        serde_json::json!({"text": "one is one", "expected": "1", "observed": "1", "holds": true})
    );
    assert_eq!(lines[0]["claims"][1]["holds"], serde_json::Value::Null);
    assert_eq!(lines[1]["claims"][0]["holds"], false);
}

#[test]
fn exit_codes_say_whether_all_claims_hold() {
    assert_eq!(told(&[GOOD], "").0, 0);
    assert_eq!(told(&[GOOD, BAD], "").0, 1);
    assert_eq!(told(&[GOOD, BAD], "good").0, 0);
    for usage in ["nonsense", "--workers 0", "--workers 5000", "--workers many", "--seed x", "--json --quiet"]
    {
        assert_eq!(told(&[GOOD], usage).0, 2, "{usage}");
    }
    assert_eq!(told(&[GOOD], "--help").0, 0);
}

#[test]
fn an_error_and_a_panic_are_failed_claims_and_the_next_lesson_follows() {
    let (code, out) = told(&[ERROR, PANIC, GOOD], "");
    assert_eq!(code, 1);
    for seen in ["no such thing", "oh no", "one is one", "crate: 1 claims hold, 2 do not, 1 skipped"] {
        assert!(out.contains(seen), "{seen} in {out}");
    }
}

#[test]
fn quiet_prints_only_what_does_not_hold() {
    let (_, out) = told(&[GOOD, BAD], "--quiet");
    assert!(out.contains("one is two") && !out.contains("one is one") && !out.contains("Does it?"), "{out}");
}

#[test]
fn list_names_every_lesson_and_runs_none() {
    let (code, out) = told(&[BAD, PANIC], "list");
    assert_eq!((code, out.lines().count()), (0, 2));
    let (_, json) = told(&[BAD], "list --json");
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(listed["question"], "Does it?");
}

#[test]
fn time_is_judged_by_ratio_or_not_at_all() {
    let holds = |args| {
        let (code, out) = told(&[TIMED], args);
        let line: serde_json::Value = serde_json::from_str(&out).unwrap();
        (code, line["claims"][0]["holds"].clone(), line["claims"][1]["holds"].clone())
    };
    assert_eq!(holds("--json"), (1, true.into(), false.into()));
    let null = serde_json::Value::Null;
    assert_eq!(holds("--json --untimed"), (0, null.clone(), null));
}

#[test]
fn scenes_play_by_name() {
    assert_eq!(told(&[GOOD], "--scene good/end").0, 0);
    assert_eq!(told(&[GOOD], "--scene good/nothing").0, 2);
}

const DRAWN: Lesson = lesson("drawn", |story| {
    story.show(if story.explains() { "step by step" } else { "in short" });
    story.picture("lanes", || "<svg/>".to_owned())?;
    story.equal("one is one", 1, 1);
    Ok(())
});

#[test]
fn drawings_are_explained_when_asked_for() {
    assert!(told(&[DRAWN], "").1.contains("in short"));
    assert!(told(&[DRAWN], "--explain").1.contains("step by step"));
}

#[test]
fn pictures_are_written_where_asked_and_nowhere_else() {
    let directory = std::env::temp_dir().join(format!("lesson-svg-{}", std::process::id()));
    let [there, file] = [directory.join("new"), directory.join("new/drawn-lanes.svg")];
    assert_eq!(told(&[DRAWN], "").0, 0);
    assert!(!there.exists());
    assert_eq!(told(&[DRAWN], &format!("--svg {}", there.display())).0, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "<svg/>");
    // A directory that cannot be made, as a file has its name.
    let (code, out) = told(&[DRAWN], &format!("--svg {}", file.display()));
    assert_eq!((code, out.as_str()), (2, ""), "a lesson was told before that was found");
    std::fs::remove_dir_all(directory).unwrap();
}

/// A reader that takes one line and goes away, as `head -1` does.
struct Head(u32);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_goes_away_ends_it_quietly() {
    assert_eq!(tell("crate", &[GOOD, GOOD], ["crate"], &mut Head(1)), 0);
}
