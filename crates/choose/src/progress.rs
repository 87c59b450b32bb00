//! A bar on a terminal, and nothing anywhere else.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far it is. It moves with time, as the number of rounds is not known before.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// One for work that takes about so long.
    pub(crate) fn new(expected: Duration) -> Self {
        let bar = ProgressBar::new(expected.as_millis() as u64);
        // Never on stdout, which may be a file while stderr is a terminal.
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        bar.set_draw_target(target);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {elapsed:>3} of about {prefix} {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{}s", expected.as_secs()));
        Self { bar, begun: Instant::now() }
    }

    /// Says what is going on. Drawn by whoever calls, between two measurements: a thread that draws would be in them.
    pub(crate) fn tell(&self, what: String) {
        let most = self.bar.length().unwrap_or(0).saturating_sub(1);
        self.bar.set_position((self.begun.elapsed().as_millis() as u64).min(most));
        self.bar.set_message(what);
    }

    /// Takes the bar away while `work` prints.
    pub(crate) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    /// Takes it away for good.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
