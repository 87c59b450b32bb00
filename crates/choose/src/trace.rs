//! Timelines for a viewer of Chrome traces (<https://ui.perfetto.dev>): who ran which piece when, and the messages
//! between processes.
//!
//! Each mechanism is a group of its own, with the time from its first piece on, so that they lie below each other. A piece
//! is a complete event (`"ph":"X"`) on its worker's lane. Where workers are processes, pieces come in messages, and
//! their parts go back in others: arrows (`"s"` to `"f"`) from the caller's lane and back to it, one each for
//! pieces that follow one another on a lane, as those came together, or in messages that did.
//!
//! Clocks are read where a piece begins and where it ends, and there the arrows are: when a message was sent and when it
//! was received is not recorded. Format: "Trace Event Format" of the Chromium project.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use workload::{Empty, Span};

use crate::{
    row::{Measured, Trace},
    subjects,
};

/// All timelines as one JSON document. Times in microseconds.
pub fn trace(all: &[Measured]) -> Value {
    let mut events = Vec::new();
    let traces =
        all.iter().flat_map(|measured| measured.traces.iter().map(move |trace| (measured.workload, trace)));
    for (index, (workload, trace)) in traces.enumerate() {
        Group { id: index + 1, trace }.events(workload, &mut events);
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

/// One mechanism on one workload. (A "process" in the format's terms, whatever ours are.)
struct Group<'a> {
    id: usize,
    trace: &'a Trace,
}

/// The lane of the one who hands out; workers follow.
const CALLER: usize = 0;

impl Group<'_> {
    fn events(&self, workload: &str, events: &mut Vec<Value>) {
        let (id, Trace { mechanism, workers, spans, .. }) = (self.id, self.trace);
        let Some(begin) = spans.iter().map(|span| span.start).min() else { return };
        let end = spans.iter().map(|span| span.end).max().unwrap_or(begin);
        let at = |time: u64| (time - begin) as f64 / 1e3;
        let name = |what: &str, lane: usize, name: String| json!({"ph": "M", "name": what, "pid": id, "tid": lane, "args": {"name": name}});
        events.push(name("process_name", CALLER, format!("{workload}: {mechanism} x {workers}")));
        let lanes = lanes(spans);
        for (worker, mine) in &lanes {
            let who = format!("worker {worker} (process {})", mine[0].pid);
            events.push(name("thread_name", worker + 1, who));
            for span in mine {
                events.push(json!({
                    "ph": "X", "cat": "piece", "name": format!("piece {}", span.piece), "pid": id, "tid": worker + 1,
                    "ts": at(span.start), "dur": (span.end - span.start) as f64 / 1e3, "args": {"piece": span.piece},
                }));
            }
        }
        if !self.between_processes() {
            return;
        }
        events.push(name("thread_name", CALLER, "caller".to_owned()));
        events.push(json!({
            "ph": "X", "cat": "caller", "name": "hands out and gathers", "pid": id, "tid": CALLER, "ts": 0.0, "dur": at(end),
        }));
        let stretches = lanes
            .iter()
            .flat_map(|(worker, mine)| stretches(mine).into_iter().map(move |ends| (*worker, ends)));
        for (number, (worker, [first, last])) in stretches.enumerate() {
            let lane = worker + 1;
            let mut arrow = |what: &str, kind: usize, time: u64, from: usize, to: usize| {
                // Ids are the document's, not a group's.
                let (flow, ts) = (format!("{id}.{number}.{kind}"), at(time));
                events.push(json!({"ph": "s", "cat": "message", "name": what, "id": flow, "pid": id, "tid": from, "ts": ts}));
                // "e": it ends at the event around it, not at the next one.
                events.push(json!({"ph": "f", "bp": "e", "cat": "message", "name": what, "id": flow, "pid": id, "tid": to, "ts": ts}));
            };
            arrow("hand out", 0, first.start, CALLER, lane);
            arrow("answer", 1, last.end, lane, CALLER);
        }
    }

    /// Whether the workers are processes: one each.
    fn between_processes(&self) -> bool {
        let ids: BTreeSet<u32> = self.trace.spans.iter().map(|span| span.pid).collect();
        let own = |concept: &str| concept == "processes" || concept == "ipc";
        let named = subjects::mechanisms::<Empty>().into_iter().find(|one| one.name == self.trace.mechanism);
        ids.len() > 1 || named.is_some_and(|mechanism| own(mechanism.concept))
    }
}

/// The pieces of each worker, in the order in which it did them.
fn lanes(spans: &[Span]) -> BTreeMap<usize, Vec<&Span>> {
    let mut lanes: BTreeMap<usize, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        lanes.entry(span.worker).or_default().push(span);
    }
    for mine in lanes.values_mut() {
        mine.sort_by_key(|span| (span.start, span.piece));
    }
    lanes
}

/// First and last of the pieces that follow one another.
fn stretches<'a>(lane: &[&'a Span]) -> Vec<[&'a Span; 2]> {
    let mut stretches: Vec<[&Span; 2]> = Vec::new();
    for span in lane {
        match stretches.last_mut() {
            Some([_, last]) if last.piece + 1 == span.piece => *last = span,
            _ => stretches.push([span, span]),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_follow_one_another_are_one_stretch() {
        let span = |piece, start| Span { piece, worker: 0, pid: 1, start, end: start + 1 };
        let spans = [span(4, 0), span(5, 1), span(9, 2), span(8, 3)];
        let found: Vec<[usize; 2]> =
            stretches(&spans.iter().collect::<Vec<_>>()).iter().map(|[a, b]| [a.piece, b.piece]).collect();
        assert_eq!(found, [[4, 5], [9, 9], [8, 8]]);
    }
}
