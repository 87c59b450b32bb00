//! How a lesson lets threads run into a deadlock and shows what the detector says: a stage on which only the actors are
//! known, so that the detector can tell when nobody is left to help.

use std::{
    sync::{Arc, mpsc::channel},
    thread,
    time::Duration,
};

use lesson::Story;

use crate::detector::{Detector, Recovery, Report};

/// What an actor does.
pub(super) type Actor<T> = Box<dyn FnOnce() -> T + Send>;

/// A play that has not ended by then is reported as one that hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs the actors that `cast` makes, each a thread with its name, in a detector's closed world that breaks deadlocks.
/// What they return, in the order of the cast.
///
/// # Errors
/// When one of them panics, or does not end.
pub(super) fn play<T: Send + 'static>(
    cast: impl FnOnce(&Detector) -> Vec<(&'static str, Actor<T>)> + Send + 'static,
) -> Result<Vec<T>, String> {
    let (tell, told) = channel();
    // A thread of its own opens the world and leaves it: who waits for the results below is unknown to the detector, and
    // so nobody whom an actor could hope for.
    let director = thread::spawn(move || {
        let detector = Detector::new(Recovery::Break);
        let actors = cast(&detector);
        let count = actors.len();
        for (at, (name, actor)) in actors.into_iter().enumerate() {
            let tell = tell.clone();
            drop(detector.spawn(name, move || drop(tell.send((at, actor())))));
        }
        count
    });
    let count = director.join().map_err(|_| "no world could be made")?;
    let mut results = Vec::new();
    while let Ok(result) = told.recv_timeout(LIMIT) {
        results.push(result);
    }
    if results.len() < count {
        return Err(format!("{} of {count} actors have not come to an end", count - results.len()));
    }
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Claims that `what` was found to be a deadlock of exactly these `threads`, and draws it. Under `--svg` it is written to
/// `LESSON-NAME.svg`.
///
/// # Errors
/// When the picture cannot be written.
pub(super) fn found(
    story: &mut Story,
    name: &str,
    what: &str,
    threads: &[&str],
    report: Option<&Arc<Report>>,
) -> std::io::Result<()> {
    let expected = format!("found, with {}", threads.join(", "));
    let Some(report) = report else {
        story.claim(what, expected, "no deadlock was found", false);
        return Ok(());
    };
    story.show(report.to_string());
    story.picture(name, || report.svg())?;
    let mut stuck: Vec<&str> = report.threads().iter().map(|stuck| stuck.thread.as_str()).collect();
    stuck.sort_unstable();
    let mut wanted = threads.to_vec();
    wanted.sort_unstable();
    story.claim(what, expected, report.verdict(), stuck == wanted);
    Ok(())
}

/// Claims that the lesson's scene waits for ever: it is killed.
///
/// # Errors
/// When this program cannot be started again.
pub(super) fn hangs(story: &mut Story, scene: &str, what: &str) -> std::io::Result<()> {
    let played = story.play(scene, Duration::from_millis(400))?;
    let observed = played.status.map_or("killed after 0.4 s".to_owned(), |status| status.to_string());
    story.claim(what, "killed after 0.4 s", observed, played.status.is_none());
    Ok(())
}
