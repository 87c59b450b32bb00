//! Speed-up against the number of workers, one line a mechanism, with the ceiling.

use std::{error::Error, ops::Range};

use plotters::{
    coord::{Shift, combinators::LogCoord},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::row::{Measured, SEQUENTIAL, Shot};

/// In the middle between black and white: readable on either, so that no page has to say which it is.
pub(super) const GREY: RGBColor = RGBColor(0x76, 0x76, 0x76);

/// Told apart by people with any colour vision (Okabe and Ito, 2008; the eighth is a brown beside them).
pub(super) const COLOURS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0xb8, 0xa8, 0x00),
    RGBColor(0x8c, 0x6b, 0x4f),
];

/// The curve as SVG; `None` when there is nothing to draw.
pub(super) fn curve(measured: &Measured) -> Option<String> {
    let lines = lines(measured);
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let most_workers = points().map(|(workers, _)| *workers).fold(1.0, f64::max);
    let top = points().map(|(_, speedup)| *speedup).fold(1.0, f64::max);
    if lines.len() < 2 || most_workers <= 1.0 {
        return None;
    }
    let mut text = String::new();
    draw(&mut text, &lines, most_workers, top).ok()?;
    let title = format!("{}: speed-up by number of workers", measured.workload);
    Some(accessible(&text, &title))
}

struct Line {
    name: String,
    /// Workers and speed-up, by workers.
    points: Vec<(f64, f64)>,
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

fn draw(text: &mut String, lines: &[Line], most: f64, top: f64) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::with_string(text, (760, 380)).into_drawing_area();
    let label = label();
    let mut chart = plane(&root, most, 0.5..top * 1.2, 150)?;
    for (index, line) in lines.iter().enumerate() {
        let (colour, width) = if index == 0 { (GREY, 1) } else { (COLOURS[(index - 1) % COLOURS.len()], 2) };
        let style = colour.stroke_width(width);
        if index == 0 {
            chart.draw_series(DashedLineSeries::new(line.points.iter().copied(), 6, 4, style))?;
        } else {
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        // A legend beside the plot: at its lines' ends the names would lie on top of each other.
        let height = 24 + index as i32 * 24;
        root.draw(&PathElement::new([(622, height), (644, height)], colour.stroke_width(3)))?;
        let style = label.clone().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(line.name.clone(), (650, height), style))?;
    }
    root.present()?;
    Ok(())
}

/// Workers to the right, speed-up upwards.
pub(super) type Plane<'a, 'text> =
    ChartContext<'a, SVGBackend<'text>, Cartesian2d<LogCoord<f64>, LogCoord<f64>>>;

pub(super) fn label() -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&GREY)
}

/// Empty axes for up to `most` workers, with room for a key of so many pixels on the right.
///
/// Logarithms: each doubling of the workers is one step, and twice as fast is one step up.
pub(super) fn plane<'a, 'text>(
    root: &'a DrawingArea<SVGBackend<'text>, Shift>,
    most: f64,
    speedups: Range<f64>,
    key: u32,
) -> Result<Plane<'a, 'text>, Box<dyn Error>> {
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(key)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d((0.9..most * 1.1).log_scale().base(2.0), speedups.log_scale().base(2.0))?;
    chart
        .configure_mesh()
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.3))
        .light_line_style(TRANSPARENT)
        .label_style(label())
        .axis_desc_style(label())
        .x_desc("workers")
        .y_desc("times as fast as alone")
        // Between 1 and 2 there are no workers, but logarithmic axes have marks.
        .x_label_formatter(&|workers| {
            if (workers - workers.round()).abs() < 0.01 { format!("{workers:.0}") } else { String::new() }
        })
        .y_label_formatter(&|speedup| format!("{}", (speedup * 100.0).round() / 100.0))
        .draw()?;
    Ok(chart)
}

/// Lets the picture be as wide as the page, and gives it a name for those who do not see it.
pub(super) fn accessible(svg: &str, title: &str) -> String {
    let plain = format!("<svg width=\"{}\" height=\"{}\"", 760, 380);
    svg.replacen(&plain, &format!("<svg role=\"img\" aria-label=\"{title}\""), 1)
}
