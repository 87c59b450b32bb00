//! A limit on CPU time for a group of processes: so many cores' worth in every tenth of a second (cgroups(7); Linux).
//!
//! It is what `docker run --cpus 1.5` sets. The kernel does not take cores away: all may run at once, until the
//! quota of the period is used up, and then none does. `available_parallelism` reads it; Python's
//! `os.process_cpu_count` does not.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// The period of a quota, the kernel's default, in microseconds.
const PERIOD: u32 = 100_000;

/// A control group below the one of this process, with a quota of CPU time. Removed when dropped.
#[derive(Debug)]
pub struct CpuQuota {
    directory: PathBuf,
}

impl CpuQuota {
    /// A group that may use `cores` cores' worth of CPU time.
    ///
    /// # Errors
    /// When this process may not make one (which is usual outside of a container of one's own).
    pub fn new(cores: u32) -> io::Result<Self> {
        let (above, version) = own_group()?;
        let group = Self { directory: above.join(format!("quota-{}", process::id())) };
        fs::create_dir(&group.directory)?;
        let quota = cores * PERIOD;
        // From here on an error drops `group`, and the directory with it.
        match version {
            Version::One => {
                group.write("cpu.cfs_period_us", &PERIOD.to_string())?;
                group.write("cpu.cfs_quota_us", &quota.to_string())?;
            }
            Version::Two => group.write("cpu.max", &format!("{quota} {PERIOD}"))?,
        }
        Ok(group)
    }

    /// Makes the process that `command` starts a member, before its program begins.
    ///
    /// # Errors
    /// When the group is gone.
    pub fn holds<'a>(&self, command: &'a mut Command) -> io::Result<&'a mut Command> {
        let mut members = File::options().write(true).open(self.directory.join("cgroup.procs"))?;
        // SAFETY: between fork and exec one system call is made, on a file that was opened before. 0 is the writer.
        Ok(unsafe { command.pre_exec(move || members.write_all(b"0")) })
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        // Not `fs::write`, which would create what the kernel does not offer.
        File::options().write(true).open(self.directory.join(file))?.write_all(text.as_bytes())
    }
}

impl Drop for CpuQuota {
    fn drop(&mut self) {
        // It can only be removed when its members have ended and were waited for; if not, it stays, empty.
        let _ = fs::remove_dir(&self.directory);
    }
}

enum Version {
    One,
    Two,
}

/// The directory of the group that this process is in. Each line of the file is `number:controllers:path`; version 2
/// has no controllers there, and where both are mounted version 1 has the `cpu` controller.
fn own_group() -> io::Result<(PathBuf, Version)> {
    let lines = fs::read_to_string("/proc/self/cgroup")?;
    let groups = || lines.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let below = |mount: &str, path: &str| Path::new(mount).join(path.trim_start_matches('/'));
    if let Some((_, path)) = groups().find(|(names, _)| names.split(',').any(|name| name == "cpu")) {
        return Ok((below("/sys/fs/cgroup/cpu", path), Version::One));
    }
    match groups().find(|(names, _)| names.is_empty()) {
        Some((_, path)) => Ok((below("/sys/fs/cgroup", path), Version::Two)),
        None => Err(io::Error::new(io::ErrorKind::Unsupported, "there are no control groups here")),
    }
}
