//! Advice from a prediction and its check, as a person would say it: what, how much, why, what would change it, and
//! where the code is.

use workload::{Mechanism, Workload};

use crate::{
    calibrate::Calibration, check::on_cores, foresee::Foreseen, predict::Predicted, reason::simple,
    recommend::Advice, row::Shot, show,
};

/// Advice to take one piece after the other.
pub(crate) fn sequential(foreseen: &Foreseen, calibration: &Calibration) -> Advice {
    let alone = show::seconds(foreseen.outlook.alone);
    let why = match foreseen.outlook.best() {
        Some(best) if calibration.gains.len() > 1 || foreseen.measured.waits => {
            let times = foreseen.outlook.alone / best.seconds.max(1e-9);
            format!(
                "Take one piece after the other: it needs {alone}, and the best of all others ({} with {}) would be \
                 {times:.2} times as fast: not worth a second thread. {}",
                best.mechanism,
                show::workers(best.workers),
                small(foreseen, best, calibration)
            )
        }
        _ => format!(
            "Take one piece after the other: it needs {alone}, and on one core nothing that computes gets faster by being shared."
        ),
    };
    Advice { workload: foreseen.measured.workload, mechanism: crate::row::SEQUENTIAL, workers: 1, why }
}

/// What would have to change for a second thread to pay.
fn small(foreseen: &Foreseen, best: &Predicted, calibration: &Calibration) -> String {
    let run = &foreseen.recorded;
    let costs = calibration.costs.iter().find(|(name, _)| *name == best.mechanism).map(|(_, costs)| *costs);
    let starting =
        costs.map_or(0.0, |costs| costs.fixed + best.workers as f64 * (costs.serial + costs.parallel));
    if run.pieces.len() == 1 {
        "It is one piece: cut it, if it can be cut.".to_owned()
    } else if run.longest() > 0.8 * foreseen.outlook.alone {
        "One piece is nearly all of it: cut that one finer.".to_owned()
    } else if starting > 0.2 * foreseen.outlook.alone {
        format!(
            "Starting workers takes {} of it: more work at a time would change that.",
            show::seconds(starting)
        )
    } else {
        "More work in each piece, or more cores, would change that.".to_owned()
    }
}

/// Advice to take a mechanism.
pub(crate) fn take<W: Workload>(
    foreseen: &Foreseen,
    taken: &Predicted,
    calibration: &Calibration,
    mechanisms: &[Mechanism<W>],
) -> Advice {
    let mut why = vec![gains(foreseen, taken, calibration), reason(foreseen, taken, calibration)];
    why.extend(changes(foreseen, taken, calibration));
    if let Some(mechanism) = mechanisms.iter().find(|one| one.name == taken.mechanism) {
        why.push(format!("Start from {}.", mechanism.file));
    }
    let why = why.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ");
    Advice { workload: W::NAME, mechanism: taken.mechanism, workers: taken.workers, why }
}

fn gains(foreseen: &Foreseen, taken: &Predicted, calibration: &Calibration) -> String {
    let alone = foreseen.outlook.alone;
    // What was measured on a busy machine says what others left of it.
    let cores = calibration.gains.len();
    if (foreseen.disturbed || calibration.noise().is_some())
        && let Some(seconds) = on_cores(&foreseen.recorded, taken, taken.workers, cores, calibration)
    {
        return format!(
            "Take {} with {}: {} (predicted for this machine when it is quiet) instead of {}, {} times as fast.",
            taken.mechanism,
            show::workers(taken.workers),
            show::seconds(seconds),
            show::seconds(alone),
            show::times(alone / seconds.max(1e-9)),
        );
    }
    let row = foreseen.measured.row(taken.mechanism, taken.workers).filter(|row| row.counts());
    let seconds = row.map_or(taken.seconds, |row| row.samples(|shot| shot.seconds).median());
    let times = row.map_or(alone / seconds, |row| row.samples(Shot::speedup).median());
    let measured = if row.is_some() { "measured" } else { "predicted" };
    format!(
        "Take {} with {}: {} ({measured}) instead of {}, {} times as fast.",
        taken.mechanism,
        show::workers(taken.workers),
        show::seconds(seconds),
        show::seconds(alone),
        show::times(times),
    )
}

/// Why this many workers, and why this mechanism.
fn reason(foreseen: &Foreseen, taken: &Predicted, calibration: &Calibration) -> String {
    let (run, outlook) = (&foreseen.recorded, &foreseen.outlook);
    let each = run.count().max(1) as f64;
    let (demand, waiting) = (run.demand() / each, run.waiting() / each);
    let cores = calibration.gains.len();
    let workers = if waiting > 0.05 * demand {
        format!(
            "A piece computes for {} and waits for {}, so {} will keep {} busy.",
            show::seconds(demand),
            show::seconds(waiting),
            show::workers(outlook.best_workers),
            if cores == 1 { "the core".to_owned() } else { format!("{cores} cores") },
        )
    } else {
        format!("Its pieces only compute, so more workers than the {cores} cores gain nothing.")
    };
    let others = match worst(foreseen, taken) {
        Some((worst, times)) if times > 1.15 => {
            let uneven = foreseen.measured.uneven.unwrap_or(1.0);
            let because = if worst.mechanism.ends_with("static") && uneven > 1.15 {
                format!(", as the dearest share is {uneven:.1} times the mean")
            } else if worst.mechanism.starts_with("process") && !taken.mechanism.starts_with("process") {
                ", as processes cost more to start and their parts go through pipes".to_owned()
            } else {
                String::new()
            };
            format!(
                " {} would take {times:.1} times as long{because}; of those that are as fast",
                worst.mechanism
            )
        }
        _ => " All mechanisms are about as fast;".to_owned(),
    };
    format!("{workers}{others} this is the simplest: {}.", simple(taken.mechanism))
}

/// Which mechanism would be worst with as many workers, and how many times as long it would take: as measured where both
/// were, as what was not foreseen shows only there; otherwise as predicted.
fn worst<'a>(foreseen: &'a Foreseen, taken: &Predicted) -> Option<(&'a Predicted, f64)> {
    let speedup = |one: &Predicted| {
        let row = foreseen.measured.row(one.mechanism, one.workers).filter(|row| row.counts())?;
        (!foreseen.disturbed).then(|| row.samples(Shot::speedup).median())
    };
    let times = |one: &Predicted| match (speedup(taken), speedup(one)) {
        (Some(mine), Some(its)) => mine / its,
        _ => one.seconds / taken.seconds,
    };
    let others = foreseen.outlook.all.iter();
    others
        .filter(|one| one.workers == taken.workers && one.mechanism != taken.mechanism)
        .map(|one| (one, times(one)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// What would change the advice.
fn changes(foreseen: &Foreseen, taken: &Predicted, calibration: &Calibration) -> Vec<String> {
    let (run, outlook) = (&foreseen.recorded, &foreseen.outlook);
    let mut all = Vec::new();
    all.extend(one_line(foreseen, taken));
    let cores = calibration.gains.len();
    let more = 4 * cores;
    let workers = (taken.workers * 4).min(run.count().max(1));
    if let Some(seconds) = on_cores(run, taken, workers, more, calibration) {
        let times = taken.seconds / seconds.max(1e-9);
        all.push(if times < 1.15 {
            format!("{more} cores would not make it faster{}.", bound(run, seconds))
        } else {
            format!(
                "On {more} cores {workers} workers would take about {}, {} times as fast again.",
                show::seconds(seconds),
                show::times(times)
            )
        });
    }
    if let Some((_, costs)) = calibration.costs.iter().find(|(name, _)| *name == taken.mechanism) {
        let handing = costs.piece * run.count() as f64;
        if handing > 0.1 * run.demand() {
            all.push(format!(
                "Handing out pieces is {:.0} % of the work: larger pieces would help more than another mechanism.",
                handing / run.demand() * 100.0
            ));
        }
    }
    if !taken.mechanism.starts_with("process") {
        let process = (outlook.all.iter())
            .filter(|one| one.mechanism == "process-dynamic")
            .min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        if let Some(process) = process {
            all.push(format!(
                "If a crash of one piece must not end the others, take process-dynamic with {}: about {}, and each process holds \
                 its own copy of what a worker needs.",
                show::workers(process.workers),
                as_long(process.seconds / taken.seconds.max(1e-9)),
            ));
        }
    }
    all
}

/// What rayon would make of it, where threads compute: much less code, and what that costs here.
fn one_line(foreseen: &Foreseen, taken: &Predicted) -> Option<String> {
    if foreseen.measured.waits || taken.mechanism == "rayon" || taken.mechanism.starts_with("process") {
        return None;
    }
    let times = foreseen.outlook.of("rayon", taken.workers)? / taken.seconds.max(1e-9);
    (times < 1.5)
        .then(|| format!("With rayon it is one line, `par_iter`, and takes about {}.", as_long(times)))
}

fn as_long(times: f64) -> String {
    if times < 1.05 { "as long".to_owned() } else { format!("{times:.1} times as long") }
}

fn bound(run: &crate::record::Recorded, seconds: f64) -> String {
    if run.longest() > 0.7 * seconds {
        format!(": its longest piece alone takes {}, cut finer", show::seconds(run.longest()))
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{foresee::made_up::row, predict::Outlook, record::Recorded, row::Measured};

    /// What a lock does to threads is not foreseen: it shows only where it was measured.
    #[test]
    fn the_worst_is_the_one_that_was_seen_to_be() {
        let predicted = |mechanism, seconds| Predicted { mechanism, workers: 2, seconds };
        let taken = predicted("process-dynamic", 0.5);
        let all = vec![taken.clone(), predicted("dynamic", 0.49), predicted("pool", 0.55)];
        let outlook = Outlook { alone: 1.0, best_workers: 2, all };
        let (workload, traces) = ("made-up", Vec::new());
        let measured = Measured { workload, waits: false, rows: Vec::new(), uneven: None, traces };
        let mut foreseen = Foreseen::of(Recorded::default(), outlook, measured);
        let named = |foreseen: &Foreseen| {
            worst(foreseen, &taken).map(|(one, times)| (one.mechanism, (times * 10.0).round() / 10.0))
        };
        assert_eq!(named(&foreseen), Some(("pool", 1.1)));
        foreseen.measured.rows = vec![row("process-dynamic", 2, 0.5), row("dynamic", 2, 0.9)];
        assert_eq!(named(&foreseen), Some(("dynamic", 1.8)));
        foreseen.disturbed = true;
        assert_eq!(named(&foreseen), Some(("pool", 1.1)));
    }

    #[test]
    fn what_rayon_would_take_is_told_where_threads_compute() {
        let said = |mechanism, waits, rayon| {
            let predicted = |mechanism, seconds| Predicted { mechanism, workers: 2, seconds };
            let taken = predicted(mechanism, 0.5);
            let all = vec![taken.clone(), predicted("rayon", rayon)];
            let outlook = Outlook { alone: 1.0, best_workers: 2, all };
            let (workload, rows, traces) = ("made-up", Vec::new(), Vec::new());
            let measured = Measured { workload, waits, rows, uneven: None, traces };
            one_line(&Foreseen::of(Recorded::default(), outlook, measured), &taken)
        };
        assert!(said("dynamic", false, 0.51).is_some_and(|said| said.ends_with("takes about as long.")));
        assert!(said("dynamic", false, 0.56).is_some_and(|said| said.ends_with("about 1.1 times as long.")));
        assert_eq!(said("dynamic", false, 0.9), None);
        assert_eq!(said("dynamic", true, 0.5), None);
        assert_eq!(said("process-dynamic", false, 0.5), None);
    }
}
