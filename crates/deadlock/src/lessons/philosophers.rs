//! Five philosophers, five forks: which ways are there out of the deadlock, and what does each cost?
//!
//! Between each two of five around a table lies one fork, and to eat one needs both of his (Dijkstra 1971). If all take
//! the left one first, a moment comes in which everybody holds one and waits for the next: a circle. Each cure takes
//! away one thing that the circle needs; none is free. A strategy is a page in `src/philosophers/`, generic over its
//! locks: the page that runs here on threads is the page whose schedules are all tried.
//!
//! Two questions, not one. *Deadlock*: can all be stuck? *Starvation*: can one be hungry for ever while the others eat?
//! A waiter who hands out both forks or none prevents the first and not the second. Look for who makes somebody give.
//!
//! In Python the same with `threading.Lock`, and nothing that would try all schedules.

use std::fmt::Write;

use lesson::{Lesson, Story};
use model::schedule::{Bounds, explore};

use crate::philosophers::{
    Asymmetric, BackOff, ChandyMisra, Dinner, Explored, Naive, Ordered, Real, Seats, Strategy, Waiter,
    both_free, dinner, endless, program,
};
use lesson::search::broken;

pub(super) const LESSON: Lesson = Lesson {
    name: "philosophers",
    question: "Five philosophers, five forks: which ways are there out of the deadlock, and what does each cost?",
    python: &["threading.Lock", "threading.Semaphore", "threading.Condition"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("Naive: everybody takes the left fork, then the right one. Three at a table:");
    broken(
        story,
        "naive",
        "everybody holds the left fork and waits for the right one",
        1,
        &Bounds::all(),
        program::<Naive<Explored>>(3, 1, false),
    )?;

    story.say(
        "Six cures. Each goes through the same search; two have so many schedules that here those with few \
         preemptions are tried.",
    );
    let two = Bounds::preemptions(2);
    let one = Bounds::preemptions(1);
    let dinners = [
        cure::<Ordered<_>, Ordered<_>>(story, "ordered: the lower fork first", &Bounds::all()),
        cure::<Asymmetric<_>, Asymmetric<_>>(
            story,
            "asymmetric: odd ones begin on the right",
            &Bounds::all(),
        ),
        cure::<Waiter<_>, Waiter<_>>(story, "waiter: both forks or none", &Bounds::all()),
        cure::<Seats<_>, Seats<_>>(story, "seats: one chair fewer than philosophers", &one),
        cure::<BackOff<_>, BackOff<_>>(story, "back off: try the second, or give back the first", &two),
        cure::<ChandyMisra<_>, ChandyMisra<_>>(
            story,
            "Chandy and Misra: whoever has eaten must give",
            &Bounds::all(),
        ),
    ];
    story.say("The price, five on threads that eat as fast as they can. Least and most: meals at the moment when the first one had had all of his.");
    story.show(table(&dinners));

    states(story);
    starvation(story);
    Ok(())
}

/// No schedule of three deadlocks, and five on real threads all get their meals.
fn cure<S: Strategy<Explored>, R: Strategy<Real>>(
    story: &mut Story,
    what: &'static str,
    bounds: &Bounds,
) -> (&'static str, Dinner) {
    let meals = if story.is_timed() { 3_000 } else { 100 };
    let outcome = explore(bounds, story.seed(), program::<S>(3, 1, false));
    let dinner = dinner::<R>(5, meals);
    let fails = outcome.schedule().map_or("none fails".to_owned(), |schedule| schedule.verdict());
    story.claim(
        what,
        format!("no schedule of three deadlocks; five on threads eat {} meals", 5 * meals),
        format!("{}, {fails}; {} meals", outcome.searched(), dinner.meals),
        outcome.schedule().is_none() && dinner.meals == 5 * meals,
    );
    (what, dinner)
}

fn table(dinners: &[(&str, Dinner)]) -> String {
    let mut table = format!("{:18}{:>14}{:>8}{:>8}\n", "", "meals a second", "least", "most");
    for (what, dinner) in dinners {
        let name = what.split(':').next().unwrap_or_default();
        let (least, most) = dinner.least_and_most();
        // `write!` to a String cannot fail.
        let _ = writeln!(table, "{name:18}{:>14.0}{least:>8}{most:>8}", dinner.per_second());
    }
    table
}

/// Two of them for dinners of any length, as there are only so many states.
fn states(story: &mut Story) {
    story.say("Two that were not searched to the end above, as graphs of their states; five that eat again and again:");
    let seats = endless::seats(5, 4);
    let chairs = endless::seats(5, 5);
    story.claim(
        "with four chairs there is no state in which all are stuck, with five there is",
        "none; one",
        format!(
            "{} states, {}; {}",
            seats.all().len(),
            seats.stuck().map_or("none", |_| "one"),
            chairs.stuck().map_or("none", |_| "one")
        ),
        seats.stuck().is_none() && chairs.stuck().is_some(),
    );
    let polite = endless::back_off(5);
    let livelock = endless::back_off(3).circle(&[0, 1, 2], |at| !at.contains(&endless::At::Eats));
    story.claim(
        "who backs off is never stuck, but three can go on for ever and nobody eats: the lesson `trylock`",
        "none; a circle",
        format!(
            "{} states, {}; {}",
            polite.all().len(),
            polite.stuck().map_or("none", |_| "one"),
            livelock
                .as_ref()
                .map_or("none".to_owned(), |circle| format!("a circle of {} steps", circle.around.len()))
        ),
        polite.stuck().is_none() && livelock.is_some(),
    );
}

// ANCHOR: starvation
/// Not a matter of luck: all states are looked at, so what is said holds for dinners of any length.
fn starvation(story: &mut Story) {
    story.say(
        "Who starves? Philosopher 0 is hungry, and 1 and 4 beside him eat whenever the waiter lets them:",
    );
    let states = endless::waiter(5, &[1, 4]);
    let circle = states.circle(&[1, 4], |forks| !both_free(forks, 0));
    if let Some(circle) = &circle {
        let steps = |steps: &[(usize, &str)]| {
            steps.iter().map(|(who, what)| format!("{who} {what}")).collect::<Vec<_>>().join(", ")
        };
        story.show(format!("{}; and then for ever: {}", steps(&circle.to), steps(&circle.around)));
    }
    story.claim(
        "with a waiter one can starve: his neighbours take turns, and never are both of his forks free",
        "a circle of states",
        circle.map_or("none".to_owned(), |circle| format!("one of {} steps", circle.around.len())),
        states.circle(&[1, 4], |forks| !both_free(forks, 0)).is_some(),
    );

    let states = endless::chandy_misra(5);
    let most = states.all().iter().flat_map(|(_, overtook)| overtook).max();
    let observed = format!("{} states, overtaken {} times at most", states.all().len(), most.unwrap_or(&0));
    story.claim(
        "with Chandy and Misra's rule a neighbour eats at most once before one who is hungry",
        "once, in all states of five",
        observed,
        most == Some(&1) && states.stuck().is_none(),
    );
}
// ANCHOR_END: starvation
