//! Timelines for a viewer of Chrome traces (<https://ui.perfetto.dev>): who ran which piece when, and the messages
//! between processes.
//!
//! Each mechanism is a group of its own, with the time from its first event on, so that they lie below each other. A piece
//! is a complete event (`"ph":"X"`) on its worker's lane. Where workers are processes, the caller has lanes too: "send"
//! while it writes an order, "receive" while it reads the answer. Arrows (`"s"` to `"f"`) go from the order to its first
//! piece and from its last piece to the answer: as long as a message is on its way, or waits for someone to have time for
//! it. All of them read the same clock.
//!
//! A viewer draws an arrow from an event to an event, so that each end lies on one. Format: "Trace Event Format" of the
//! Chromium project.

use std::{collections::BTreeMap, ops::Range};

use serde_json::{Value, json};
use workload::{Exchange, Span};

use crate::row::{Measured, Trace};

/// All timelines as one JSON document. Times in microseconds.
pub fn trace(all: &[Measured]) -> Value {
    let (mut events, mut flows) = (Vec::new(), 0);
    let traces =
        all.iter().flat_map(|measured| measured.traces.iter().map(move |trace| (measured.workload, trace)));
    for (index, (workload, trace)) in traces.enumerate() {
        let group = Group::new(index + 1, flows, trace);
        group.events(workload, &mut events);
        flows += group.calls.len();
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

/// One mechanism on one workload. (A "process" in the format's terms, whatever ours are.)
struct Group<'a> {
    id: usize,
    /// How many messages there were before: ids of arrows are the document's, and numbers, as viewers take others for
    /// numbers in hexadecimal or for none.
    flows: usize,
    trace: &'a Trace,
    begin: u64,
    calls: Vec<Call<'a>>,
    /// How many lanes the caller has. Workers come behind them.
    callers: usize,
}

/// The caller's part in one message.
struct Call<'a> {
    exchange: &'a Exchange,
    what: &'static str,
    time: &'a Range<u64>,
    /// On which of the caller's lanes: a caller of several threads needs several, as what overlaps on a lane is not drawn.
    lane: usize,
}

impl<'a> Group<'a> {
    fn new(id: usize, flows: usize, trace: &'a Trace) -> Self {
        let sent = trace.exchanges.iter().map(|exchange| exchange.send.start);
        let begin = trace.spans.iter().map(|span| span.start).chain(sent).min().unwrap_or(0);
        let calls = calls(&trace.exchanges);
        let callers = calls.iter().map(|call| call.lane + 1).max().unwrap_or(0);
        Self { id, flows, trace, begin, calls, callers }
    }

    fn events(&self, workload: &str, events: &mut Vec<Value>) {
        let (id, Trace { mechanism, workers, spans, .. }) = (self.id, self.trace);
        if spans.is_empty() {
            return;
        }
        let name = |what: &str, lane: usize, name: String| json!({"ph": "M", "name": what, "pid": id, "tid": self.thread(lane), "args": {"name": name}});
        events.push(name("process_name", 0, format!("{workload}: {mechanism} x {workers}")));
        for lane in 0..self.callers {
            let which = if lane == 0 { String::new() } else { format!(", lane {}", lane + 1) };
            events.push(name("thread_name", lane, format!("caller{which}")));
        }
        for Call { exchange, what, time, lane } in &self.calls {
            let Exchange { worker, pieces, .. } = exchange;
            let about = json!({"worker": worker, "first": pieces.start, "pieces": pieces.len()});
            events.push(self.event("call", (*what).to_owned(), *lane, time, about));
        }
        for (worker, mine) in lanes(spans) {
            let who = format!("worker {worker} (process {})", mine[0].pid);
            events.push(name("thread_name", self.lane(worker), who));
            for span in mine {
                let about = json!({"piece": span.piece});
                let (name, time) = (format!("piece {}", span.piece), span.start..span.end);
                events.push(self.event("piece", name, self.lane(worker), &time, about));
            }
        }
        // Behind the events that they begin and end on, some of them at the same time.
        for (number, call) in self.calls.iter().enumerate() {
            self.arrow(number, call, events);
        }
    }

    fn event(&self, kind: &str, name: String, lane: usize, time: &Range<u64>, about: Value) -> Value {
        json!({
            "ph": "X", "cat": kind, "name": name, "pid": self.id, "tid": self.thread(lane),
            "ts": self.at(time.start), "dur": (time.end - time.start) as f64 / 1e3, "args": about,
        })
    }

    /// From an order to its first piece, or from its last piece to the answer. From an event's beginning if that is the
    /// caller's, as a worker may be at work before the caller is back from writing.
    fn arrow(&self, number: usize, call: &Call<'_>, events: &mut Vec<Value>) {
        let Call { exchange, what, time, lane: caller } = *call;
        let mine = (self.trace.spans.iter())
            .filter(|span| span.worker == exchange.worker && exchange.pieces.contains(&span.piece));
        let lane = self.lane(exchange.worker);
        let (from, to) = if what == SEND {
            let Some(first) = mine.min_by_key(|span| span.start) else { return };
            ((caller, time.start), (lane, first.start))
        } else {
            let Some(last) = mine.max_by_key(|span| span.end) else { return };
            // Within the event: at its very end the next one may begin.
            ((lane, last.end.saturating_sub(1).max(last.start)), (caller, time.start))
        };
        let flow = self.flows + number + 1;
        let [from, to] = [from, to].map(|(lane, time)| (self.thread(lane), self.at(time)));
        events.push(json!({"ph": "s", "cat": "message", "name": what, "id": flow, "pid": self.id, "tid": from.0, "ts": from.1}));
        // "e": it ends at the event around it, not at the next one.
        events.push(json!({"ph": "f", "bp": "e", "cat": "message", "name": what, "id": flow, "pid": self.id, "tid": to.0, "ts": to.1}));
    }

    fn at(&self, time: u64) -> f64 {
        (time - self.begin) as f64 / 1e3
    }

    /// A lane's id, the document's as well: a "thread" of its own, and none of them its "process's" first one.
    fn thread(&self, lane: usize) -> usize {
        self.id * LANES + lane
    }

    /// A worker's lane, behind the caller's.
    fn lane(&self, worker: usize) -> usize {
        self.callers.max(1) + worker
    }
}

/// More than any group has.
const LANES: usize = 10_000;

const SEND: &str = "send";
const RECEIVE: &str = "receive";

/// The caller's part in each message, by time.
fn calls(exchanges: &[Exchange]) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = (exchanges.iter())
        .flat_map(|exchange| {
            let both = [(SEND, &exchange.send), (RECEIVE, &exchange.receive)];
            both.map(|(what, time)| Call { exchange, what, time, lane: 0 })
        })
        .collect();
    calls.sort_by_key(|call| (call.time.start, call.time.end));
    let mut ends: Vec<u64> = Vec::new();
    for call in &mut calls {
        call.lane = ends.iter().position(|end| *end <= call.time.start).unwrap_or(ends.len());
        ends.resize(ends.len().max(call.lane + 1), 0);
        ends[call.lane] = call.time.end;
    }
    calls
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
