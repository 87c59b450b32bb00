//! Timelines: who ran which piece from when to when.

use std::collections::BTreeMap;

use lesson::lanes::{Span, svg};

use crate::row::Trace;

/// More lanes than this are not drawn: a page with two hundred shows nothing.
const MOST: usize = 8;

/// Into how many stretches the pieces are divided; each has a colour.
const STRETCHES: usize = 6;

/// A timeline as SVG: a lane for each worker, the colour says from where in the work a piece is.
pub(super) fn timeline(trace: &Trace) -> String {
    let workers: BTreeMap<usize, u32> = trace.spans.iter().map(|span| (span.worker, span.pid)).collect();
    let several = workers.values().collect::<std::collections::BTreeSet<_>>().len() > 1;
    let lanes: Vec<(&usize, &u32)> = workers.iter().take(MOST).collect();
    let names: Vec<String> = (lanes.iter())
        .map(|(worker, pid)| if several { format!("{worker} ({pid})") } else { worker.to_string() })
        .collect();
    let pieces = trace.spans.len();
    let spans: Vec<Span> = (trace.spans.iter())
        .filter_map(|span| {
            let lane = lanes.iter().position(|(worker, _)| **worker == span.worker)?;
            let stretch = (span.piece * STRETCHES / pieces).min(STRETCHES - 1) as u8;
            Some(Span { lane, start: span.start, end: span.end, mark: char::from(b'a' + stretch) })
        })
        .collect();
    svg(&format!("{} x {}: who did what when", trace.mechanism, trace.workers), &about(trace), &names, &spans)
}

/// The same in words.
pub(super) fn about(trace: &Trace) -> String {
    let mut each: BTreeMap<usize, (usize, u64)> = BTreeMap::new();
    for span in &trace.spans {
        let (pieces, busy) = each.entry(span.worker).or_default();
        *pieces += 1;
        *busy += span.end - span.start;
    }
    let start = trace.spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = trace.spans.iter().map(|span| span.end).max().unwrap_or(0);
    let whole = (end - start).max(1) as f64 * each.len().max(1) as f64;
    let busy: u64 = each.values().map(|(_, busy)| busy).sum();
    let (least, most) =
        each.values().fold((usize::MAX, 0), |(least, most), (n, _)| (least.min(*n), most.max(*n)));
    let range =
        if least == most { format!("{most} pieces each") } else { format!("{least} to {most} pieces each") };
    let shown = if each.len() > MOST { format!("; the first {MOST} are shown") } else { String::new() };
    let plural = if each.len() == 1 { "worker" } else { "workers" };
    format!("{} {plural}, {range}, busy {:.0} % of the time{shown}", each.len(), busy as f64 / whole * 100.0)
}
