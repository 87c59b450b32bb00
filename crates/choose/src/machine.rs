//! What the figures were measured on.

use std::fs;

use lesson::measure;
use serde::{Deserialize, Serialize};

/// A machine, as far as it matters to the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that this process may use (affinity and cgroup quota counted).
    pub cores: usize,
    /// The processor's name, where the system tells it.
    pub processor: Option<String>,
    /// Name, release and architecture of the kernel.
    pub system: String,
    /// Memory, in bytes, where the system tells it.
    pub memory: Option<u64>,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let kernel = rustix::system::uname();
        let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Self {
            cores: measure::cores(),
            processor: field("/proc/cpuinfo", "model name"),
            system: [kernel.sysname(), kernel.release(), kernel.machine()].map(part).join(" "),
            memory: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        let memory = self.memory.map(|bytes| format!(", {:.0} GiB", bytes as f64 / f64::from(1 << 30)));
        format!("{cores} of {processor}{}, {}", memory.unwrap_or_default(), self.system)
    }
}

/// What stands behind `name:` in a file of such lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn kibibytes(text: &str) -> Option<u64> {
    Some(text.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
