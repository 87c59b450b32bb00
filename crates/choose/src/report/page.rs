//! The page.

use std::slice;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    bars::{Bar, Scale, bars},
    curve, foreseen, lanes, named,
    picture::picture,
    tiles,
};
use crate::{
    calibrate::Calibration,
    foresee::Foreseen,
    machine::Machine,
    recommend::Advice,
    row::{Measured, Row},
    show, table,
};

/// Nothing from a network. Colours follow what the reader's system prefers; tables and timelines scroll in themselves on
/// a narrow screen, so that the page does not.
const STYLE: &str = include_str!("page.css");
/// Zooms timelines; all else is there without it.
const SCRIPT: &str = include_str!("page.js");

/// What the report is about.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// Where.
    pub machine: &'a Machine,
    /// What a pure kernel gained on all cores when the measuring began.
    pub gain: f64,
    /// What the machine is worth beyond that, if that was measured.
    pub calibration: Option<&'a Calibration>,
    /// The works, in order.
    pub all: &'a [Measured],
    /// The advice for each.
    pub advice: &'a [Advice],
}

/// The report as one HTML file.
pub fn page(contents: &Contents<'_>) -> String {
    forecast_page(contents, &[])
}

/// The same with what was predicted of each work, beside what was measured of it.
pub fn forecast_page(contents: &Contents<'_>, works: &[Foreseen]) -> String {
    let Contents { machine, gain, calibration, all, advice } = *contents;
    let title = "Which mechanism to take on this machine";
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p.soft { (machine.line()) }
                    p { (ceiling(machine, gain)) }
                    @if let Some(calibration) = calibration { (calibrated(calibration)) }
                    @if !all.is_empty() {
                        figure {
                            // One picture each, so that they stand below each other on a narrow screen.
                            div.panels { @for measured in all { (PreEscaped(picture(slice::from_ref(measured)))) } }
                            figcaption { "Speed-up as a share of what was possible, each mechanism with the most workers that were measured." }
                        }
                    }
                    (ladder(calibration, all))
                    @for measured in all {
                        (section(
                            measured,
                            advice.iter().find(|advice| advice.workload == measured.workload),
                            works.iter().find(|work| work.measured.workload == measured.workload),
                            machine.cores,
                        ))
                    }
                    h2 { "How to read it" }
                    p { (table::LEGEND) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn ceiling(machine: &Machine, gain: f64) -> String {
    match machine.cores {
        1 => "This machine gives one core: nothing parallel can be concluded about work that computes."
            .to_owned(),
        cores => format!(
            "When the measuring began, a pure kernel (registers only) gained {gain:.2} times on {cores} threads: what \
             any mechanism can reach. Every speed-up is also given as a share of what it gains in the same round."
        ),
    }
}

fn calibrated(calibration: &Calibration) -> Markup {
    html! {
        h2 id="machine" { "The machine" }
        (wide("Calibration of the machine", html! { pre { (calibration.to_string()) } }))
        @if let Some(noise) = calibration.noise() { p.advice { (noise) } }
    }
}

/// What it costs to hand out an empty piece, beside what the machine itself takes to wake and to start someone.
fn ladder(calibration: Option<&Calibration>, all: &[Measured]) -> Markup {
    let mut steps: Vec<(String, f64)> = Vec::new();
    for row in all.iter().flat_map(|measured| &measured.rows) {
        let name = format!("a piece, {}", row.mechanism);
        if let Some(cost) = row.dispatch_ns
            && steps.iter().all(|(other, _)| *other != name)
        {
            steps.push((name, cost));
        }
    }
    if let Some(Calibration { wake, thread, process, fork, costs, gains, .. }) = calibration {
        for (mechanism, costs) in costs {
            let name = format!("a piece, {mechanism}");
            if steps.iter().all(|(other, _)| *other != name) {
                // By the wall, as in the rows above: all cores hand out pieces at once.
                steps.push((name, costs.piece / gains.len() as f64 * 1e9));
            }
        }
        steps.extend(
            [("waking a thread", *wake), ("starting a thread", *thread)]
                .map(|(name, s)| (name.to_owned(), s * 1e9)),
        );
        let others = [("starting a process", *process), ("fork of this process", *fork)];
        steps.extend(others.into_iter().filter_map(|(name, s)| Some((name.to_owned(), s? * 1e9))));
    }
    let steps = steps
        .into_iter()
        .map(|(name, value)| {
            // Handing out and starting are told in different units, as one is a thousand times the other.
            let text = if value < 1e6 { show::nanoseconds(value) } else { show::seconds(value / 1e9) };
            Bar { name, value, text }
        })
        .collect::<Vec<_>>();
    html! {
        @if !steps.is_empty() {
            h2 id="costs" { "What things cost" }
            (bars("Each tenfold cost is as much longer a bar. \"A piece\": handing out an empty one.", Scale::Decades, steps))
        }
    }
}

/// What stands between backticks is code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn section(measured: &Measured, advice: Option<&Advice>, work: Option<&Foreseen>, cores: usize) -> Markup {
    let name = measured.workload;
    let drawn: Vec<Markup> = measured.traces.iter().filter_map(tiles::tiles).collect();
    html! {
        section aria-labelledby=(name) {
            h2 id=(name) { (name) }
            @if let Some(advice) = advice { p.advice { (with_code(&advice.why)) } }
            @if let Some(work) = work { (foreseen::foreseen(work, cores)) h3 { "All that was measured" } }
            (wide(&format!("Figures of {name}"), figures(measured, advice)))
            @for row in measured.rows.iter().filter(|row| row.error.is_some()) {
                p { strong { "Failed: " } (row.mechanism) " x " (row.workers) ": " (row.error.as_deref().unwrap_or_default()) }
            }
            @if let Some(curve) = curve::curve(measured) {
                figure { (curve) figcaption { "How many times as fast with how many workers." } }
            }
            (memory(measured))
            @if !drawn.is_empty() {
                h3 { "Who drew which tile" }
                p.soft { "A colour for each worker; the stronger, the longer the tile took." }
                div.tiles { @for one in &drawn { (one) } }
            }
            @if !measured.traces.is_empty() {
                h3 { "Who did what when" }
                p.soft {
                    "A lane for each worker. Colours: from where in the work a piece is, first to last. Zoom with the buttons, or with "
                    "+, − and 0 when a timeline has the focus; arrow keys move along it."
                }
                @for trace in &measured.traces { (lanes::timeline(name, trace)) }
            }
        }
    }
}

fn memory(measured: &Measured) -> Markup {
    let bar = |row: &Row| {
        let bytes = row.peak_memory?;
        Some(Bar { name: named(row.mechanism, row.workers), value: bytes as f64, text: show::bytes(bytes) })
    };
    let all: Vec<Bar> = measured.rows.iter().filter_map(bar).collect();
    html! {
        @if !all.is_empty() {
            h3 { "Memory" }
            (bars("The most at any moment, of all processes together; shared pages count once.", Scale::Linear, all))
        }
    }
}

/// Something that scrolls in itself where the screen is narrow; with the keyboard too.
pub(super) fn wide(name: &str, content: Markup) -> Markup {
    html! { div.wide tabindex="0" role="region" aria-label=(name) { (content) } }
}

fn figures(measured: &Measured, advice: Option<&Advice>) -> Markup {
    let is_taken = |row: &Row| {
        advice.is_some_and(|advice| (advice.mechanism, advice.workers) == (row.mechanism, row.workers))
    };
    html! {
        table.figures {
            thead { tr { @for head in table::HEAD { th scope="col" { (head) } } } }
            tbody {
                @for row in table::by_mechanism(measured) {
                    tr.taken[is_taken(row)] data-mechanism=(row.mechanism) data-workers=(row.workers) {
                        @for cell in table::cells(row) { td { (cell) } }
                    }
                }
            }
        }
    }
}
