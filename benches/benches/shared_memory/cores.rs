//! Each end has a core, or both have one: by their numbers, among those that this program was given.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this program was started with, before it pins itself.
static CORES: OnceLock<Vec<usize>> = OnceLock::new();

/// The first or second of our cores. If there is only one, that.
pub(crate) fn core(index: usize) -> usize {
    let cores = CORES.get_or_init(cores);
    cores.get(index).or(cores.first()).copied().unwrap_or_default()
}

/// The cores that this program was given, by their numbers.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
}

/// Keeps this process on these.
pub(crate) fn pin(cores: &[usize]) {
    let mut own = CpuSet::new();
    cores.iter().for_each(|core| own.set(*core));
    // Refused in some sandboxes: then the system places it.
    let _ = sched_setaffinity(None, &own);
}
