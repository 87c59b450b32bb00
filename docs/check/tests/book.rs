//! Every page of the book and every README says only what is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use docs_check::{commands, includes, links, recipes};
use lesson::Lesson;

/// Options that every concept crate knows.
const OPTIONS: [&str; 8] =
    ["--workers", "--seed", "--json", "--quiet", "--untimed", "--explain", "--svg", "--help"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Markdown files directly in `folder`.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

/// The folders of all packages, by the name in their manifest.
fn packages() -> Vec<(String, PathBuf)> {
    let parents = ["shared", "crates", "tools"].map(|parent| fs::read_dir(top().join(parent)).unwrap());
    let inner = parents.into_iter().flatten().map(|entry| entry.unwrap().path());
    inner
        .chain([top().join("benches")])
        .filter_map(|folder| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "))?;
            Some((name.trim_matches('"').to_owned(), folder))
        })
        .collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = [markdown(&top()), markdown(&top().join("docs/src"))].concat();
    pages.extend(packages().iter().flat_map(|(_, folder)| markdown(folder)));
    assert!(pages.len() > 5, "only {pages:?}");
    pages
}

fn all(check: impl Fn(&Path, &str) -> Vec<String>) {
    let wrong: Vec<String> = pages().iter().flat_map(|page| check(page, &read(page))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_include_finds_its_anchor() {
    all(includes);
}

#[test]
fn every_relative_link_leads_somewhere() {
    all(links);
}

#[test]
fn every_command_names_a_package_and_a_lesson_that_exist() {
    let packages: BTreeSet<String> = packages().into_iter().map(|(name, _)| name).collect();
    let lessons = |package: &str| -> Option<&[Lesson]> {
        match package {
            "threads" => Some(threads::lessons::LESSONS),
            "ipc" => Some(ipc::lessons::LESSONS),
            "processes" => Some(processes::lessons::LESSONS),
            "shared-memory" => Some(shared_memory::lessons::LESSONS),
            "synchronization" => Some(synchronization::lessons::LESSONS),
            "deadlock" => Some(deadlock::lessons::LESSONS),
            "gil" => Some(gil::lessons::LESSONS),
            _ => None,
        }
    };
    all(|page, text| {
        let mut wrong = Vec::new();
        for command in commands(text) {
            if !packages.contains(&command.package) {
                wrong.push(format!("{}: no package '{}'", page.display(), command.package));
            }
            let Some(lessons) = lessons(&command.package) else { continue };
            // `--worker`, `--cut` and `--join` make the program something else than a teller of lessons.
            if command
                .words
                .first()
                .is_some_and(|word| ["--worker", "--cut", "--join"].contains(&word.as_str()))
            {
                continue;
            }
            for word in &command.words {
                let known = word == "list"
                    || word.parse::<u64>().is_ok()
                    || OPTIONS.contains(&word.as_str())
                    || lessons.iter().any(|lesson| lesson.name == word);
                if !known {
                    wrong.push(format!("{}: no lesson '{word}' in {}", page.display(), command.package));
                }
            }
        }
        wrong
    });
}

#[test]
fn every_recipe_is_in_the_justfile() {
    let justfile = read(&top().join("justfile"));
    all(|page, text| {
        let missing = |recipe: &String| {
            !justfile.lines().any(|line| line.split([' ', ':']).next() == Some(recipe.as_str()))
        };
        let missing = recipes(text).into_iter().filter(missing);
        missing.map(|recipe| format!("{}: no recipe '{recipe}'", page.display())).collect()
    });
}

#[test]
fn every_chapter_is_in_the_summary() {
    let summary = read(&top().join("docs/src/SUMMARY.md"));
    for page in markdown(&top().join("docs/src")) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in the summary"
        );
    }
}
