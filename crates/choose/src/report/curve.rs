//! Speed-up against the number of workers, one line a mechanism, with the ceiling.

use std::error::Error;

use maud::Markup;
use plotters::prelude::*;

use super::chart::{COLOURS, Entry, GREY, Mark, Point, below, chart, dots, floor, plane, raised, root};
use crate::row::{Measured, SEQUENTIAL, Shot};

/// The curve; `None` when there is nothing to draw.
pub(super) fn curve(measured: &Measured) -> Option<Markup> {
    let lines = lines(measured);
    let points = || lines.iter().flat_map(|line| &line.points);
    let most_workers = points().map(|(workers, _)| *workers).fold(1.0, f64::max);
    let top = points().map(|(_, speedup)| *speedup).fold(1.0, f64::max);
    if lines.len() < 2 || most_workers <= 1.0 {
        return None;
    }
    let mut text = String::new();
    draw(&mut text, &lines, most_workers, floor(points())..top * 1.2).ok()?;
    let title = format!("{}: speed-up by number of workers", measured.workload);
    let key: Vec<Entry> = (lines.iter().enumerate())
        .map(|(index, line)| {
            let (mark, colour) = style(index);
            (format!("{}{}", line.name, below(&line.points)), mark, colour)
        })
        .collect();
    Some(chart(&text, &title, &key))
}

struct Line {
    name: String,
    /// By workers.
    points: Vec<Point>,
}

fn lines(measured: &Measured) -> Vec<Line> {
    let mut ceiling = Line { name: "ceiling".to_owned(), points: Vec::new() };
    let mut lines: Vec<Line> = Vec::new();
    for row in measured.rows.iter().filter(|row| row.counts() && row.mechanism != SEQUENTIAL) {
        let at = row.workers as f64;
        let point = (at, row.samples(Shot::speedup).median());
        match lines.iter_mut().find(|line| line.name == row.mechanism) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name: row.mechanism.to_owned(), points: vec![point] }),
        }
        if ceiling.points.iter().all(|(workers, _)| *workers != at) {
            ceiling.points.push((at, row.samples(|shot| shot.ceiling).median()));
        }
    }
    lines.insert(0, ceiling);
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

/// The first line is the ceiling. Where there are more than colours, they come again with dashes.
fn style(index: usize) -> (Mark, RGBColor) {
    match index {
        0 => (Mark::Dashes, GREY),
        _ if index > COLOURS.len() => (Mark::Dashes, COLOURS[(index - 1) % COLOURS.len()]),
        _ => (Mark::Line, COLOURS[index - 1]),
    }
}

fn draw(
    text: &mut String,
    lines: &[Line],
    most: f64,
    speedups: std::ops::Range<f64>,
) -> Result<(), Box<dyn Error>> {
    let floor = speedups.start;
    let root = root(text);
    let mut plane = plane(&root, most, speedups)?;
    for (index, line) in lines.iter().enumerate() {
        let points = raised(&line.points, floor);
        let (mark, colour) = style(index);
        let stroke = colour.stroke_width(if index == 0 { 1 } else { 2 });
        match mark {
            Mark::Dashes => {
                plane.draw_series(DashedLineSeries::new(points, 6, 4, stroke))?;
            }
            _ => {
                plane.draw_series(LineSeries::new(points, stroke))?;
            }
        }
        if index > 0 {
            dots(&mut plane, &line.points, 3, colour, floor)?;
        }
    }
    root.present()?;
    Ok(())
}
