//! Why: the two sentences of an advice. Every number in them was observed.

use crate::{
    recommend::{NOISY, Standing},
    row::{Measured, Row, SEQUENTIAL, Shot},
    show,
};

/// A pure kernel that gains less than this share of the cores says that they are not really so many.
const CRAMPED: f64 = 0.75;
/// Shares of the pieces that differ by less are even.
const UNEVEN: f64 = 1.15;
/// Processor time beyond this is worth a word.
const DEARER: f64 = 1.2;

/// For the one that is taken: what it gains; and how the others compare.
pub(crate) fn taken(
    measured: &Measured,
    standing: &Standing<'_>,
    contenders: &[&Row],
    cores: usize,
) -> String {
    let row = standing.taken;
    let same: Vec<&Row> =
        contenders.iter().copied().filter(|other| other.workers == row.workers && *other != row).collect();
    let (equal, slower): (Vec<&Row>, Vec<&Row>) =
        same.into_iter().partition(|other| !other.is_clearly_slower(row, standing.band));
    let mut others = vec![among_equals(row, &equal, standing)];
    if let Some(worst) = slower.into_iter().max_by(|a, b| row.against(a).total_cmp(&row.against(b))) {
        let times = row.against(worst);
        others.push(format!(
            "{} takes {times:.1} times as long{}",
            worst.mechanism,
            because(measured, row, worst, times)
        ));
    }
    others.extend(fewer(measured, row));
    format!("{} {}.", gains(measured, row, cores), capital(&others.join("; ")))
}

/// The first sentence: what it does and what that is worth.
fn gains(measured: &Measured, row: &Row, cores: usize) -> String {
    let (seconds, alone) =
        (row.samples(|shot| shot.seconds).median(), row.samples(|shot| shot.alone).median());
    let (speedup, share, ceiling) = (
        row.samples(Shot::speedup).median(),
        row.samples(Shot::share).median(),
        row.samples(|shot| shot.ceiling).median(),
    );
    let possible = if measured.waits {
        format!("of what so many can save where every piece waits, however few the cores ({cores} here)")
    } else if ceiling < CRAMPED * row.workers.min(cores) as f64 {
        format!(
            "of what this machine gave, which was little at that moment: a pure kernel gained {ceiling:.2} times"
        )
    } else {
        "of what this machine gave at that moment".to_owned()
    };
    format!(
        "Take {} with {}: {} instead of {}, {} times as fast, and {:.0} % {possible}.",
        row.mechanism,
        show::workers(row.workers),
        show::seconds(seconds),
        show::seconds(alone),
        show::times(speedup),
        share * 100.0
    )
}

/// Why this one and not one of those that are as fast.
fn among_equals(row: &Row, equal: &[&Row], standing: &Standing<'_>) -> String {
    let simple = simple(row.mechanism);
    if equal.is_empty() {
        return format!("nothing else comes close to it, and it is {simple}");
    }
    let names = list(&equal.iter().map(|row| row.mechanism).collect::<Vec<_>>());
    let is = if equal.len() == 1 { "is" } else { "are" };
    if !standing.quiet {
        return format!(
            "on a machine this busy {names} cannot be told from it, so the simplest is taken: {simple}"
        );
    }
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    if standing.spread >= NOISY {
        let spread = percent(standing.spread);
        return format!(
            "the runs lie too far apart (by {spread}) to tell {names} from it, so the simplest is taken: {simple}"
        );
    }
    let band = percent(standing.band);
    format!("within {band} of it {is} {names}, and this is the simplest of them: {simple}")
}

/// What one has to write for it.
pub(crate) fn simple(mechanism: &str) -> &'static str {
    match mechanism {
        "rayon" => "one `par_iter`",
        "dynamic" => "threads of the standard library and one shared counter",
        "scoped" => "scoped threads that each take every n-th piece",
        "static" => "a thread for each share, and nothing shared",
        "pool" => "threads that stay, and a channel",
        "stealing" => "a queue for each thread, from which others may take",
        "process-dynamic" => "processes that are handed piece after piece, with memory of their own",
        "process-static" => "processes that get their share once, with memory of their own",
        "unix-socket" => "processes that connect to a Unix socket",
        "tcp" => "processes that connect by TCP",
        "ipc-channel" => "processes, and channels between them",
        _ => "the mechanism to take",
    }
}

/// What else was seen that explains it; nothing, if nothing was.
fn because(measured: &Measured, row: &Row, slower: &Row, times: f64) -> String {
    let cpu = slower.samples(|shot| shot.cpu).median() / row.samples(|shot| shot.cpu).median();
    match measured.uneven {
        // Waiting for the dearest share explains as much as that share is dearer, and no more.
        Some(uneven) if slower.mechanism.ends_with("static") && uneven >= UNEVEN && times <= uneven * 1.3 => {
            format!(
                ", as equal numbers of pieces are not equal work here (the dearest share takes {uneven:.1} times the mean)"
            )
        }
        _ if cpu >= DEARER => format!(", with {cpu:.1} times the processor time"),
        _ => String::new(),
    }
}

/// For work that waits: what fewer workers would have made of it.
fn fewer(measured: &Measured, row: &Row) -> Option<String> {
    if !measured.waits {
        return None;
    }
    let next = (measured.rows.iter())
        .filter(|other| other.counts() && other.mechanism == row.mechanism && other.pieces == row.pieces)
        .filter(|other| other.workers < row.workers)
        .max_by_key(|other| other.workers)?;
    let seconds = show::seconds(next.samples(|shot| shot.seconds).median());
    Some(format!("with {} it takes {seconds}", show::workers(next.workers)))
}

/// When there is no other row: one core, or only one worker asked for, or nothing else came to an end.
pub(crate) fn nothing_to_compare(measured: &Measured, cores: usize) -> String {
    let failed =
        measured.rows.iter().filter(|row| row.error.is_some() && row.mechanism != SEQUENTIAL).count();
    let first = if failed > 0 {
        format!("Take one piece after the other: {failed} of the other ways failed and none is left.")
    } else if cores == 1 {
        "Take one piece after the other: this machine gives one core, and nothing can run beside it."
            .to_owned()
    } else {
        format!("Take one piece after the other: only one worker was tried, on {cores} cores.")
    };
    format!("{first} Whether anything parallel would pay cannot be concluded from this.")
}

/// When even the best gains next to nothing.
pub(crate) fn not_worth_it(
    measured: &Measured,
    alone: &Row,
    standing: &Standing<'_>,
    cores: usize,
) -> String {
    let best = standing.best;
    let (seconds, speedup) =
        (alone.samples(|shot| shot.seconds).median(), best.samples(Shot::speedup).median());
    let second = if cores == 1 && !measured.waits {
        "with one core nothing parallel can be concluded".to_owned()
    } else {
        "that is not worth a second thread".to_owned()
    };
    format!(
        "Take one piece after the other: it needs {}. The fastest other way, {} with {}, is {speedup:.2} times as fast; {second}.",
        show::seconds(seconds),
        best.mechanism,
        show::workers(best.workers)
    )
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
