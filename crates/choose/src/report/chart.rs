//! Speed-up against the number of workers: axes, colours and keys that all such pictures share.

use std::{error::Error, ops::Range};

use maud::{Markup, PreEscaped, html};
use plotters::{
    coord::{Shift, combinators::LogCoord},
    prelude::*,
};

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

/// Workers and speed-up.
pub(super) type Point = (f64, f64);

/// Width and height: letters are still readable when it is as wide as a phone.
const SIZE: (u32, u32) = (440, 300);

/// What is slower is drawn as a triangle at the lower edge, with its figure in the key: axes that reach down to it would
/// leave no room for all else.
const LOWEST: f64 = 1.0 / 16.0;

/// Where the axis begins: at half as fast as alone, or below the slowest.
pub(super) fn floor<'a>(points: impl IntoIterator<Item = &'a Point>) -> f64 {
    let slowest = points.into_iter().map(|point| point.1).fold(1.0, f64::min);
    (slowest / 1.15).clamp(LOWEST, 0.5)
}

/// Workers to the right, speed-up upwards.
pub(super) type Plane<'a, 'text> =
    ChartContext<'a, SVGBackend<'text>, Cartesian2d<LogCoord<f64>, LogCoord<f64>>>;

pub(super) type Root<'text> = DrawingArea<SVGBackend<'text>, Shift>;

pub(super) fn root(text: &mut String) -> Root<'_> {
    SVGBackend::with_string(text, SIZE).into_drawing_area()
}

pub(super) fn label() -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&GREY)
}

/// Empty axes for up to `most` workers.
///
/// Logarithms: each doubling of the workers is one step, and twice as fast is one step up.
pub(super) fn plane<'a, 'text>(
    root: &'a Root<'text>,
    most: f64,
    speedups: Range<f64>,
) -> Result<Plane<'a, 'text>, Box<dyn Error>> {
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
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
        .y_label_formatter(&|speedup| times(*speedup))
        .draw()?;
    Ok(chart)
}

/// Dots, and triangles for what is below the `floor`.
pub(super) fn dots(
    chart: &mut Plane<'_, '_>,
    points: &[Point],
    size: i32,
    colour: RGBColor,
    floor: f64,
) -> Result<(), Box<dyn Error>> {
    let seen = points.iter().filter(|point| point.1 >= floor);
    chart.draw_series(seen.map(|point| Circle::new(*point, size, colour.filled())))?;
    let below = points.iter().filter(|point| point.1 < floor).map(|point| (point.0, floor));
    let triangle =
        |at| EmptyElement::at(at) + Polygon::new(vec![(-7, -12), (7, -12), (0, 0)], colour.filled());
    chart.draw_series(below.map(triangle))?;
    Ok(())
}

/// The same points where they are drawn: none below the floor.
pub(super) fn raised(points: &[Point], floor: f64) -> Vec<Point> {
    points.iter().map(|&(workers, speedup)| (workers, speedup.max(floor))).collect()
}

/// As a multiple; if that is small, as a part.
fn times(speedup: f64) -> String {
    if speedup < 0.1 {
        format!("1/{:.0}", 1.0 / speedup)
    } else {
        ((speedup * 100.0).round() / 100.0).to_string()
    }
}

/// How something is drawn.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Line,
    Dashes,
    Dot,
}

/// What is drawn, how, and in which colour.
pub(super) type Entry = (String, Mark, RGBColor);

/// What a key says of points that are triangles; nothing if there are none.
pub(super) fn below(points: &[Point]) -> String {
    let slow = points.iter().filter(|point| point.1 < LOWEST);
    slow.map(|(workers, speedup)| format!(", ▼ {} with {workers}", times(*speedup))).collect()
}

/// A picture with its key: beside it, or below it where there is less room. `title` is for those who do not see it.
pub(super) fn chart(svg: &str, title: &str, key: &[Entry]) -> Markup {
    let plain = format!("<svg width=\"{}\" height=\"{}\"", SIZE.0, SIZE.1);
    let svg = svg.replacen(&plain, &format!("<svg role=\"img\" aria-label=\"{title}\""), 1);
    html! {
        div.chart {
            (PreEscaped(svg))
            ul.key {
                @for (name, mark, RGBColor(red, green, blue)) in key {
                    @let class = match mark { Mark::Line => "line", Mark::Dashes => "dashes", Mark::Dot => "dot" };
                    li { span class=(class) style=(format!("--own:#{red:02x}{green:02x}{blue:02x}")) {} (name) }
                }
            }
        }
    }
}
