//! How can a task of middling importance stop the most important one?
//!
//! A low task holds a lock that a high one waits for: the high one waits as long as the low one holds it, and that is how
//! locks are. But now a *medium* task becomes ready. It outranks the low one and keeps it from running, so the lock is not
//! given back, so the high one waits for the medium one, which has nothing to do with the lock. That is **priority
//! inversion**. It is a deadlock with a bound that somebody else sets: no cycle, and yet nobody who matters goes on.
//!
//! On Mars, in July 1997, the high task was the one that distributed data on the bus, the low one gathered weather
//! data, the lock guarded a pipe's list, the medium one was communication. A watchdog saw that the high one had not been
//! done in time and reset the spacecraft, again and again (Reeves, "What really happened on Mars", 1997). The cure was sent
//! up and is one flag: **priority inheritance**. Whoever holds the lock has the priority of the highest who waits for it.
//!
//! Look at the lanes of the three, then at the numbers: without inheritance the wait grows with the medium task; with it,
//! it is the low one's critical section and nothing else. std's `Mutex` does not inherit; `PTHREAD_PRIO_INHERIT` does.
//! Python has no priorities of threads.

#[cfg(target_os = "linux")]
mod real;

use lesson::{Lesson, Story, lanes};

use crate::scheduler::{Op, Protocol, Task, Trace, run as simulate};

pub(super) const LESSON: Lesson = Lesson {
    name: "inversion",
    question: "How can a task of middling importance stop the most important one?",
    python: &[],
    run,
    #[cfg(target_os = "linux")]
    scenes: &[("plain", real::plain), ("inherit", real::inherit)],
    #[cfg(not(target_os = "linux"))]
    scenes: &[],
};

/// How long the weather task holds the lock.
const SECTION: u32 = 6;
/// After so many ticks without the bus task being done, the watchdog resets.
const WATCHDOG: u32 = 20;
const NAMES: [&str; 3] = ["bus (high)", "radio (medium)", "weather (low)"];

// ANCHOR: pathfinder
/// The bus task comes at tick `bus`, the radio task at tick `radio` and works for `busy` ticks.
fn pathfinder(bus: u32, radio: u32, busy: u32) -> Vec<Task> {
    use Op::{Lock, Run, Unlock};
    let [high, medium, low] = NAMES;
    vec![
        Task { name: high, priority: 3, arrives: bus, ops: vec![Run(1), Lock, Run(2), Unlock, Run(1)] },
        Task { name: medium, priority: 2, arrives: radio, ops: vec![Run(busy)] },
        Task { name: low, priority: 1, arrives: 0, ops: vec![Run(1), Lock, Run(SECTION), Unlock, Run(1)] },
    ]
}
// ANCHOR_END: pathfinder

fn run(story: &mut Story) -> lesson::Result {
    story.say(format!(
        "Three tasks on one core, one lock (# computes, L computes with the lock, - waits for it). The watchdog \
         resets when the bus task is not done {WATCHDOG} ticks after it came."
    ));
    let plain = draw(story, "plain", "Without inheritance:", Protocol::Plain)?;
    story.claim(
        "the high task waits for the medium one, which never takes the lock: the watchdog resets",
        format!("not done within {WATCHDOG} ticks"),
        took(&plain),
        plain.done[0].is_none_or(|done| done - BUS > WATCHDOG),
    );
    let waits = [8, 16, 32, 64].map(|busy| delay(&pathfinder(3, 5, busy), Protocol::Plain));
    let grows = waits.windows(2).zip([8, 16, 32]).all(|(pair, more)| pair[1] - pair[0] == more);
    story.claim(
        "its delay has no bound of its own: it grows with the medium task's 8, 16, 32, 64 ticks",
        "by 8, 16, 32",
        format!("{waits:?} ticks"),
        grows,
    );
    for (protocol, name, title) in [
        (Protocol::Inherit, "inherit", "With inheritance, from the moment that the high task waits:"),
        (Protocol::Ceiling, "ceiling", "With a ceiling the low task is high as soon as it has the lock:"),
    ] {
        let cured = draw(story, name, title, protocol)?;
        let in_time = cured.done[0].is_some_and(|done| done - BUS <= WATCHDOG);
        story.claim(
            "the high task is done in time",
            format!("within {WATCHDOG} ticks"),
            took(&cured),
            in_time,
        );
    }
    every_arrival(story);
    really(story)
}

/// The tick at which the bus task comes in the drawings.
const BUS: u32 = 3;

fn draw(story: &mut Story, name: &str, title: &str, protocol: Protocol) -> Result<Trace, std::io::Error> {
    let tasks = pathfinder(BUS, 5, 18);
    let trace = simulate(&tasks, protocol, 60);
    let names = NAMES.map(str::to_owned);
    let ticks = trace.spans.iter().map(|span| span.end / 1_000_000).max().unwrap_or(1);
    story.show(format!("{title}\n{}", lanes::text(&names, &trace.spans, ticks as usize)));
    let about = "Who of the three tasks computes, holds the lock, or waits for it, tick by tick.";
    story.picture(name, || lanes::svg(title, about, &names, &trace.spans))?;
    Ok(trace)
}

/// How many ticks later the bus task is done than if it were alone.
fn delay(tasks: &[Task], protocol: Protocol) -> u32 {
    let done = |tasks: &[Task]| simulate(tasks, protocol, 500).done[0].unwrap_or(500);
    done(tasks) - done(&tasks[..1])
}

fn took(trace: &Trace) -> String {
    trace.done[0].map_or_else(|| "never done".to_owned(), |done| format!("done after {} ticks", done - BUS))
}

/// All ways in which the three can meet, at this size.
fn every_arrival(story: &mut Story) {
    for protocol in [Protocol::Plain, Protocol::Inherit, Protocol::Ceiling] {
        let (mut cases, mut worst) = (0, 0);
        for bus in 0..12 {
            for radio in 0..12 {
                for busy in 0..24 {
                    cases += 1;
                    worst = delay(&pathfinder(bus, radio, busy), protocol).max(worst);
                }
            }
        }
        let bounded = worst <= SECTION;
        let plain = protocol == Protocol::Plain;
        let verb = if plain { "is exceeded" } else { "is kept" };
        story.claim(
            format!("{protocol:?}: over all arrivals the bound of one critical section {verb}"),
            if plain { format!("more than {SECTION} ticks") } else { format!("{SECTION} ticks or fewer") },
            format!("{worst} ticks at worst, in all {cases} cases"),
            bounded != plain,
        );
    }
}

const INVERTED: &str = "real threads: the medium one is done before the high one gets the lock";
const INHERITED: &str = "with PTHREAD_PRIO_INHERIT the high one has the lock before the medium one runs";

#[cfg(target_os = "linux")]
fn really(story: &mut Story) -> lesson::Result {
    story.say("The same with three real threads on one core, under SCHED_FIFO, and a pthread mutex:");
    for (scene, claim, expected) in [
        ("plain", INVERTED, "low locked, high waits, medium done, low unlocks, high locked"),
        ("inherit", INHERITED, "low locked, high waits, low unlocks, high locked, medium done"),
    ] {
        let played = story.play(scene, std::time::Duration::from_secs(10))?;
        let seen = played.stdout.trim();
        match seen.strip_prefix("skip: ") {
            Some(why) => story.skip(claim, expected, why),
            None => story.claim(claim, expected, format!("{seen}{}", played.stderr), seen == expected),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn really(story: &mut Story) -> lesson::Result {
    for claim in [INVERTED, INHERITED] {
        story.skip(claim, "an order of events", "written for Linux's SCHED_FIFO");
    }
    Ok(())
}
