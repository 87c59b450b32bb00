//! What the kernel says about a process in /proc: its state, its parent, its memory (proc(5); Linux).

use std::{fs, io, time::Duration};

/// Memory of a process, in bytes, from `/proc/PID/smaps_rollup`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident set: every page that is in memory, shared or not. Summed over processes it counts a shared page
    /// once for each.
    pub rss: u64,
    /// Proportional set: a page shared by n processes counts as 1/n. The sum over processes is what they really
    /// take together.
    pub pss: u64,
    /// Unique set: pages that this process alone has. What would be free if it ended.
    pub uss: u64,
}

/// The memory of process `id`.
///
/// # Errors
/// When there is no such process, or it is somebody else's.
pub fn memory(id: u32) -> io::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let sum = |names: &[&str]| names.iter().map(|name| kib(&text, name) << 10).sum();
    Ok(Memory { rss: sum(&["Rss:"]), pss: sum(&["Pss:"]), uss: sum(&["Private_Clean:", "Private_Dirty:"]) })
}

/// A line of `/proc/PID/status` in bytes, `VmSize` for instance (address space) or `VmPTE` (page tables).
///
/// # Errors
/// When there is no such process. A zombie has no such lines: 0.
pub fn status(id: u32, name: &str) -> io::Result<u64> {
    Ok(kib(&fs::read_to_string(format!("/proc/{id}/status"))?, &format!("{name}:")) << 10)
}

/// A process's state: `R` runs or would, `S` sleeps, `T` is stopped, `Z` has ended and was not waited for. `None`
/// if there is no such process.
pub fn state(id: u32) -> Option<char> {
    field(id, 0)?.chars().next()
}

/// The parent of process `id`. `None` if there is no such process.
pub fn parent(id: u32) -> Option<u32> {
    field(id, 1)?.parse().ok()
}

/// How long the main thread of process `id` has run on a core, up to the last tick of the clock (a few milliseconds).
///
/// # Errors
/// When there is no such process, or a kernel that does not count.
pub fn cpu_time(id: u32) -> io::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{id}/schedstat"))?;
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map(Duration::from_nanos).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// How many threads this process has.
///
/// # Errors
/// When /proc is not there.
pub fn threads() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

/// Where the open descriptors of this process lead to, by their number: `pipe:[123]`, a path, and so on.
///
/// # Errors
/// When /proc is not there.
pub fn descriptors() -> io::Result<Vec<(u32, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        // The one through which the directory is read may be gone already.
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            all.push((number, target.to_string_lossy().into_owned()));
        }
    }
    all.sort();
    Ok(all)
}

/// A field of `/proc/PID/stat` after the name, which is in parentheses since it may hold anything.
fn field(id: u32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(index).map(str::to_owned)
}

fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
