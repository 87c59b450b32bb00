//! One picture of it all: how much of what was possible each mechanism reached, on each workload.

use maud::html;

use super::named;
use crate::{
    row::{Measured, Row, SEQUENTIAL, Shot},
    show,
};

const PANEL: usize = 400;
const LABEL: usize = 156;
const BAR: usize = 180;
const LINE: usize = 24;
const HEAD: usize = 58;

/// The picture as SVG. Its colours are readable on light and on dark pages.
pub fn picture(all: &[Measured]) -> String {
    let panels: Vec<(&Measured, Vec<&Row>)> = all.iter().map(|measured| (measured, bars(measured))).collect();
    let tallest = panels.iter().map(|(_, rows)| rows.len()).max().unwrap_or(0);
    let height = HEAD + LINE * tallest + 16;
    let (width, total) = (PANEL * all.len().clamp(1, 2), height * all.len().div_ceil(2).max(1));
    let title = "Speed-up of each mechanism on each workload, as a share of what was possible";
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {total}")) role="img"
            aria-label=(title) font-family="sans-serif" font-size="14" fill="#767676" {
            title { (title) }
            @for (index, (measured, rows)) in panels.iter().enumerate() {
                g transform=(format!("translate({} {})", index % 2 * PANEL, index / 2 * height)) {
                    (panel(measured, rows))
                }
            }
        }
    }
    .into_string()
}

/// Of each mechanism the row with the most workers, the best first.
fn bars(measured: &Measured) -> Vec<&Row> {
    let mut rows: Vec<&Row> = Vec::new();
    for row in measured.rows.iter().filter(|row| row.counts() && row.mechanism != SEQUENTIAL) {
        match rows.iter_mut().find(|other| other.mechanism == row.mechanism) {
            Some(other) if row.workers > other.workers => *other = row,
            Some(_) => {}
            None => rows.push(row),
        }
    }
    rows.sort_by(|a, b| b.samples(Shot::share).median().total_cmp(&a.samples(Shot::share).median()));
    rows
}

fn panel(measured: &Measured, rows: &[&Row]) -> maud::Markup {
    let ceiling = rows.first().map_or(1.0, |row| row.samples(|shot| shot.ceiling).median());
    let workers = rows.first().map_or(1, |row| row.workers);
    let alike = rows.iter().all(|row| row.workers == workers);
    html! {
        text x="12" y="24" font-size="17" font-weight="bold" { (measured.workload) }
        text x="12" y="44" {
            @if alike { (workers) " workers; all there is: " (show::times(ceiling)) " times as fast as alone" }
            @else { "of what so many workers can gain" }
        }
        @for (index, row) in rows.iter().enumerate() {
            @let share = row.samples(Shot::share).median();
            @let y = HEAD + index * LINE;
            text x=(LABEL - 6) y=(y + 14) text-anchor="end" {
                @if alike { (row.mechanism) } @else { (named(row.mechanism, row.workers)) }
            }
            rect x=(LABEL) y=(y) width=(BAR) height="18" fill="#767676" fill-opacity="0.2" {}
            rect x=(LABEL) y=(y) width=(format!("{:.1}", BAR as f64 * share.clamp(0.0, 1.0))) height="18" fill=(colour(share)) {}
            text x=(LABEL + BAR + 8) y=(y + 14) { (format!("{:.0} %", share * 100.0)) }
        }
    }
}

/// Good, middling, poor: also by length and by number, so that nothing depends on seeing colours.
fn colour(share: f64) -> &'static str {
    match share {
        share if share >= 0.9 => "#009e73",
        share if share >= 0.7 => "#e69f00",
        _ => "#d55e00",
    }
}
