//! Which tests are to notice a mutant of a file, in the order in which they are likely to.

use std::{fs, io, path::Path};

/// One command: some test targets of a package in one world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Check {
    /// Whose tests they are.
    pub package: String,
    /// Where the synchronization types come from.
    pub world: World,
    /// Names for cargo's `--test`; none means all tests.
    pub tests: Vec<String>,
}

/// What the package's features make of the synchronization types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    /// std's own.
    Std,
    /// loom's: all schedules, and all values that a weak ordering lets a load see.
    Loom,
    /// shuttle's: many schedules, sequentially consistent.
    Shuttle,
}

impl Check {
    /// The arguments for cargo after `test`.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![format!("--package={}", self.package)];
        match self.world {
            World::Std => {}
            World::Loom => arguments.push("--features=loom".into()),
            World::Shuttle => arguments.push("--features=shuttle".into()),
        }
        if self.tests.is_empty() {
            arguments.push("--tests".into());
        }
        arguments.extend(self.tests.iter().map(|test| format!("--test={test}")));
        arguments
    }
}

/// As a person would say it: `loom: arc_model`.
impl std::fmt::Display for Check {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let world = match self.world {
            World::Std => "std",
            World::Loom => "loom",
            World::Shuttle => "shuttle",
        };
        let tests = if self.tests.is_empty() { "all tests".into() } else { self.tests.join(", ") };
        write!(out, "{world}: {tests}")
    }
}

/// The checks for a mutant of `file` (below `src` in `package`), those of the tests in the folder `tests`.
///
/// First the tests with the primitive's name, `NAME.rs` and `NAME_model.rs`; then the models of all others, since a
/// primitive may be used in another. The checkers come first: loom sees the orderings, which std on x86 never shows,
/// and both call a lost wake-up a deadlock at once, where std's tests wait for their limit.
///
/// # Errors
/// When `tests` can not be read.
pub fn for_file(package: &str, file: &str, tests: &Path) -> io::Result<Vec<Check>> {
    // The folder first: `futex/semaphore.rs` is the futex's semaphore and not the other one.
    let names: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    let exists = |target: &str| {
        tests.join(format!("{target}.rs")).exists() || tests.join(target).join("main.rs").exists()
    };
    let named = names.iter().map(|name| (*name).to_owned()).find(|name| exists(name));
    let mut model = names.iter().map(|name| format!("{name}_model")).find(|name| exists(name));
    if let ([name], None) = (&names[..], &model) {
        model = one_with_module(name, tests)?;
    }
    let package = || package.to_owned();
    let check = |world, test: String| Check { package: package(), world, tests: vec![test] };
    let mut checks = Vec::new();
    for world in [World::Loom, World::Shuttle] {
        checks.extend(model.clone().map(|model| check(world, model)));
    }
    // A model passes on std's types too, which is little; without it, too, all tests must do.
    let tests = named.or(model).into_iter().collect();
    checks.push(Check { package: package(), world: World::Std, tests });
    checks.extend([World::Loom, World::Shuttle].map(|world| check(world, "*model".into())));
    Ok(checks)
}

/// The model test of several primitives (`tests/SOME_model/main.rs`) that has one of that name.
fn one_with_module(name: &str, tests: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(tests)? {
        let folder = entry?;
        let target = folder.file_name().to_string_lossy().into_owned();
        if target.ends_with("_model") && folder.path().join(format!("{name}.rs")).exists() {
            return Ok(Some(target));
        }
    }
    Ok(None)
}
