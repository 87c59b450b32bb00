//! The table and the advice, for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::{
    recommend::Advice,
    row::{Measured, Row, SEQUENTIAL, Shot},
    show,
};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// One workload: its table, its failures, its advice.
///
/// # Errors
/// `out`'s.
pub fn print(out: &mut dyn Write, measured: &Measured, advice: Option<&Advice>) -> io::Result<()> {
    let name = measured.workload;
    writeln!(out, "{BOLD}{name}{BOLD:#}")?;
    writeln!(out, "{}", table(measured, advice))?;
    for row in measured.rows.iter().filter(|row| row.error.is_some()) {
        let why = row.error.as_deref().unwrap_or_default();
        writeln!(out, "{RED}FAILED{RED:#} {} x {}: {why}", row.mechanism, row.workers)?;
    }
    if let Some(advice) = advice {
        writeln!(out, "{}", advice.why)?;
    }
    writeln!(out)?;
    out.flush()
}

/// Names of the columns.
pub(crate) const HEAD: [&str; 11] = [
    "mechanism",
    "workers",
    "runs",
    "median",
    "p10 - p90",
    "speed-up",
    "ceiling",
    "share",
    "CPU",
    "memory",
    "a piece",
];

fn table(measured: &Measured, advice: Option<&Advice>) -> Table {
    let mut table = Table::new();
    // One line below the head: everything else is told apart by alignment.
    let style = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEAD.map(|head| Cell::new(head).set_alignment(align(head))));
    for row in by_mechanism(measured) {
        let is_taken =
            advice.is_some_and(|advice| (advice.mechanism, advice.workers) == (row.mechanism, row.workers));
        let mut cells = cells(row);
        cells[0].insert_str(0, if is_taken { "> " } else { "  " });
        table.add_row(
            HEAD.into_iter().zip(cells).map(|(head, text)| Cell::new(text).set_alignment(align(head))),
        );
    }
    table
}

/// The rows by mechanism, so that the eye follows one of them along its numbers of workers.
pub(crate) fn by_mechanism(measured: &Measured) -> Vec<&Row> {
    let mut rows: Vec<&Row> = measured.rows.iter().collect();
    let place = |name| measured.rows.iter().position(|row| row.mechanism == name);
    rows.sort_by_key(|row| (place(row.mechanism), row.workers));
    rows
}

fn align(head: &str) -> CellAlignment {
    if head == "mechanism" { CellAlignment::Left } else { CellAlignment::Right }
}

/// One row, a text for each of [`HEAD`].
pub(crate) fn cells(row: &Row) -> [String; 11] {
    let none = || "-".to_owned();
    let pieces =
        if row.mechanism == SEQUENTIAL { format!(" ({} pieces)", row.pieces) } else { String::new() };
    let head = [format!("{}{pieces}", row.mechanism), row.workers.to_string()];
    let figures = if row.counts() {
        let seconds = row.samples(|shot| shot.seconds);
        let spread =
            format!("{} - {}", show::seconds(seconds.quantile(0.1)), show::seconds(seconds.quantile(0.9)));
        [
            row.shots.len().to_string(),
            show::seconds(seconds.median()),
            spread,
            format!("{:.2}", row.samples(Shot::speedup).median()),
            format!("{:.2}", row.samples(|shot| shot.ceiling).median()),
            format!("{:.0} %", row.samples(Shot::share).median() * 100.0),
            show::seconds(row.samples(|shot| shot.cpu).median()),
        ]
    } else {
        ["0".to_owned(), "FAILED".to_owned(), none(), none(), none(), none(), none()]
    };
    let tail = [
        row.peak_memory.map_or_else(none, show::bytes),
        row.dispatch_ns.map_or_else(none, show::nanoseconds),
    ];
    let mut cells = head.into_iter().chain(figures).chain(tail);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// What the columns mean: printed once.
pub const LEGEND: &str = "\
median, p10 - p90: of the runs. speed-up: against one piece after the other, in the same round. ceiling: what a pure
kernel gains on as many threads in the same round (where work waits: what so many workers can overlap until the cores
are busy). share: the speed-up as a part of the ceiling. CPU: of all threads and processes together. memory: the most at
any moment, of all processes together. a piece: what handing out an empty one costs.";
