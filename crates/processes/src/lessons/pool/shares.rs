//! Who gets which piece decides how long it takes: equal shares against pieces on demand.
//!
//! `process-static` cuts the work into as many shares as there are workers; `process-dynamic` hands out the next
//! pieces to whoever is done. The image is the Mandelbrot set, in which one piece costs hundreds of times
//! another. Look at the two mechanisms side by side (`mechanisms/`): they differ in who calls `hand`, and when.
//!
//! In Python: `Pool.map`, whose `chunksize` decides between the two.

use std::collections::BTreeMap;

use lesson::{Bound, Story, measure};
use workload::{Mandelbrot, Size, Timeline, Workers, Workload, sequential};

use crate::{mechanisms, process_dynamic, process_static};

pub(super) fn tell(story: &mut Story) -> lesson::Result {
    let work = Mandelbrot::sized(Size::Lesson);
    let (pieces, off) = (work.pieces()?.len(), Timeline::off());
    let alone = sequential(&work, &off)?;
    story.say(format!(
        "An image in {pieces} pieces, done here, one after the other, and then by two worker processes."
    ));
    for mechanism in mechanisms::<Mandelbrot>() {
        let timeline = Timeline::on();
        let answer = (mechanism.run)(&work, Workers::new(2)?, &timeline)?;
        let mut done = BTreeMap::<u32, (usize, u64)>::new();
        for span in timeline.spans() {
            let (count, time) = done.entry(span.pid).or_default();
            *count += 1;
            *time += span.end - span.start;
        }
        let rows = done.iter().map(|(pid, (count, time))| {
            format!(
                "{:<16} process {pid:<8} {count:>4} pieces in {:>6.1} ms",
                mechanism.name,
                *time as f64 / 1e6
            )
        });
        story.show(rows.collect::<Vec<_>>().join("\n"));
        story.claim(
            format!("{} gives the answer of the sequential run", mechanism.name),
            "equal",
            if answer == alone { "equal" } else { "different" },
            answer == alone,
        );
        let total: usize = done.values().map(|(count, _)| count).sum();
        story.equal(format!("{} does each piece once", mechanism.name), pieces, total);
        if mechanism.name == "process-static" {
            let counts: Vec<usize> = done.values().map(|(count, _)| *count).collect();
            story.equal("a static split gives each worker as many pieces", vec![pieces / 2; 2], counts);
        }
    }
    story.say(
        "Equal shares of pieces are not equal shares of work. Each pool now does a larger image, in turn, its start \
         included.",
    );
    let large = Mandelbrot::sized(Size::Measure);
    story.timed("handing out pieces on demand beats equal shares", Bound::AtLeast(1.2), 2, || {
        let two = Workers::new(2).unwrap_or(Workers::ONE);
        let [fixed, demand] = measure::in_turn(
            3,
            [&mut || drop(process_static::run(&large, two, &off)), &mut || {
                drop(process_dynamic::run(&large, two, &off))
            }],
        );
        measure::ratio(&fixed, &demand)
    });
    Ok(())
}
