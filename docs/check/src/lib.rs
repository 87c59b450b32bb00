//! What mdBook does not check: it ends well on a missing anchor and on a broken link.
//!
//! Each check takes the text of a Markdown file and returns what is wrong with it, in words.

use std::{fs, path::Path};

/// Checks every `{{#include file:anchor}}` of the Markdown file at `page`: the file is there, and so are both
/// ends of the anchor.
pub fn includes(page: &Path, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for directive in between(text, "{{#", "}}") {
        let Some((_, target)) = directive.split_once("include ") else { continue };
        let (file, anchor) = match target.trim().split_once(':') {
            Some((file, anchor)) => (file, Some(anchor)),
            None => (target.trim(), None),
        };
        match (fs::read_to_string(beside(page, file)), anchor) {
            (Err(error), _) => wrong.push(format!("{}: include of {file}: {error}", page.display())),
            (Ok(source), Some(anchor)) => {
                for mark in ["ANCHOR: ", "ANCHOR_END: "] {
                    let mark = format!("{mark}{anchor}");
                    if !source.lines().any(|line| line.trim_end().ends_with(&mark)) {
                        wrong.push(format!("{}: {file} has no line '{mark}'", page.display()));
                    }
                }
            }
            (Ok(_), None) => {}
        }
    }
    wrong
}

/// Checks every relative link and picture: the file is there, and the heading that `#...` names.
pub fn links(page: &Path, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for target in between(&without_code(text), "](", ")") {
        // A path such as `workload::RunError` is a link of rustdoc, which checks it.
        if target.contains("://") || target.contains("::") || target.starts_with("mailto:") {
            continue;
        }
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if file.is_empty() { page.to_owned() } else { beside(page, file) };
        if !path.exists() {
            wrong.push(format!("{}: link to {target}: no such file", page.display()));
        } else if !heading.is_empty() && path.extension().is_some_and(|ending| ending == "md") {
            let headings = fs::read_to_string(&path).unwrap_or_default();
            if !headings.lines().filter_map(heading_of).any(|slug| slug == heading) {
                wrong.push(format!("{}: link to {target}: no such heading", page.display()));
            }
        }
    }
    wrong
}

/// A command line `cargo run ... -p PACKAGE ... -- WORDS` as a text names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// The package after `-p`.
    pub package: String,
    /// What follows `--`, without comments.
    pub words: Vec<String>,
}

/// Every `cargo run -p` in a text, in code blocks and in the line.
pub fn commands(text: &str) -> Vec<Command> {
    let lines = text.lines().flat_map(|line| line.split("cargo run ").skip(1));
    lines
        .filter_map(|rest| {
            let rest = rest.split(['`', '#', '|', ';', '&', ')', '>']).next().unwrap_or_default();
            let (cargo, own) = rest.split_once("-- ").unwrap_or((rest, ""));
            let mut cargo = cargo.split_whitespace();
            cargo.find(|word| *word == "-p")?;
            Some(Command {
                package: cargo.next()?.trim_end_matches([',', '.', ':']).to_owned(),
                words: own
                    .split_whitespace()
                    .map(|word| word.trim_end_matches([',', '.']).to_owned())
                    .collect(),
            })
        })
        .collect()
}

/// Every `just RECIPE` in a text's code.
pub fn recipes(text: &str) -> Vec<String> {
    let words = text.match_indices("just ").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        matches!(before, Some('`' | '\n'))
    });
    let recipe = |at: usize| text[at + 5..].split(|c: char| !c.is_alphanumeric() && c != '-').next();
    words.filter_map(|(at, _)| recipe(at)).map(str::to_owned).collect()
}

/// Texts between `open` and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(inside, _)| inside).collect()
}

fn beside(page: &Path, file: &str) -> std::path::PathBuf {
    page.parent().unwrap_or(Path::new(".")).join(file)
}

/// Code is not prose: `a[i](x)` in a block is no link.
fn without_code(text: &str) -> String {
    let mut inside = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    prose.collect::<Vec<_>>().join("\n")
}

/// The name by which a heading is linked to: lower case, spaces as dashes, no punctuation.
fn heading_of(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let letters = title.to_lowercase();
    let kept = letters.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}
