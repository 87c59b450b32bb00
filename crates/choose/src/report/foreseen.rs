//! What was predicted of a work, beside what was measured of it and what textbooks' laws say.

use maud::{Markup, html};

use super::{page::wide, prospect};
use crate::{
    check::{Check, TOLERATED},
    forecast,
    foresee::{Foreseen, Laws},
    laws::Law,
    show,
};

/// Everything of it, with a machine of so many cores.
pub(super) fn foreseen(work: &Foreseen, cores: usize) -> Markup {
    let name = work.measured.workload;
    html! {
        h3 { "Predicted and measured" }
        p { (recorded(work)) }
        @if work.checks.is_empty() {
            p { "Nothing was held out: no second worker was worth checking." }
        } @else {
            (wide(&format!("Predictions of {name}"), checks(&work.checks)))
        }
        @for check in work.checks.iter().filter(|check| !check.holds()) {
            p { strong { (check.mechanism) " x " (check.workers) } (format!(" was off by {:+.0} %: ", check.error * 100.0)) (check.kind.unwrap_or("unknown")) "." }
        }
        @if work.measured_more { p { "So the likely ones were measured, and the advice rests on that." } }
        @if work.disturbed { p { "Other processes used the cores while this was measured: on this machine, now, it says little." } }
        @if let Some(drawn) = prospect::prospect(work, cores) {
            figure {
                (drawn)
                figcaption { (caption(work, cores)) }
            }
        }
        @if let Some(laws) = &work.laws {
            h3 { "Laws of scalability through the same points" }
            p { (forecast::about(laws)) }
            (wide(&format!("Laws of {name}"), table(laws)))
            @for miss in misses(laws, cores) { p { (miss) } }
        }
    }
}

fn recorded(work: &Foreseen) -> String {
    let run = &work.recorded;
    let each = run.count().max(1) as f64;
    let waits = match run.waiting() / each {
        waiting if waiting < 1e-7 => "does not wait".to_owned(),
        waiting => format!("waits {}", show::seconds(waiting)),
    };
    format!(
        "From one recorded run: {} pieces, {} one after the other; each takes {} of processor time (its server's too) and \
         {waits} in the mean. {} (N*) would keep all cores busy.",
        run.count(),
        show::seconds(run.alone()),
        show::seconds(run.demand() / each),
        show::workers(work.outlook.best_workers),
    )
}

fn caption(work: &Foreseen, cores: usize) -> String {
    let what = "Line: predicted. Dots: held out, then measured. Dashed: the ceiling.";
    let laws = if work.laws.is_some() { " Thin: the laws, through the dots on the left." } else { "" };
    format!(
        "{what}{laws} Upright: the knee at C = {cores}, where cores are used up, and N* = {}.",
        work.outlook.best_workers
    )
}

fn checks(all: &[Check]) -> Markup {
    html! {
        table.predictions {
            thead { tr { @for head in ["mechanism", "workers", "predicted", "measured", "error"] { th scope="col" { (head) } } } }
            tbody {
                @for one in all {
                    // In full beside what people read, for programs: the figures of `--json`.
                    tr data-workload=(one.workload) data-mechanism=(one.mechanism) data-workers=(one.workers)
                        data-predicted=(one.predicted_s) data-measured=(one.measured_s) data-error=(one.error) {
                        td { (one.mechanism) }
                        td { (one.workers) }
                        td { (show::seconds(one.predicted_s)) }
                        td { (show::seconds(one.measured_s)) }
                        td { (format!("{:+.1} %", one.error * 100.0)) }
                    }
                }
            }
        }
    }
}

fn table(laws: &Laws) -> Markup {
    let parameters = |law: Law| match law {
        Law::Amdahl(serial) | Law::Gustafson(serial) => format!("serial {:.1} %", serial * 100.0),
        Law::Universal(contention, crosstalk) => {
            format!("contention {:.1} %, crosstalk {:.2} %", contention * 100.0, crosstalk * 100.0)
        }
    };
    let percent = |error: f64| format!("{:.1} %", error * 100.0);
    html! {
        table.laws {
            thead { tr { @for head in ["law", "parameters", "misses by"] { th scope="col" { (head) } } } }
            tbody {
                @for (law, error) in laws.laws.into_iter().zip(laws.law_errors) {
                    tr data-law=(law.name()) data-error=(error) { td { (law.name()) } td { (parameters(law)) } td { (percent(error)) } }
                }
                tr data-law="prediction" data-error=(laws.our_error) { td { "the prediction" } td {} td { (percent(laws.our_error)) } }
            }
        }
    }
}

/// For each law that misses: where, and what it says there.
fn misses(laws: &Laws, cores: usize) -> Vec<String> {
    let judged = if laws.fitted < laws.points.len() { &laws.points[laws.fitted..] } else { &laws.points[..] };
    let off = |law: Law, workers: usize, speedup: f64| {
        let said = law.speedup(workers as f64).max(1e-9);
        ((speedup / said - 1.0).abs(), workers, speedup, said)
    };
    (laws.laws.into_iter())
        .filter_map(|law| {
            let all = judged.iter().map(|(workers, speedup)| off(law, *workers, *speedup));
            let (error, workers, measured, said) = all.max_by(|a, b| a.0.total_cmp(&b.0))?;
            let knee = if workers > cores && said > measured && measured > 1.0 {
                " A smooth curve does not bend at the knee."
            } else {
                ""
            };
            (error > TOLERATED).then(|| {
                format!(
                    "{} misses most at {}: it says {} times as fast, measured were {}.{knee}",
                    law.name(),
                    show::workers(workers),
                    show::times(said),
                    show::times(measured),
                )
            })
        })
        .collect()
}
