//! The memory of a process and of all its descendants, on Linux.
//!
//! Counted is the proportional set size (`Pss` in proc_pid_smaps_rollup(5)): a page that n processes share counts
//! 1/n for each of them, so that a sum over processes counts it once. The sum of resident sizes would count the
//! program's own code once a worker; and `ru_maxrss` is no help either, as a child inherits its parent's.

use std::{
    collections::HashMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Looked at so often. Reading costs about 50 us a process, on another core than the one that works if there is one.
const EVERY: Duration = Duration::from_millis(2);

/// Looks at process `root` and its descendants again and again until `done` is set, and returns the most memory
/// that they had together, in bytes. `None` where nothing could be read: not Linux, or not allowed.
pub fn peak(root: u32, done: &AtomicBool) -> Option<u64> {
    let mut peak = None;
    loop {
        // Relaxed: it orders nothing, it only ends the loop.
        let last = done.load(Ordering::Relaxed);
        peak = peak.max(tree(root));
        if last {
            return peak;
        }
        thread::sleep(EVERY);
    }
}

/// The memory of `root` and its descendants at this moment, in bytes.
pub fn tree(root: u32) -> Option<u64> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that has ended meanwhile has no memory and no parent any more.
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut ahead = vec![root];
    let mut sum = None;
    while let Some(pid) = ahead.pop() {
        if let Some(bytes) = proportional(pid) {
            sum = Some(sum.unwrap_or(0) + bytes);
        }
        ahead.extend(children.remove(&pid).unwrap_or_default());
    }
    sum
}

/// Parent of a process: the fourth field of proc_pid_stat(5); the second one is a name in parentheses, which
/// may itself hold spaces and parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok()
}

fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        io::Read,
        process::{Command, Stdio, id},
    };

    use super::*;

    #[test]
    fn what_a_process_takes_is_seen() {
        let before = tree(id()).expect("own memory can be read");
        let block = vec![1_u8; 64 << 20];
        let with = tree(id()).expect("own memory can be read");
        assert!(with >= before + (60 << 20), "{before} {with}, of {}", block.len());
    }

    #[test]
    fn grandchildren_count() {
        let mut shell = Command::new("sh")
            .args(["-c", "cat; true"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        // Once `cat` gives the byte back, it is there: shell and grandchild.
        std::io::Write::write_all(&mut stdin, b"x").unwrap();
        shell.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let both = tree(shell.id()).unwrap();
        assert!(both > proportional(shell.id()).unwrap());
        drop(stdin);
        shell.wait().unwrap();
    }
}
