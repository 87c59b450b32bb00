//! The few facts from /proc (proc(5)) that the testkit reads, each in a form that tolerates a process ending meanwhile.

use std::{collections::BTreeMap, fs, path::Path};

/// One process, as /proc/PID/stat tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// `R`, `S`, `D`, `T` (stopped), `Z` (zombie) and so on.
    pub(crate) state: char,
    pub(crate) name: String,
}

impl Process {
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may itself hold spaces and parentheses.
        let (before, after) = stat.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let mut fields = after.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self { pid, parent: fields.next()?.parse().ok()?, state, name })
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    pub(crate) fn describe(&self) -> String {
        let Self { pid, name, .. } = self;
        if self.has_ended() { format!("{pid} {name} (zombie)") } else { format!("{pid} {name}") }
    }
}

/// All processes that can be seen.
pub(crate) fn processes() -> Vec<Process> {
    numbers(Path::new("/proc")).into_iter().filter_map(Process::of).collect()
}

/// Whether `variable` in the environment of `pid` is `value`, or continues it after a slash. False for a process
/// that has ended or belongs to another user.
pub(crate) fn environment_has(pid: i32, variable: &str, value: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let entry = format!("{variable}={value}");
    environment
        .split(|byte| *byte == 0)
        .filter_map(|one| one.strip_prefix(entry.as_bytes()))
        .any(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// This process's open descriptors and what they refer to, without the one that does the reading.
pub(crate) fn descriptors() -> BTreeMap<i32, String> {
    let directory = format!("/proc/{}/fd", std::process::id());
    let target = |fd: i32| fs::read_link(format!("{directory}/{fd}")).ok();
    numbers(Path::new(&directory))
        .into_iter()
        .filter_map(|fd| Some((fd, target(fd)?.to_string_lossy().into_owned())))
        .filter(|(_, target)| *target != directory)
        .collect()
}

/// This process's threads: id and name.
pub(crate) fn threads() -> BTreeMap<i32, String> {
    let name = |id: i32| fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok();
    numbers(Path::new("/proc/self/task"))
        .into_iter()
        .filter_map(|id| Some((id, name(id)?.trim_end().to_owned())))
        .collect()
}

/// The entries of a /proc directory whose name is a number.
fn numbers(directory: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}
