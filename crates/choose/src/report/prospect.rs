//! One mechanism's speed-up as predicted, with what was measured of it, the ceiling, the laws and the knee.

use std::error::Error;

use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::chart::{
    COLOURS, Entry, GREY, Mark, Point, below, chart, dots, floor, label, plane, raised, root,
};
use crate::{
    foresee::Foreseen,
    row::{SEQUENTIAL, Shot},
};

const PREDICTED: RGBColor = COLOURS[0];
const MEASURED: RGBColor = COLOURS[5];
const LAWS: [RGBColor; 3] = [COLOURS[1], COLOURS[2], COLOURS[3]];

/// What is drawn.
struct Picture {
    predicted: Vec<Point>,
    measured: Vec<Point>,
    ceiling: Vec<Point>,
    laws: Vec<(&'static str, Vec<Point>)>,
    /// Upright lines: the knee, and N*.
    marks: Vec<(String, f64)>,
}

/// The picture; `None` when there is no prediction with several workers.
pub(super) fn prospect(work: &Foreseen, cores: usize) -> Option<Markup> {
    let mechanism =
        work.laws.as_ref().map(|laws| laws.mechanism).or_else(|| Some(work.outlook.best()?.mechanism))?;
    let picture = picture(work, mechanism, cores);
    let most = picture.predicted.iter().map(|point| point.0).fold(1.0, f64::max);
    if most <= 1.0 {
        return None;
    }
    let mut text = String::new();
    picture.draw(&mut text, most).ok()?;
    let title = format!("{}: speed-up of {mechanism}, predicted and measured", work.measured.workload);
    Some(chart(&text, &title, &picture.key(mechanism)))
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
    fn draw(&self, text: &mut String, most: f64) -> Result<(), Box<dyn Error>> {
        let shown = || self.predicted.iter().chain(&self.measured).chain(&self.ceiling);
        let floor = floor(shown());
        // Laws go where they like: they leave the picture at its edges.
        let top = shown().map(|point| point.1).fold(1.0, f64::max) * 1.6;
        let inside = |points: &[Point]| {
            points.iter().copied().filter(|point| (floor..=top).contains(&point.1)).collect::<Vec<_>>()
        };
        let root = root(text);
        let mut plane = plane(&root, most, floor..top)?;
        for (place, (name, at)) in self.marks.iter().enumerate() {
            let upright = [(*at, floor), (*at, top)];
            plane.draw_series(DashedLineSeries::new(upright, 2, 4, GREY.stroke_width(1)))?;
            let (across, up) = plane.backend_coord(&(*at, floor));
            let style = label().pos(Pos::new(HPos::Left, VPos::Bottom));
            // One above the other: they may be close.
            root.draw(&Text::new(name.clone(), (across + 5, up - 6 - 18 * place as i32), style))?;
        }
        let ceiling = raised(&self.ceiling, floor);
        plane.draw_series(DashedLineSeries::new(ceiling, 6, 4, GREY.stroke_width(2)))?;
        for (place, (_, points)) in self.laws.iter().enumerate() {
            plane.draw_series(LineSeries::new(inside(points), LAWS[place % LAWS.len()].stroke_width(1)))?;
        }
        let predicted = raised(&self.predicted, floor);
        plane.draw_series(LineSeries::new(predicted, PREDICTED.stroke_width(3)))?;
        dots(&mut plane, &self.measured, 6, MEASURED, floor)?;
        root.present()?;
        Ok(())
    }

    fn key(&self, mechanism: &str) -> Vec<Entry> {
        let of = |name: &str, points| format!("{name}{}", below(points));
        let mut key = vec![
            (of(&format!("{mechanism}, predicted"), &self.predicted), Mark::Line, PREDICTED),
            (of("measured", &self.measured), Mark::Dot, MEASURED),
            ("ceiling".to_owned(), Mark::Dashes, GREY),
        ];
        let laws = self.laws.iter().enumerate();
        key.extend(laws.map(|(place, (name, _))| ((*name).to_owned(), Mark::Line, LAWS[place % LAWS.len()])));
        key
    }
}
