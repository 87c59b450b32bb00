//! Which CPythons there are: every one that `PATH` leads to, asked for its version, its lock and its library.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

/// What an interpreter is looked for under.
const NAMES: [&str; 9] = [
    "python3",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.13t",
    "python3.14t",
];

/// A CPython on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its program.
    pub path: PathBuf,
    /// Major and minor version.
    pub version: (u32, u32),
    /// What `-VV` says, on one line.
    pub full_version: String,
    /// Whether the GIL is on (`sys._is_gil_enabled()`; always before 3.13).
    pub gil: bool,
    /// Where its standard library is: what `PYTHONHOME` wants.
    pub home: PathBuf,
    /// Its shared library, if it was built with one and the file is there.
    pub library: Option<PathBuf>,
}

impl Interpreter {
    /// `3.13`, or `3.13t` where the GIL is off.
    pub fn name(&self) -> String {
        let (major, minor) = self.version;
        format!("{major}.{minor}{}", if self.gil { "" } else { "t" })
    }
}

/// Every CPython from 3.9 on that `PATH` leads to, each once: first the one called `python3`, then by version.
///
/// A folder of pyenv's shims in `PATH` stands for all the versions that it manages, chosen at the moment or not. What
/// cannot be run, is older or is no CPython is left out. Looked for once in a process.
pub fn interpreters() -> &'static [Interpreter] {
    static FOUND: OnceLock<Vec<Interpreter>> = OnceLock::new();
    FOUND.get_or_init(|| find(&env::var_os("PATH").unwrap_or_default()))
}

/// Those that a lesson asks: the newest with the GIL and the newest without; all of them where the variable
/// `GIL_PYTHONS` is `all`.
pub fn pick() -> Vec<&'static Interpreter> {
    if env::var_os("GIL_PYTHONS").is_some_and(|value| value == "all") {
        return interpreters().iter().collect();
    }
    let newest = |gil| interpreters().iter().filter(move |one| one.gil == gil).max_by_key(|one| one.version);
    [newest(true), newest(false)].into_iter().flatten().collect()
}

fn find(path: &std::ffi::OsStr) -> Vec<Interpreter> {
    let programs = programs(path);
    // At once: each spends most of its 50 ms reading files.
    let mut found: Vec<Interpreter> = thread::scope(|scope| {
        let asked: Vec<_> = programs.iter().map(|program| scope.spawn(move || ask(program))).collect();
        asked.into_iter().filter_map(|one| one.join().ok().flatten()).collect()
    });
    // A link, a shim and the program behind both give the same program.
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.path.clone()));
    if let Some((_default, rest)) = found.split_first_mut() {
        rest.sort_by_key(|one| (one.version, !one.gil));
    }
    found
}

/// Files that may be interpreters, in the order of `PATH`.
fn programs(path: &std::ffi::OsStr) -> Vec<PathBuf> {
    let mut programs = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |program: PathBuf| {
        if let Ok(real) = fs::canonicalize(&program)
            && seen.insert(real)
        {
            programs.push(program);
        }
    };
    for folder in env::split_paths(path) {
        if folder.ends_with("shims") {
            add(folder.join("python3"));
            managed(&folder).into_iter().for_each(&mut add);
        } else {
            NAMES.iter().for_each(|name| add(folder.join(name)));
        }
    }
    programs
}

/// The interpreters of all versions beside a folder of shims.
fn managed(shims: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read holds nothing that could be run.
    let entries = fs::read_dir(shims.with_file_name("versions")).into_iter().flatten().flatten();
    let mut programs: Vec<_> = entries.map(|version| version.path().join("bin/python3")).collect();
    programs.sort();
    programs
}

/// One line each: program, version, implementation, the GIL, home, and where the library may be.
const QUESTION: &str = r#"
import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(*sys.version_info[:2])
print("Python", " ".join(sys.version.split()))
print(sys.implementation.name)
print(int(getattr(sys, "_is_gil_enabled", lambda: True)()))
print(sys.base_prefix)
var = sysconfig.get_config_var
if var("Py_ENABLE_SHARED"):
    name = var("INSTSONAME") or var("LDLIBRARY")
    for place in (var("LIBDIR"), os.path.join(var("LIBDIR") or "", var("MULTIARCH") or "")):
        if place and name: print(os.path.join(place, name))
"#;

fn ask(program: &Path) -> Option<Interpreter> {
    let played = lesson::python_at(program, QUESTION, Duration::from_secs(20)).ok()?;
    let interpreter = understand(&played.stdout)?;
    (interpreter.version >= (3, 9)).then_some(interpreter)
}

fn understand(answer: &str) -> Option<Interpreter> {
    let mut lines = answer.lines();
    let path = PathBuf::from(lines.next()?);
    let (major, minor) = lines.next()?.split_once(' ')?;
    let full_version = lines.next()?.to_owned();
    if lines.next()? != "cpython" {
        return None;
    }
    let gil = lines.next()? != "0";
    let home = PathBuf::from(lines.next()?);
    let library = lines.map(PathBuf::from).find(|library| library.exists());
    let version = (major.parse().ok()?, minor.parse().ok()?);
    Some(Interpreter { path, version, full_version, gil, home, library })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_understood_or_refused() {
        let answer = "/bin/python3.13\n3 13\nPython 3.13.0 (main)\ncpython\n0\n/usr\n/nowhere/libpython.so\n";
        let one = understand(answer).unwrap();
        assert_eq!((one.name().as_str(), one.version, one.gil), ("3.13t", (3, 13), false));
        assert_eq!(one.library, None, "the file is not there");
        assert_eq!(understand(&answer.replace("cpython", "pypy")), None);
        assert_eq!(understand("/bin/python3.13\nthree\n"), None);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let folder = env::temp_dir().join(format!("no-python-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        // Not a program: it is looked at, and left out.
        fs::write(folder.join("python3"), "no program").unwrap();
        assert_eq!(find(folder.as_os_str()), []);
        assert_eq!(find("/nowhere:/nowhere/shims".as_ref()), []);
        fs::remove_dir_all(&folder).unwrap();
    }
}
