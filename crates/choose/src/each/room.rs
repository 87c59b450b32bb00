//! How many runs there is memory for.

use std::fs;

/// Memory for runs, and what one of them has needed so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Bytes for all together.
    pub(crate) budget: u64,
    /// The most that one has had, in bytes; 0 while none is known.
    pub(crate) dearest: u64,
}

impl Room {
    /// `asked` bytes, or four fifths of what is free.
    pub(crate) fn new(asked: Option<u64>) -> Self {
        let free = || free_memory().map_or(u64::MAX, |free| free / 5 * 4);
        Self { budget: asked.unwrap_or_else(free), dearest: 0 }
    }

    /// One has had so much.
    pub(crate) fn saw(&mut self, memory: u64) {
        self.dearest = self.dearest.max(memory);
    }

    /// How many fit, if each may need as much as the dearest; one in any case, as it may be that there is room after
    /// all, and nothing else could be tried.
    pub(crate) fn most(&self) -> usize {
        match self.dearest {
            0 => usize::MAX,
            dearest => usize::try_from(self.budget / dearest).unwrap_or(usize::MAX).max(1),
        }
    }
}

/// What can be had without swapping, in bytes: the system's estimate (`MemAvailable`, proc_meminfo(5)), or what is left
/// of this process's control group if that is less. `None` where the system does not say.
fn free_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let system = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024;
    Some(left_in_group().map_or(system, |left| left.min(system)))
}

/// cgroup version 2, seen from inside its namespace or by its path.
fn left_in_group() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number = |file: &str| {
        let text = fs::read_to_string(format!("/sys/fs/cgroup{path}/{file}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_four_gibibytes_is_not_started_as_often_as_there_are_cores() {
        let mut room = Room { budget: 20 << 30, dearest: 0 };
        assert_eq!(room.most(), usize::MAX);
        room.saw(4 << 30);
        room.saw(1 << 20);
        assert_eq!(room.most(), 5);
        room.saw(30 << 30);
        assert_eq!(room.most(), 1);
    }
}
