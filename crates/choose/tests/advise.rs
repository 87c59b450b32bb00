//! Advice on work that does everything wrong, one thing at a time. No harness of the standard library's: the processes
//! that measure are this program, whose main has to begin with `choose::enter`.

use std::{
    env, fs,
    io::{self, BufRead},
    process, thread,
    time::Duration,
};

use choose::advise::{AdviseError, Settings, advise_with};
use libtest_mimic::{Arguments, Failed, Trial};
use processes::ended::ended_within;
use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Habit {
    Counts,
    Fails,
    Panics,
    Hangs,
    /// Tells its process id before.
    SaysAndHangs,
    Aborts,
    Exits,
    ChangesDirectory,
    Prints,
    NeedsMemory,
    Waits,
    CannotBeCut,
    /// Only when another thread is there.
    HangsInCompany,
}

/// So many pieces, with a habit that shows at piece `at`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Strange {
    habit: Habit,
    pieces: u32,
    at: u32,
}

impl Workload for Strange {
    const NAME: &'static str = "strange";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        match self.habit {
            Habit::CannotBeCut => Err(PieceError::new("no scissors")),
            _ => Ok((0..self.pieces).collect()),
        }
    }

    fn run(&self, &piece: &u32) -> Result<u64, PieceError> {
        let part = Ok(u64::from(piece));
        if self.habit == Habit::HangsInCompany && thread::current().name() != Some("main") {
            loop {
                thread::park();
            }
        }
        if piece != self.at {
            return part;
        }
        match self.habit {
            Habit::Fails => return Err(PieceError::new("the input is broken")),
            Habit::Panics => panic!("out of cheese"),
            Habit::Hangs => loop {
                thread::park();
            },
            Habit::SaysAndHangs => {
                println!("{}", process::id());
                loop {
                    thread::park();
                }
            }
            Habit::Aborts => process::abort(),
            Habit::Exits => process::exit(7),
            Habit::ChangesDirectory => env::set_current_dir("/").map_err(PieceError::new)?,
            Habit::Prints => println!("\u{0}{{\"Rows\":[]}}\nand no end of line"),
            Habit::NeedsMemory => assert_eq!(std::hint::black_box(vec![1_u8; 64 << 20])[7], 1),
            Habit::Waits => thread::sleep(Duration::from_millis(3)),
            Habit::Counts | Habit::CannotBeCut | Habit::HangsInCompany => {}
        }
        part
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

fn strange(habit: Habit) -> Strange {
    Strange { habit, pieces: 8, at: 5 }
}

fn quick() -> Settings {
    Settings {
        limit: Duration::from_secs(3),
        time: [Duration::from_secs(1), Duration::ZERO],
        ..Settings::default()
    }
}

fn error(habit: Habit) -> AdviseError {
    advise_with(strange(habit), &quick()).expect_err("no advice is possible")
}

fn check(holds: bool, what: impl std::fmt::Display) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.to_string().into()) }
}

fn every_mechanism_is_measured() -> Result<(), Failed> {
    let advice = advise_with(strange(Habit::Counts), &quick())?;
    let text = advice.to_string();
    for part in ["strange: 8 pieces", "rayon", "process-dynamic", "sequential"] {
        check(text.contains(part), &text)?;
    }
    check(advice.measured.all_right(), &text)
}

fn one_piece_cannot_be_shared() -> Result<(), Failed> {
    let advice = advise_with(Strange { habit: Habit::Counts, pieces: 1, at: 0 }, &quick())?;
    check(advice.mechanism == "sequential" && advice.to_string().contains("one piece"), advice)
}

fn a_million_tiny_pieces_are_thinned_out_or_done() -> Result<(), Failed> {
    let mechanisms = vec!["dynamic".to_owned(), "process-dynamic".to_owned()];
    let settings = Settings { mechanisms, ..quick() };
    let advice = advise_with(Strange { habit: Habit::Counts, pieces: 1_000_000, at: 0 }, &settings)?;
    check(advice.trace.pieces == 1_000_000 && advice.measured.all_right(), advice)
}

fn no_pieces() -> Result<(), Failed> {
    let outcome = advise_with(Strange { habit: Habit::Counts, pieces: 0, at: 0 }, &quick());
    check(matches!(outcome, Err(AdviseError::NothingToDo)), format!("{outcome:?}"))?;
    let uncut = error(Habit::CannotBeCut).to_string();
    check(uncut.contains("no scissors"), uncut)
}

fn failures_and_panics_name_the_piece() -> Result<(), Failed> {
    let (failed, panicked) = (error(Habit::Fails).to_string(), error(Habit::Panics).to_string());
    check(failed.contains("piece 5: the input is broken"), failed)?;
    check(panicked.contains("piece 5 panicked: out of cheese"), panicked)
}

fn what_hangs_is_ended_and_named() -> Result<(), Failed> {
    let error = error(Habit::Hangs);
    check(matches!(error, AdviseError::Late { piece: 5, .. }), error)
}

fn what_ends_its_process_is_named() -> Result<(), Failed> {
    for (habit, part) in [(Habit::Aborts, "signal: 6"), (Habit::Exits, "exit status: 7")] {
        let error = error(habit);
        let named = matches!(&error, AdviseError::Died { piece: Some(5), how } if how.contains(part));
        check(named, error)?;
    }
    Ok(())
}

fn a_change_of_directory_is_found() -> Result<(), Failed> {
    let (before, error) = (env::current_dir()?, error(Habit::ChangesDirectory));
    check(matches!(error, AdviseError::Directory { piece: 5 }) && env::current_dir()? == before, error)
}

fn printing_does_no_harm() -> Result<(), Failed> {
    let advice = advise_with(strange(Habit::Prints), &quick())?;
    check(advice.measured.all_right() && advice.measured.rows.len() > 8, advice)
}

fn memory_is_seen_and_bounds_the_workers() -> Result<(), Failed> {
    let settings = Settings { memory: Some(100 << 20), ..quick() };
    let advice = advise_with(strange(Habit::NeedsMemory), &settings)?;
    let bounded = advice.measured.rows.iter().all(|row| row.workers == 1);
    check(advice.trace.memory >= 60 << 20 && advice.room == 1 && bounded, &advice)?;
    check(advice.to_string().contains("Memory bounds it"), advice)
}

fn more_memory_is_room_for_more_workers() -> Result<(), Failed> {
    let settings = Settings { memory: Some(200 << 20), ..quick() };
    let advice = advise_with(strange(Habit::NeedsMemory), &settings)?;
    check((2..=3).contains(&advice.room), advice)
}

fn work_that_waits_is_tried_with_more_workers_than_cores() -> Result<(), Failed> {
    // All pieces wait, as all are piece 0.
    let work = Strange { habit: Habit::Waits, pieces: 1, at: 0 };
    let advice =
        advise_with(Many(work, 40), &Settings { mechanisms: vec!["dynamic".to_owned()], ..quick() })?;
    let most = advice.measured.rows.iter().map(|row| row.workers).max();
    check(advice.measured.waits && most > Some(thread::available_parallelism()?.get().min(39)), advice)
}

fn a_mechanism_that_hangs_is_left_out_and_told() -> Result<(), Failed> {
    let mechanisms = vec!["scoped".to_owned(), "process-static".to_owned()];
    let work = Strange { habit: Habit::HangsInCompany, pieces: 4, at: 0 };
    let advice = advise_with(work, &Settings { mechanisms, ..quick() })?;
    let scoped = advice.measured.rows.iter().find(|row| row.mechanism == "scoped");
    let told = scoped.and_then(|row| row.error.as_deref()).is_some_and(|why| why.contains("killed"));
    let others = advice.measured.rows.iter().any(|row| row.mechanism == "process-static" && row.counts());
    check(told && others, advice)?;
    // Also the one that had to be killed was waited for.
    check(children()?.is_empty(), "a child is left")
}

fn nothing_is_left_behind() -> Result<(), Failed> {
    let _ = error(Habit::Hangs);
    check(children()?.is_empty(), "a child is left")
}

/// Those that this thread has started (proc_tid_children(5)).
fn children() -> io::Result<String> {
    fs::read_to_string(format!("/proc/self/task/{}/children", rustix::thread::gettid().as_raw_nonzero()))
}

fn who_asks_and_is_killed_leaves_nobody() -> Result<(), Failed> {
    // What a piece prints comes out on standard error.
    let mut asks =
        process::Command::new("/proc/self/exe").arg(ASKS).stderr(process::Stdio::piped()).spawn()?;
    let said = io::BufReader::new(asks.stderr.take().expect("a pipe"));
    let measures = said.lines().next().expect("a line")?.parse()?;
    check(!ended_within(measures, Duration::ZERO)?, "the process that measures hangs")?;
    asks.kill()?;
    asks.wait()?;
    check(ended_within(measures, Duration::from_secs(60))?, "the process that measures goes on")
}

/// What this program is told when it is to ask for advice on a piece that hangs, and has time for it.
const ASKS: &str = "asks-for-ever";

fn asks_for_ever() {
    let limit = Duration::from_secs(10_000);
    let _ = advise_with(strange(Habit::SaysAndHangs), &Settings { limit, ..Settings::default() });
}

fn of_work_that_takes_long_some_pieces_are_measured() -> Result<(), Failed> {
    let work = Many(Strange { habit: Habit::Waits, pieces: 1, at: 0 }, 640);
    let settings = Settings { mechanisms: vec!["dynamic".to_owned()], ..quick() };
    let advice = advise_with(work, &settings)?;
    // Two seconds at least, of which a quarter of one is to be done.
    let pieces = 640_usize.div_ceil(advice.every);
    check(advice.every >= 8 && advice.measured.rows.iter().all(|row| row.pieces == pieces), advice)
}

/// The same piece many times.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Many(Strange, u32);

impl Workload for Many {
    const NAME: &'static str = "many";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        Ok((0..self.1).collect())
    }

    fn run(&self, _: &u32) -> Result<u64, PieceError> {
        self.0.run(&0)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

fn main() {
    choose::advise::enter_any(&[choose::advise::kind::<Strange>(), choose::advise::kind::<Many>()]);
    if env::args().nth(1).as_deref() == Some(ASKS) {
        return asks_for_ever();
    }
    let mut arguments = Arguments::from_args();
    // Each starts processes on all cores.
    arguments.test_threads.get_or_insert(2);
    type Test = fn() -> Result<(), Failed>;
    let tests: [(&str, Test); 16] = [
        ("every_mechanism_is_measured", every_mechanism_is_measured),
        ("one_piece_cannot_be_shared", one_piece_cannot_be_shared),
        ("a_million_tiny_pieces_are_thinned_out_or_done", a_million_tiny_pieces_are_thinned_out_or_done),
        ("no_pieces", no_pieces),
        ("failures_and_panics_name_the_piece", failures_and_panics_name_the_piece),
        ("what_hangs_is_ended_and_named", what_hangs_is_ended_and_named),
        ("what_ends_its_process_is_named", what_ends_its_process_is_named),
        ("a_change_of_directory_is_found", a_change_of_directory_is_found),
        ("printing_does_no_harm", printing_does_no_harm),
        ("memory_is_seen_and_bounds_the_workers", memory_is_seen_and_bounds_the_workers),
        ("more_memory_is_room_for_more_workers", more_memory_is_room_for_more_workers),
        (
            "work_that_waits_is_tried_with_more_workers_than_cores",
            work_that_waits_is_tried_with_more_workers_than_cores,
        ),
        ("a_mechanism_that_hangs_is_left_out_and_told", a_mechanism_that_hangs_is_left_out_and_told),
        ("nothing_is_left_behind", nothing_is_left_behind),
        ("who_asks_and_is_killed_leaves_nobody", who_asks_and_is_killed_leaves_nobody),
        (
            "of_work_that_takes_long_some_pieces_are_measured",
            of_work_that_takes_long_some_pieces_are_measured,
        ),
    ];
    let trials = tests.into_iter().map(|(name, test)| Trial::test(name, test)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
