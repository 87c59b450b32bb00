//! What the rest of the machine does meanwhile.

use std::{fs, time::Instant};

use crate::cpu;

/// A moment, to be compared with a later one.
#[derive(Debug)]
pub(super) struct Load {
    at: Instant,
    machine: Option<f64>,
    ours: f64,
}

impl Load {
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), machine: machine(), ours: cpu::seconds() }
    }

    /// How many cores others have kept busy since then, on average; `None` where the system does not say, or the time
    /// was too short for its clock (it counts hundredths of a second).
    pub(super) fn others_since(&self) -> Option<f64> {
        let now = Self::now();
        let seconds = (now.at - self.at).as_secs_f64();
        let others = (now.machine? - self.machine?) - (now.ours - self.ours);
        (seconds >= 0.2).then(|| (others / seconds).max(0.0))
    }
}

/// Seconds that all cores together have been busy since the start of the machine (proc_stat(5)): user, nice, system,
/// interrupts, and what a host has taken from a virtual machine.
fn machine() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].into_iter().filter_map(|place| fields.get(place)).sum::<f64>();
    Some(busy / rustix::param::clock_ticks_per_second() as f64)
}
