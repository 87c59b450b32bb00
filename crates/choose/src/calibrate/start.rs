//! Waking a thread, starting one, forking.

use std::{
    sync::mpsc::sync_channel,
    thread,
    time::{Duration, Instant},
};

use lesson::measure::{Samples, seconds};

/// Seconds from waking a thread that sleeps until it runs: half of a round trip, the median of many.
pub(super) fn wake() -> f64 {
    const ROUNDS: usize = 100;
    let (ask, asked) = sync_channel::<()>(0);
    let (answer, answered) = sync_channel::<()>(0);
    thread::scope(|scope| {
        scope.spawn(move || asked.iter().take_while(|()| answer.send(()).is_ok()).count());
        let mut trips = Samples::default();
        for _ in 0..ROUNDS {
            // A pause, so that the other one really sleeps and its core too: what happens to a worker that waits.
            thread::sleep(Duration::from_micros(200));
            let start = Instant::now();
            if ask.send(()).is_err() || answered.recv().is_err() {
                break;
            }
            trips.push(start.elapsed().as_secs_f64() / 2.0);
        }
        // Ends the other thread.
        drop(ask);
        trips.median()
    })
}

/// Seconds to start a thread that does nothing and to join it.
pub(super) fn thread() -> f64 {
    let one = |_| seconds(|| drop(thread::spawn(|| ()).join()));
    // The lower quarter: others can only make it longer.
    (0..50).map(one).collect::<Samples>().quantile(0.25)
}

/// Seconds to fork this process, with the memory that it has, and to wait for the child's end.
pub(super) fn fork() -> Option<f64> {
    let mut times = Samples::default();
    for _ in 0..5 {
        let start = Instant::now();
        // SAFETY: other threads may hold locks that the child would wait for for ever: it takes none and does nothing
        // but end at once, by a function that is async-signal-safe.
        match unsafe { libc::fork() } {
            -1 => return None,
            // SAFETY: as above.
            0 => unsafe { libc::_exit(0) },
            child => {
                // SAFETY: `child` is ours, and nobody else waits for it; no status is asked for.
                while unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } == -1 {
                    if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                        return None;
                    }
                }
            }
        }
        times.push(start.elapsed().as_secs_f64());
    }
    Some(times.median())
}
