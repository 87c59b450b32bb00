//! Who drew which tile of the picture: a colour for each worker, the stronger the longer the tile took.

use maud::{Markup, html};

use super::named;
use crate::row::Trace;

/// As many colours as the style sheet has; workers beyond take them again.
const COLOURS: usize = 6;

/// Units of a tile: flat, as tiles are.
const WIDTH: usize = 50;

/// The picture of one mechanism; `None` where pieces are no tiles.
pub(super) fn tiles(trace: &Trace) -> Option<Markup> {
    let [across, down] = trace.grid?;
    // As the picture itself: four to three.
    let height = (across * WIDTH) as f64 * 0.75 / down as f64;
    let longest = trace.spans.iter().map(|span| span.end - span.start).max().unwrap_or(1).max(1) as f64;
    let who = named(trace.mechanism, trace.workers);
    Some(html! {
        figure {
            svg role="img" aria-label=(format!("{who}: who drew which tile")) viewBox=(format!("0 0 {} {:.1}", across * WIDTH, down as f64 * height)) {
                @for span in trace.spans.iter().filter(|span| span.piece < across * down) {
                    // A tile may cost a thousandth of the dearest: a root brings both into sight.
                    @let strength = 0.25 + 0.75 * ((span.end - span.start) as f64 / longest).sqrt();
                    rect class=(format!("s{}", span.worker % COLOURS)) fill-opacity=(format!("{strength:.2}"))
                        x=(span.piece % across * WIDTH) y=(format!("{:.1}", (span.piece / across) as f64 * height))
                        width=(WIDTH) height=(format!("{height:.1}")) {}
                }
            }
            figcaption { strong { (who) } }
        }
    })
}
