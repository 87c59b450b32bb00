//! All states of a bank with one kind of resource and two customers, drawn.

use std::fmt::Write;

use crate::banker::Banker;

/// What is so in a state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Safe,
    Unsafe,
    /// Nothing is free, and neither has all that he may need.
    Stuck,
    /// More than there is.
    Impossible,
}

/// At `[b][a]`: A has a units and B has b.
pub(super) struct Map(Vec<Vec<State>>);

/// Tries every division of what `empty` has.
pub(super) fn of(empty: &Banker<1>) -> Map {
    let most = |customer| empty.need(customer).map_or(0, |[units]| units);
    let state = |a, b| {
        let mut banker = empty.clone();
        let lent = [banker.request_carelessly(0, [a]), banker.request_carelessly(1, [b])];
        match banker.lent() == [[a], [b]] && lent.iter().all(Result::is_ok) {
            false => State::Impossible,
            true if banker.safe_order().is_some() => State::Safe,
            true if banker.free() == [0] => State::Stuck,
            true => State::Unsafe,
        }
    };
    Map((0..=most(1)).map(|b| (0..=most(0)).map(|a| state(a, b)).collect()).collect())
}

impl Map {
    /// One line for each number of units that B may have, the highest on top.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (b, row) in self.0.iter().enumerate().rev() {
            let marks = row.iter().map(|state| match state {
                State::Safe => " .",
                State::Unsafe => " u",
                State::Stuck => " X",
                State::Impossible => "  ",
            });
            // `write!` to a String cannot fail.
            let _ = writeln!(text, "B has {b} |{}", marks.collect::<String>());
        }
        let a: String = (0..self.0[0].len()).map(|a| format!(" {a}")).collect();
        text + "    A has" + &a + "\n"
    }

    /// The same as a picture. Colours: Okabe and Ito, "Color Universal Design" (2008).
    pub(super) fn svg(&self) -> String {
        const CELL: usize = 36;
        const LEFT: usize = 56;
        let (rows, columns) = (self.0.len(), self.0[0].len());
        let (width, height) = (LEFT + CELL * columns + 8, CELL * rows + 40);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" \
             aria-label=\"Safe and unsafe states\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#767676\">\n\
             <title>Safe and unsafe states</title>\n<desc>{}</desc>\n",
            self.text()
        );
        for (b, row) in self.0.iter().enumerate() {
            let y = CELL * (rows - 1 - b) + 4;
            let _ = writeln!(svg, "<text x=\"8\" y=\"{}\">B has {b}</text>", y + 20);
            for (a, state) in row.iter().enumerate() {
                let (fill, ink, word) = match state {
                    State::Safe => ("#009e73", "#000000", "safe"),
                    State::Unsafe => ("#e69f00", "#000000", "unsafe"),
                    State::Stuck => ("#000000", "#ffffff", "stuck"),
                    State::Impossible => continue,
                };
                let x = LEFT + CELL * a;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"32\" height=\"32\" rx=\"4\" fill=\"{fill}\"/>\
                     <text x=\"{}\" y=\"{}\" font-size=\"9\" text-anchor=\"middle\" fill=\"{ink}\">{word}</text>",
                    x + 16,
                    y + 20
                );
            }
        }
        let y = CELL * rows + 22;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{y}\">A has</text>");
        for a in 0..columns {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{y}\" text-anchor=\"middle\">{a}</text>",
                LEFT + CELL * a + 16
            );
        }
        svg + "</svg>\n"
    }
}
