//! Figures as bars beside each other: what handing out costs, how much memory it takes.

use maud::{Markup, html};

/// One bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    /// As people read it.
    pub(super) text: String,
}

/// A bar's length in terms of its figure.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Twice as long is twice as much.
    Linear,
    /// From a tenth of the least on, each decade is as long.
    Decades,
}

/// A table with a bar in each row, the least first. The figure stands beside the bar, so that nothing depends on seeing it.
pub(super) fn bars(caption: &str, scale: Scale, mut all: Vec<Bar>) -> Markup {
    all.retain(|bar| bar.value.is_finite() && bar.value > 0.0);
    all.sort_by(|a, b| a.value.total_cmp(&b.value));
    let (least, most) = (all.first().map_or(1.0, |bar| bar.value), all.last().map_or(1.0, |bar| bar.value));
    let share = |value: f64| match scale {
        Scale::Linear => value / most,
        Scale::Decades => (10.0 * value / least).log10() / (10.0 * most / least).log10(),
    };
    html! {
        @if !all.is_empty() {
            table.bars {
                caption { (caption) }
                @for Bar { name, value, text } in &all {
                    tr {
                        th scope="row" { (name) }
                        td { div.bar style=(format!("width:{:.1}%", share(*value) * 100.0)) {} }
                        td { (text) }
                    }
                }
            }
        }
    }
}
