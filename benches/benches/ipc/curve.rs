//! The round trips on one core as a picture: size against time, a line for each way.

use std::collections::BTreeMap;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{Cell, Figures, Mode, PIPE};

/// In the middle between black and white: readable on either, so that no page has to say which it is.
const GREY: RGBColor = RGBColor(0x76, 0x76, 0x76);

/// What is drawn, each in a colour that is told apart by people with any colour vision (Okabe and Ito, 2008).
const DRAWN: [(&str, RGBColor); 7] = [
    ("ipc-channel Vec<u8>", RGBColor(0xe6, 0x9f, 0x00)),
    (PIPE, RGBColor(0x8c, 0x6b, 0x4f)),
    ("pipe", RGBColor(0xcc, 0x79, 0xa7)),
    ("TCP", RGBColor(0xd5, 0x5e, 0x00)),
    ("framed", RGBColor(0x00, 0x72, 0xb2)),
    ("shared region", RGBColor(0x56, 0xb4, 0xe9)),
    ("futex ring", RGBColor(0x00, 0x9e, 0x73)),
];

/// Bytes and microseconds, by bytes.
pub(crate) type Line = Vec<(f64, f64)>;

pub(crate) fn of(all: &BTreeMap<Cell, Figures>) -> BTreeMap<&'static str, Line> {
    let mut lines: BTreeMap<_, Line> = BTreeMap::new();
    for (cell, figures) in all.iter().filter(|(cell, _)| cell.mode == Mode::RoundTrip && !cell.two_cores) {
        for (name, samples) in figures {
            lines.entry(*name).or_default().push((cell.size as f64, samples.median() * 1e6));
        }
    }
    lines
}

/// From how many bytes on the fastest way through shared memory is faster than the fastest one through the kernel: between two
/// sizes that were measured, as if both lines were straight there.
pub(crate) fn crossover(lines: &BTreeMap<&'static str, Line>) -> Option<f64> {
    let best = |ways: &[&str]| {
        let mut best = lines.get(ways[0])?.clone();
        for (size, time) in ways.iter().filter_map(|way| lines.get(way)).flatten() {
            let point = best.iter_mut().find(|point| point.0 == *size)?;
            point.1 = point.1.min(*time);
        }
        Some(best)
    };
    let (shared, kernel) =
        (best(&["futex ring", "shared region"])?, best(&["pipe", "Unix socket", "seqpacket", "TCP"])?);
    let gap: Vec<_> = shared.iter().zip(kernel).map(|(own, other)| (own.0, (own.1 / other.1).ln())).collect();
    let crossed = gap.windows(2).find(|two| two[0].1 >= 0.0 && two[1].1 < 0.0)?;
    let [(from, above), (to, below)] = [crossed[0], crossed[1]];
    Some((from.ln() + (to / from).ln() * above / (above - below)).exp())
}

pub(crate) fn draw(lines: &BTreeMap<&'static str, Line>) -> Result<String, Box<dyn std::error::Error>> {
    let drawn: Vec<_> =
        DRAWN.iter().filter_map(|(name, colour)| Some((*name, *colour, lines.get(name)?))).collect();
    let points = || drawn.iter().flat_map(|(_, _, line)| line.iter());
    let (least, most) =
        points().fold((f64::MAX, 0.0_f64), |(least, most), (_, time)| (least.min(*time), most.max(*time)));
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (760, 420)).into_drawing_area();
        let label = ("sans-serif", 15).into_font().color(&GREY);
        let (x, y) = ((48.0..1_400_000.0).log_scale().base(4.0), (least * 0.7..most * 1.4).log_scale());
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(170)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .axis_style(GREY)
            .bold_line_style(GREY.mix(0.3))
            .light_line_style(TRANSPARENT)
            .label_style(label.clone())
            .axis_desc_style(label.clone())
            .x_desc("bytes each way")
            .y_desc("microseconds there and back")
            .x_label_formatter(&|bytes| bytes_in_words(*bytes))
            .y_label_formatter(&|time| format!("{time}"))
            .draw()?;
        // Names stand at the ends of their lines, and not on each other.
        let mut ends: Vec<_> =
            drawn.iter().map(|(name, colour, line)| (*name, *colour, line[line.len() - 1])).collect();
        ends.sort_by(|one, other| other.2.1.total_cmp(&one.2.1));
        let mut last = i32::MIN / 2;
        for (name, colour, end) in ends {
            let (at, height) = chart.backend_coord(&end);
            last = height.max(last + 17);
            let style = ("sans-serif", 15).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(name.to_owned(), (at + 10, last), style))?;
        }
        for (_, colour, line) in &drawn {
            chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
            chart.draw_series(line.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        root.present()?;
    }
    let title = "Round trip between two processes on one core, by size and way";
    Ok(text.replacen(">\n", &format!(" role=\"img\">\n<title>{title}</title>\n"), 1))
}

fn bytes_in_words(bytes: f64) -> String {
    match bytes as usize {
        small @ 0..1024 => format!("{small} B"),
        medium @ 1024..1_048_576 => format!("{} KiB", medium >> 10),
        large => format!("{} MiB", large >> 20),
    }
}
