//! The page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{curve, lanes, picture::picture};
use crate::{
    machine::Machine,
    recommend::Advice,
    row::{Measured, Row},
    table,
};

/// No script, nothing from a network. Colours follow what the reader's system prefers; tables scroll in themselves on a
/// narrow screen, so that the page does not.
const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --faint: #e4e4ea; --soft: #5c5c66; --mark: #e8f3ff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6ea; --paper: #17171a; --faint: #34343a; --soft: #a5a5b0; --mark: #14304d; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-top: 1px solid var(--faint); padding-top: 1.5rem; } h3 { font-size: 1.05rem; }
p.soft, figcaption, caption { color: var(--soft); font-size: .9rem; text-align: left; }
p.advice { background: var(--mark); padding: .75rem 1rem; border-radius: .4rem; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; white-space: nowrap; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--faint); }
th:first-child, td:first-child { text-align: left; }
tr.taken { background: var(--mark); font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
figure { margin: 1rem 0; } div.wide > svg { min-width: 34rem; }
div.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
";

/// The report as one HTML file.
pub fn page(machine: &Machine, gain: f64, all: &[Measured], advice: &[Advice]) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Which mechanism to take on this machine" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Which mechanism to take on this machine" }
                    p.soft { (machine.line()) }
                    p { (calibration(machine, gain)) }
                    @if !all.is_empty() {
                        figure {
                            // One picture each, so that they stand below each other on a narrow screen.
                            div.panels { @for measured in all { (PreEscaped(picture(std::slice::from_ref(measured)))) } }
                            figcaption { "Speed-up as a share of what was possible, each mechanism at its most workers." }
                        }
                    }
                    @for measured in all {
                        (section(measured, advice.iter().find(|advice| advice.workload == measured.workload)))
                    }
                    h2 { "How to read it" }
                    p { (table::LEGEND) }
                }
            }
        }
    }
    .into_string()
}

fn calibration(machine: &Machine, gain: f64) -> String {
    match machine.cores {
        1 => "This machine gives one core: nothing parallel can be concluded about work that computes."
            .to_owned(),
        cores => format!(
            "When the measuring began, a pure kernel (registers only) gained {gain:.2} times on {cores} threads: what \
             any mechanism can reach. It is measured again in every round, and every speed-up is also given as a share of it."
        ),
    }
}

fn section(measured: &Measured, advice: Option<&Advice>) -> Markup {
    html! {
        section {
            h2 id=(measured.workload) { (measured.workload) }
            @if let Some(advice) = advice { p.advice { (advice.why) } }
            (wide(&format!("Figures of {}", measured.workload), figures(measured, advice)))
            @for row in measured.rows.iter().filter(|row| row.error.is_some()) {
                p { strong { "Failed: " } (row.mechanism) " x " (row.workers) ": " (row.error.as_deref().unwrap_or_default()) }
            }
            @if let Some(curve) = curve::curve(measured) {
                figure { (wide(&format!("Curve of {}", measured.workload), PreEscaped(curve))) figcaption { "How many times as fast with how many workers." } }
            }
            @if !measured.traces.is_empty() {
                h3 { "Who did what when" }
                p.soft { "A lane for each worker. Colours: from where in the work a piece is, first to last." }
                @for trace in &measured.traces {
                    figure {
                        figcaption { strong { (trace.mechanism) } ": " (lanes::about(trace)) }
                        (wide(&format!("Timeline of {}", trace.mechanism), PreEscaped(lanes::timeline(trace))))
                    }
                }
            }
        }
    }
}

/// Something that scrolls in itself where the screen is narrow; with the keyboard too.
fn wide(name: &str, content: Markup) -> Markup {
    html! { div.wide tabindex="0" role="region" aria-label=(name) { (content) } }
}

fn figures(measured: &Measured, advice: Option<&Advice>) -> Markup {
    let is_taken = |row: &Row| {
        advice.is_some_and(|advice| (advice.mechanism, advice.workers) == (row.mechanism, row.workers))
    };
    html! {
        table {
            thead { tr { @for head in table::HEAD { th scope="col" { (head) } } } }
            tbody {
                @for row in table::by_mechanism(measured) {
                    tr.taken[is_taken(row)] { @for cell in table::cells(row) { td { (cell) } } }
                }
            }
        }
    }
}
