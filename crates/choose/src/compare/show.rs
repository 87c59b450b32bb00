//! The differences, for people and for programs.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use super::difference::{AdviceChange, Change, Comparison, Pair};
use crate::machine::Machine;

/// Each pair as a line, the rest as the last one.
pub(super) fn json(out: &mut dyn Write, found: &Comparison) -> io::Result<()> {
    #[derive(Serialize)]
    struct Last<'a> {
        differs: bool,
        machines: &'a [Machine; 2],
        gains: [f64; 2],
        advice: &'a [AdviceChange],
    }
    for pair in &found.pairs {
        writeln!(out, "{}", serde_json::to_string(pair)?)?;
    }
    let last = Last {
        differs: found.differs(),
        machines: &found.machines,
        gains: found.gains,
        advice: &found.advice,
    };
    writeln!(out, "{}", serde_json::to_string(&last)?)?;
    out.flush()
}

/// What differs, or with `all` everything.
pub(super) fn people(out: &mut dyn Write, found: &Comparison, all: bool) -> io::Result<()> {
    machines(out, found)?;
    let shown: Vec<&Pair> = found.pairs.iter().filter(|pair| all || pair.differs()).collect();
    if !shown.is_empty() {
        writeln!(out, "\n{}", table(&shown))?;
        writeln!(
            out,
            "\nsecond / first: 2.00 is twice as much. * beyond noise. ? fewer than three runs: it cannot be said."
        )?;
    }
    let differing = found.pairs.iter().filter(|pair| pair.differs()).count();
    let unsure = found.pairs.iter().filter(|pair| unsure(pair)).count();
    writeln!(out, "\n{differing} of {} measurements differ beyond noise.", found.pairs.len())?;
    if unsure > 0 {
        writeln!(out, "Of {unsure} it cannot be said: fewer than three runs.")?;
    }
    let none = || "nothing";
    for AdviceChange { workload, first, second } in &found.advice {
        let (first, second) = (first.as_deref().unwrap_or_else(none), second.as_deref().unwrap_or_else(none));
        writeln!(out, "The advice for {workload} was {first} and is {second}.")?;
    }
    out.flush()
}

fn unsure(pair: &Pair) -> bool {
    pair.time.is_some_and(|change| change.beyond_noise.is_none())
}

fn machines(out: &mut dyn Write, Comparison { machines, gains, .. }: &Comparison) -> io::Result<()> {
    let [first, second] = machines;
    if first == second {
        writeln!(out, "The same machine: {}.", first.line())?;
    } else {
        writeln!(out, "First:  {}\nSecond: {}", first.line(), second.line())?;
    }
    writeln!(out, "A pure kernel gained {:.2} times on all cores, and {:.2} times.", gains[0], gains[1])
}

fn table(pairs: &[&Pair]) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let align = |index| if matches!(index, 0 | 1 | 7) { CellAlignment::Left } else { CellAlignment::Right };
    let cell = |(index, text): (usize, String)| Cell::new(text).set_alignment(align(index));
    let head = ["workload", "mechanism", "workers", "time", "speed-up", "memory", "a piece", ""];
    table.set_header(head.map(str::to_owned).into_iter().enumerate().map(cell));
    for pair in pairs {
        let plain =
            |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}  "));
        let cells = [
            pair.workload.clone(),
            pair.mechanism.clone(),
            pair.workers.to_string(),
            judged(pair.time),
            judged(pair.speedup),
            plain(pair.memory),
            plain(pair.dispatch),
            pair.note.unwrap_or_default().to_owned(),
        ];
        table.add_row(cells.into_iter().enumerate().map(cell));
    }
    table
}

fn judged(change: Option<Change>) -> String {
    let Some(Change { ratio, beyond_noise }) = change else { return "-".to_owned() };
    let mark = match beyond_noise {
        Some(true) => '*',
        Some(false) => ' ',
        None => '?',
    };
    format!("{ratio:.2} {mark}")
}
