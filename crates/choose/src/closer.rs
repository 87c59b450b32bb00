//! After the measuring, a closer look at each mechanism at its most workers: memory, and who did what when.

use lesson::measure;
use workload::{Mandelbrot, Span, Workload};

use crate::{
    measure::{Scale, wrong_answer},
    probe::{self, Seen},
    row::{Measured, Row, SEQUENTIAL, Trace},
};

/// Looks at the sequential run of the smallest scale, and at every mechanism with the most workers of the largest.
pub(crate) fn look<W: Workload>(measured: &mut Measured, scales: &[Scale<W>], tell: &dyn Fn(&str)) {
    let (Some(small), Some(large)) = (scales.first(), scales.last()) else { return };
    let Some(most) = large.workers.iter().max() else { return };
    let rows = &measured.rows;
    let last_of = |mechanism: &str| {
        rows.iter().rposition(|row| row.mechanism == mechanism && row.workers == most.get())
    };
    let mut looks = vec![(0, &small.work)];
    let mechanisms: Vec<&str> =
        rows.iter().map(|row| row.mechanism).filter(|name| *name != SEQUENTIAL).collect();
    for (place, name) in mechanisms.iter().enumerate() {
        if !mechanisms[..place].contains(name) {
            looks.extend(last_of(name).map(|row| (row, &large.work)));
        }
    }
    for (index, work) in looks {
        look_at(measured, index, work, tell);
    }
}

/// Looks at each row that several workers did, and at `advised`, if that was one piece after the other: once each.
pub(crate) fn look_at_each<W: Workload>(
    measured: &mut Measured,
    work: &W,
    advised: Option<&str>,
    tell: &dyn Fn(&str),
) {
    for index in 0..measured.rows.len() {
        let Row { mechanism, answer, .. } = &measured.rows[index];
        // A run that was only recorded in part has no answer, and would take long.
        if *mechanism != SEQUENTIAL || (advised == Some(SEQUENTIAL) && !answer.is_null()) {
            look_at(measured, index, work, tell);
        }
    }
}

fn look_at<W: Workload>(measured: &mut Measured, index: usize, work: &W, tell: &dyn Fn(&str)) {
    let Measured { rows, traces, uneven, .. } = measured;
    let row = &mut rows[index];
    if !row.counts() {
        return;
    }
    let (mechanism, workers) = (row.mechanism, row.workers);
    tell(&format!("a closer look at {mechanism} x {workers}"));
    match probe::look(work, mechanism, workers) {
        Ok(seen) => {
            row.peak_memory = seen.peak_memory;
            if seen.answer != row.answer {
                row.error = Some(wrong_answer(&seen.answer, &row.answer));
            }
            if mechanism == SEQUENTIAL {
                *uneven = dearest_share(&seen.spans, measure::cores().max(2));
            }
            let Seen { spans, exchanges, .. } = seen;
            traces.push(Trace { mechanism, workers, grid: grid(work), spans, exchanges });
        }
        Err(error) => row.error = Some(error.to_string()),
    }
}

/// Across and down, where pieces are tiles, row by row.
fn grid<W: Workload>(work: &W) -> Option<[usize; 2]> {
    if W::NAME != Mandelbrot::NAME {
        return None;
    }
    // By its encoding: that `W` is `Mandelbrot` is not known to the compiler.
    let Mandelbrot { width, height, tile, .. } =
        serde_json::from_value(serde_json::to_value(work).ok()?).ok()?;
    Some([width.div_ceil(tile.width) as usize, height.div_ceil(tile.height) as usize])
}

/// How much more than the mean the dearest of `shares` equal stretches of pieces costs. 1 is even.
fn dearest_share(spans: &[Span], shares: usize) -> Option<f64> {
    let mut costs = vec![0.0; shares];
    for span in spans {
        costs[span.piece * shares / spans.len()] += (span.end - span.start) as f64;
    }
    let (dearest, all) = (costs.iter().copied().fold(0.0, f64::max), costs.iter().sum::<f64>());
    (all > 0.0).then(|| dearest * shares as f64 / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_share_is_told_in_terms_of_the_mean() {
        let span = |piece, start, end| Span { piece, worker: 0, pid: 1, start, end };
        let spans = [span(0, 0, 1), span(1, 1, 2), span(2, 2, 5), span(3, 5, 8)];
        assert_eq!(dearest_share(&spans, 2), Some(1.5));
        assert_eq!(dearest_share(&spans[..2], 2), Some(1.0));
        assert_eq!(dearest_share(&[], 2), None);
    }
}
