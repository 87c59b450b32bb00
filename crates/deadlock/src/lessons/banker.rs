//! How can one lend what all might want at once, and never be stuck?
//!
//! Not locks now but *units*: memory, connections, tape drives. Each customer says beforehand how much he may need at a
//! time; he asks for it bit by bit, and gives it back when he has had all. A state is **safe** if there is an order in
//! which everybody can be served to the end, even if each wants all that he may. The banker lends only what leads to a
//! safe state (Dijkstra, EWD 108, 1964). So he refuses units that lie there: look at the `u` in the drawing.
//!
//! From an unsafe state it may still go well, if somebody gives back early. The banker does not bet on it.
//!
//! Python has nothing like it; a `Semaphore` lends what there is, and two that need two units each of two may have one.

mod map;

use lesson::{Lesson, Story};

use crate::banker::{Answer, Banker, BankerError};

pub(super) const LESSON: Lesson = Lesson {
    name: "banker",
    question: "How can one lend what all might want at once, and never be stuck?",
    python: &["threading.Semaphore"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    let bank = || Banker::new([10], vec![[8], [6]]);
    story.say("Ten units; A may need eight at a time, B six. All states that there are (. safe, u unsafe, X stuck):");
    let map = map::of(&bank()?);
    story.show(map.text());
    story.picture("states", || map.svg())?;

    let mut banker = bank()?;
    let answers = [banker.request(0, [5])?, banker.request(1, [3])?, banker.request(1, [2])?];
    story.equal(
        "A gets 5; 3 for B lie there, but would be unsafe; 2 are not",
        [Answer::Granted, Answer::Unsafe, Answer::Granted],
        answers,
    );
    story.equal("now A can end first, then B", Some(vec![0, 1]), banker.safe_order());

    let mut lucky = bank()?;
    lucky.request_carelessly(0, [5])?;
    lucky.request_carelessly(1, [3])?;
    let unsafe_before = lucky.safe_order().is_none();
    lucky.give_back(0, [3])?;
    story.equal(
        "unsafe is not stuck: if A gives 3 back early, all is well",
        (true, true),
        (unsafe_before, lucky.safe_order().is_some()),
    );

    several_kinds(story)
}

// ANCHOR: play
/// Customers ask for a unit at a time, of a kind and in a turn that chance decides, and give all back when they have
/// had all. Returns whether everybody came to the end.
fn play(mut banker: Banker<3>, careful: bool, mut random: u64) -> Result<bool, BankerError> {
    let customers = banker.lent().len();
    let mut open: Vec<usize> = (0..customers).collect();
    let mut refused_in_a_row = 0;
    while !open.is_empty() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (random >> 33) as usize % open.len();
        let who = open[at];
        let need = banker.need(who)?;
        let kinds: Vec<usize> = (0..3).filter(|&kind| need[kind] > 0).collect();
        let Some(&kind) = kinds.get((random >> 48) as usize % kinds.len().max(1)) else {
            banker.give_back(who, banker.lent()[who])?;
            open.swap_remove(at);
            refused_in_a_row = 0;
            continue;
        };
        let mut unit = [0; 3];
        unit[kind] = 1;
        let answer =
            if careful { banker.request(who, unit)? } else { banker.request_carelessly(who, unit)? };
        refused_in_a_row = if answer == Answer::Granted { 0 } else { refused_in_a_row + 1 };
        // Chance has asked for each kind for everybody many times over by then.
        if refused_in_a_row > 1_000 {
            return Ok(false);
        }
    }
    Ok(true)
}
// ANCHOR_END: play

fn several_kinds(story: &mut Story) -> lesson::Result {
    const GAMES: u64 = 200;
    story.say("Five customers, three kinds of resource, and chance decides who asks for what next:");
    // From Silberschatz, Galvin and Gagne, "Operating System Concepts", 8.6.3.
    let bank = || Banker::new([10, 5, 7], vec![[7, 5, 3], [3, 2, 2], [9, 0, 2], [2, 2, 2], [4, 3, 3]]);
    let mut ended = [0; 2];
    for game in 0..GAMES {
        // Any seed is a seed, the largest too.
        let seed = story.seed().wrapping_mul(GAMES).wrapping_add(game);
        for careful in [false, true] {
            ended[usize::from(careful)] += u64::from(play(bank()?, careful, seed)?);
        }
    }
    story.claim(
        "who lends whatever is there gets stuck",
        format!("in some of {GAMES} games"),
        format!("in {}", GAMES - ended[0]),
        ended[0] < GAMES,
    );
    story.equal(format!("the banker never: of {GAMES} games ended"), GAMES, ended[1]);
    Ok(())
}
