//! What the system lets this process have: cores, processor time, memory.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// Limits, where there are any.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Cores of the machine.
    pub online: Option<usize>,
    /// Cores that this process may run on (sched_getaffinity(2)).
    pub affinity: Option<usize>,
    /// Processor time that its control group may use, in cores' worth (`cpu.max`, cgroups(7)).
    pub quota: Option<f64>,
    /// Memory that its control group may use, in bytes (`memory.max`).
    pub memory: Option<u64>,
}

impl Limits {
    /// Those of this process.
    pub(super) fn here() -> Self {
        let affinity = rustix::thread::sched_getaffinity(None).ok().map(|set| set.count() as usize);
        Self { online: online(), affinity, quota: quota(), memory: memory() }
    }
}

fn online() -> Option<usize> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let is_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    Some(text.lines().filter(is_core).count())
}

/// The smallest of this group's and those above it.
fn quota() -> Option<f64> {
    let two = groups("", "/sys/fs/cgroup").into_iter().filter_map(|group| {
        let text = fs::read_to_string(group.join("cpu.max")).ok()?;
        let (quota, period) = text.trim().split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    });
    let one = groups("cpu", "/sys/fs/cgroup/cpu").into_iter().filter_map(|group| {
        let number = |file| fs::read_to_string(group.join(file)).ok()?.trim().parse::<f64>().ok();
        let quota = number("cpu.cfs_quota_us")?;
        // -1 is no limit.
        (quota > 0.0).then_some(quota / number("cpu.cfs_period_us")?)
    });
    two.chain(one).reduce(f64::min)
}

fn memory() -> Option<u64> {
    let read = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let two = groups("", "/sys/fs/cgroup").into_iter().filter_map(|group| read(group.join("memory.max")));
    let one = groups("memory", "/sys/fs/cgroup/memory")
        .into_iter()
        .filter_map(|group| read(group.join("memory.limit_in_bytes")));
    // Version 1 says "no limit" by a number that no machine has.
    two.chain(one).filter(|bytes| *bytes < 1 << 60).min()
}

/// Directories of this process's group in the hierarchy of `controller` ("" for version 2), and of those above it.
fn groups(controller: &str, mount: &str) -> Vec<PathBuf> {
    let Ok(lines) = fs::read_to_string("/proc/self/cgroup") else { return Vec::new() };
    let own = lines.lines().filter_map(|line| line.split_once(':')?.1.split_once(':')).find(|(names, _)| {
        if controller.is_empty() { names.is_empty() } else { names.split(',').any(|name| name == controller) }
    });
    let Some((_, path)) = own else { return Vec::new() };
    let mount = Path::new(mount);
    let directory = mount.join(path.trim_start_matches('/'));
    directory.ancestors().take_while(|above| above.starts_with(mount)).map(Path::to_owned).collect()
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.affinity, self.online) {
            (Some(mine), Some(all)) if mine < all => write!(f, "{mine} of {all} cores by affinity")?,
            (Some(mine), _) => write!(f, "all {mine} cores by affinity")?,
            _ => write!(f, "affinity unknown")?,
        }
        match self.quota {
            Some(quota) => write!(f, ", {quota:.2} cores' worth of processor time by control group")?,
            None => write!(f, ", no limit on processor time")?,
        }
        match self.memory {
            Some(bytes) => {
                write!(f, ", {:.1} GiB of memory by control group", bytes as f64 / f64::from(1 << 30))
            }
            None => write!(f, ", none on memory"),
        }
    }
}
