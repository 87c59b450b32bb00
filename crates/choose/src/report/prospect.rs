//! One mechanism's speed-up as predicted, with what was measured of it, the ceiling, the laws and the knee.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::curve::{COLOURS, GREY, accessible, label, plane};
use crate::{
    foresee::Foreseen,
    row::{SEQUENTIAL, Shot},
};

/// Workers and speed-up.
type Point = (f64, f64);

/// What is drawn.
struct Picture {
    predicted: Vec<Point>,
    measured: Vec<Point>,
    ceiling: Vec<Point>,
    laws: Vec<(&'static str, Vec<Point>)>,
    /// Upright lines: the knee, and N*.
    marks: Vec<(String, f64)>,
}

/// The picture as SVG; `None` when there is no prediction with several workers.
pub(super) fn prospect(work: &Foreseen, cores: usize) -> Option<String> {
    let mechanism =
        work.laws.as_ref().map(|laws| laws.mechanism).or_else(|| Some(work.outlook.best()?.mechanism))?;
    let picture = picture(work, mechanism, cores);
    let most = picture.predicted.iter().map(|point| point.0).fold(1.0, f64::max);
    if most <= 1.0 {
        return None;
    }
    let mut text = String::new();
    picture.draw(&mut text, mechanism, most).ok()?;
    let title = format!("{}: speed-up of {mechanism}, predicted and measured", work.measured.workload);
    Some(accessible(&text, &title))
}

fn picture(work: &Foreseen, mechanism: &str, cores: usize) -> Picture {
    let alone = work.outlook.alone;
    let mut predicted: Vec<Point> = (work.outlook.all.iter())
        .filter(|one| one.mechanism == mechanism && one.seconds > 0.0)
        .map(|one| (one.workers as f64, alone / one.seconds))
        .collect();
    predicted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = predicted.iter().map(|point| point.0).fold(1.0, f64::max);
    let rows = || work.measured.rows.iter().filter(|row| row.counts() && row.mechanism != SEQUENTIAL);
    let measured = rows()
        .filter(|row| row.mechanism == mechanism)
        .map(|row| (row.workers as f64, row.samples(Shot::speedup).median()))
        .collect();
    let mut ceiling: Vec<Point> =
        rows().map(|row| (row.workers as f64, row.samples(|shot| shot.ceiling).median())).collect();
    ceiling.push((1.0, 1.0));
    ceiling.sort_by(|a, b| a.0.total_cmp(&b.0));
    ceiling.dedup_by_key(|point| point.0);
    const STEPS: i32 = 96;
    let along = |step: i32| most.powf(f64::from(step) / f64::from(STEPS));
    let laws = (work.laws.iter().flat_map(|laws| laws.laws))
        .map(|law| (law.name(), (0..=STEPS).map(along).map(|at| (at, law.speedup(at))).collect()))
        .collect();
    let mut marks = vec![(format!("C = {cores}"), cores as f64)];
    let best = work.outlook.best_workers;
    if best != cores {
        marks.push((format!("N* = {best}"), best as f64));
    }
    marks.retain(|(_, at)| *at <= most);
    Picture { predicted, measured, ceiling, laws, marks }
}

impl Picture {
    fn draw(&self, text: &mut String, mechanism: &str, most: f64) -> Result<(), Box<dyn std::error::Error>> {
        const FLOOR: f64 = 0.5;
        let shown = self.predicted.iter().chain(&self.measured).chain(&self.ceiling);
        // Laws go where they like: they leave the picture at its top.
        let top = shown.map(|point| point.1).fold(1.0, f64::max) * 1.6;
        let inside = |points: &[Point]| {
            points.iter().copied().filter(|point| (FLOOR..=top).contains(&point.1)).collect::<Vec<_>>()
        };
        let root = SVGBackend::with_string(text, (760, 380)).into_drawing_area();
        let label = label();
        let mut chart = plane(&root, most, FLOOR..top, 176)?;
        for (place, (name, at)) in self.marks.iter().enumerate() {
            chart.draw_series(DashedLineSeries::new(
                [(*at, FLOOR), (*at, top)],
                2,
                4,
                GREY.stroke_width(1),
            ))?;
            let (across, up) = chart.backend_coord(&(*at, FLOOR));
            let style = label.clone().pos(Pos::new(HPos::Left, VPos::Bottom));
            // One above the other: they may be close.
            root.draw(&Text::new(name.clone(), (across + 5, up - 6 - 18 * place as i32), style))?;
        }
        let mut key: Vec<(String, RGBColor)> = Vec::new();
        chart.draw_series(DashedLineSeries::new(inside(&self.ceiling), 6, 4, GREY.stroke_width(2)))?;
        for (place, (name, points)) in self.laws.iter().enumerate() {
            let colour = COLOURS[1 + place];
            chart.draw_series(LineSeries::new(inside(points), colour.stroke_width(1)))?;
            key.push(((*name).to_owned(), colour));
        }
        let own = COLOURS[0];
        chart.draw_series(LineSeries::new(inside(&self.predicted), own.stroke_width(3)))?;
        chart.draw_series(
            inside(&self.measured).into_iter().map(|point| Circle::new(point, 6, COLOURS[5].filled())),
        )?;
        let first = [
            (format!("{mechanism}, predicted"), own),
            ("measured".to_owned(), COLOURS[5]),
            ("ceiling".to_owned(), GREY),
        ];
        for (place, (name, colour)) in first.into_iter().chain(key).enumerate() {
            let height = 24 + place as i32 * 24;
            if name == "measured" {
                root.draw(&Circle::new((607, height), 6, colour.filled()))?;
            } else {
                root.draw(&PathElement::new([(596, height), (618, height)], colour.stroke_width(3)))?;
            }
            let style = label.clone().pos(Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(name, (624, height), style))?;
        }
        root.present()?;
        Ok(())
    }
}
