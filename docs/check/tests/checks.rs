//! The checks find what is wrong: each is shown something broken.

use std::fs;

use docs_check::{Command, commands, includes, links, recipes};

#[test]
fn a_missing_file_and_a_missing_end_of_an_anchor_are_found() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("code.rs"), "// ANCHOR: open\n// ANCHOR: both\n// ANCHOR_END: both\n").unwrap();
    let page = dir.path().join("page.md");
    let wrong = |text: &str| includes(&page, text).len();
    assert_eq!(wrong("{{#include code.rs:both}} {{#include code.rs}}"), 0);
    assert_eq!(wrong("{{#include code.rs:open}}"), 1);
    assert_eq!(wrong("{{#include code.rs:neither}}"), 2);
    assert_eq!(wrong("{{#rustdoc_include gone.rs:both}}"), 1);
}

#[test]
fn a_link_to_nowhere_is_found() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("other.md"), "# What it costs\n").unwrap();
    let page = dir.path().join("page.md");
    let wrong = |text: &str| links(&page, text).len();
    assert_eq!(wrong("[a](other.md) [b](other.md#what-it-costs) [c](https://example.org/x)"), 0);
    assert_eq!(wrong("```rust\nf[0](gone)\n```"), 0);
    assert_eq!(wrong("![p](gone.svg)"), 1);
    assert_eq!(wrong("[a](other.md#what-it-gives)"), 1);
}

#[test]
fn commands_are_read_as_a_reader_types_them() {
    let text =
        "Run `cargo run -p threads -- pool stealing`, then\n    cargo run --release -p choose   # slow\n";
    let command = |package: &str, words: &[&str]| Command {
        package: package.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    assert_eq!(commands(text), [command("threads", &["pool", "stealing"]), command("choose", &[])]);
    assert_eq!(recipes("`just bench` and just so, then\njust docs\n"), ["bench", "docs"]);
}
