//! Panics that a lesson makes on purpose are not printed.

use std::{panic, thread};

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// While it lives, panics are not printed; then the hook that was there before is back.
///
/// The hook belongs to the whole process, so panics of other threads are silent meanwhile, too: for a few
/// lines around a panic that is expected, never for a whole program.
pub(super) struct Hush(Option<Hook>);

impl Hush {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, with `hook` in place of silence.
    pub(super) fn with(hook: impl Fn(&panic::PanicHookInfo<'_>) + Send + Sync + 'static) -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(hook));
        Self(Some(before))
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        // A thread that is panicking may not set a hook: that would be a second panic, and the end.
        if let Some(before) = self.0.take()
            && !thread::panicking()
        {
            panic::set_hook(before);
        }
    }
}
