//! Says in which execution a model failed, also when the checker is about to abort the process.

use std::{
    cell::RefCell,
    io::Write,
    panic,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
};

thread_local! {
    // Both checkers run all threads of a model on the one system thread that called `explore`.
    static WATCHED: RefCell<Option<(String, Arc<AtomicU64>)>> = const { RefCell::new(None) };
}

/// While it lives, a panic on this thread is reported with the number of the execution it happened in.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn begin(name: &str, started: Arc<AtomicU64>) -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            // A panic hook and not `catch_unwind`: after a deadlock loom panics a second time while the first
            // panic unwinds, which aborts. The hook has run by then.
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                report();
                before(info);
            }));
        });
        WATCHED.set(Some((name.to_owned(), started)));
        Self
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.set(None);
    }
}

/// Takes what is watched, so that only the first of several panics reports.
fn report() {
    if let Ok(Some((name, started))) = WATCHED.try_with(|watched| watched.try_borrow_mut().ok()?.take()) {
        let execution = started.load(Ordering::Relaxed);
        let line = format!("model: {name}: failed in execution {execution} ({})\n", crate::CHECKER);
        // Nothing is left to do where stderr is gone: the panic itself still tells.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
