//! Timelines: who ran which piece from when to when, a lane for each worker, zoomable.
//!
//! Every piece is drawn, also those that can only be told apart when zoomed in: neighbours differ in shade. A path holds all
//! pieces of a lane that look alike, so that thousands of them are a few elements.

use std::{collections::BTreeMap, fmt::Write};

use maud::{Markup, html};
use workload::Span;

use super::named;
use crate::{row::Trace, show};

/// More lanes than this are not drawn: a page with two hundred shows nothing.
const MOST: usize = 8;

/// Into how many stretches the pieces are divided; each has a colour.
const STRETCHES: usize = 6;

/// Beyond this, neighbours that touch are drawn as one: a page must stay small enough to open.
const MOST_PIECES: usize = 4_000;

/// Width of the drawing in its own units, and height of a lane.
const WIDTH: f64 = 10_000.0;
const LANE: usize = 24;
const BAR: usize = 18;

/// A timeline with its controls.
pub(super) fn timeline(workload: &str, trace: &Trace) -> Markup {
    let (begin, end) = extent(&trace.spans);
    let lanes = lanes(&trace.spans);
    let several = trace.spans.iter().any(|span| span.pid != trace.spans[0].pid);
    let who = named(trace.mechanism, trace.workers);
    let name = format!("{workload}, {who}");
    let height = LANE * lanes.len();
    let quarter = |quarter: u32| show::seconds((end - begin) as f64 / 1e9 * f64::from(quarter) / 4.0);
    html! {
        figure.timeline {
            figcaption { strong { (who) } ": " (about(trace)) }
            div.zoom role="group" aria-label=(format!("Zoom of {name}")) hidden {
                button type="button" data-zoom="out" aria-label="Zoom out" { "−" }
                button type="button" data-zoom="in" aria-label="Zoom in" { "+" }
                button type="button" data-zoom="whole" { "whole" }
                output { "1 x" }
            }
            div.lanes {
                div.names aria-hidden="true" {
                    @for (worker, mine) in &lanes {
                        div { (worker) @if several { small { " (" (mine[0].pid) ")" } } }
                    }
                }
                div.wide.scroll tabindex="0" role="region" aria-label=(format!("Timeline of {name}")) {
                    div.track {
                        svg role="img" aria-label=(format!("{name}: {}", about(trace))) viewBox=(format!("0 0 {WIDTH} {height}"))
                            preserveAspectRatio="none" style=(format!("height:{height}px")) {
                            @for (lane, mine) in lanes.values().enumerate() {
                                @for ((stretch, odd), path) in paths(mine, lane, trace.spans.len(), begin, end) {
                                    path class=(format!("s{stretch}{}", if odd { " odd" } else { "" })) d=(path) {}
                                }
                            }
                        }
                        div.scale aria-hidden="true" { @for n in 0..=4 { span { @if n == 0 { "0" } @else { (quarter(n)) } } } }
                    }
                }
            }
        }
    }
}

fn extent(spans: &[Span]) -> (u64, u64) {
    let begin = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
    (begin, end.max(begin + 1))
}

/// The first workers, each with its pieces by start.
fn lanes(spans: &[Span]) -> BTreeMap<usize, Vec<Span>> {
    let mut lanes: BTreeMap<usize, Vec<Span>> = BTreeMap::new();
    for span in spans {
        lanes.entry(span.worker).or_default().push(*span);
    }
    let mut lanes: BTreeMap<_, _> = lanes.into_iter().take(MOST).collect();
    lanes.values_mut().for_each(|mine| mine.sort_by_key(|span| span.start));
    lanes
}

/// The pieces of one lane as paths, by stretch and shade.
fn paths(mine: &[Span], lane: usize, pieces: usize, begin: u64, end: u64) -> BTreeMap<(usize, bool), String> {
    let x = |time: u64| (time - begin) as f64 / (end - begin) as f64 * WIDTH;
    let stretch = |span: &Span| (span.piece * STRETCHES / pieces.max(1)).min(STRETCHES - 1);
    let unseen = if pieces > MOST_PIECES { (end - begin) / 4_000 } else { 0 };
    let mut bars: Vec<Span> = Vec::new();
    for span in mine {
        match bars.last_mut() {
            Some(last) if unseen > 0 && span.start <= last.end + unseen && stretch(span) == stretch(last) => {
                last.end = last.end.max(span.end);
            }
            _ => bars.push(*span),
        }
    }
    let mut paths: BTreeMap<(usize, bool), String> = BTreeMap::new();
    for (number, bar) in bars.iter().enumerate() {
        let path = paths.entry((stretch(bar), number % 2 == 1)).or_default();
        // To a String it cannot fail.
        let (from, wide) = (x(bar.start), (x(bar.end) - x(bar.start)).max(0.5));
        let _ = write!(path, "M{from:.1} {}h{wide:.1}v{BAR}h-{wide:.1}z", lane * LANE + 2);
    }
    paths
}

/// The same in words.
pub(super) fn about(trace: &Trace) -> String {
    let mut each: BTreeMap<usize, (usize, u64)> = BTreeMap::new();
    for span in &trace.spans {
        let (pieces, busy) = each.entry(span.worker).or_default();
        *pieces += 1;
        *busy += span.end - span.start;
    }
    let (start, end) = extent(&trace.spans);
    let whole = (end - start) as f64 * each.len().max(1) as f64;
    let busy: u64 = each.values().map(|(_, busy)| busy).sum();
    let (least, most) =
        each.values().fold((usize::MAX, 0), |(least, most), (n, _)| (least.min(*n), most.max(*n)));
    let range = match (least, most) {
        (_, 1) => "1 piece each".to_owned(),
        _ if least == most => format!("{most} pieces each"),
        _ => format!("{least} to {most} pieces each"),
    };
    let shown = if each.len() > MOST { format!("; the first {MOST} are shown") } else { String::new() };
    let workers = show::workers(each.len());
    format!("{workers}, {range}, busy {:.0} % of the time{shown}", busy as f64 / whole * 100.0)
}
