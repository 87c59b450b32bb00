//! The same drawing as a picture for a page.

use std::fmt::Write;

use super::Schedule;

/// In the middle between black and white: it can be read on light and on dark pages.
const GREY: &str = "#767676";

/// Filling and writing of each lane, told apart by people with any colour vision (Okabe and Ito, "Color Universal
/// Design", 2008).
const COLOURS: [(&str, &str); 5] = [
    ("#0072b2", "#ffffff"),
    ("#e69f00", "#000000"),
    ("#009e73", "#000000"),
    ("#cc79a7", "#000000"),
    ("#56b4e9", "#000000"),
];

const ROW: usize = 30;
const CHARACTER: usize = 8;

impl Schedule {
    /// Draws it as SVG: one column for each thread, one box for each step; `title` says what program it is.
    pub fn svg(&self, title: &str) -> String {
        let rows = self.rows();
        let longest = rows.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
        let lane = CHARACTER * (longest + 4).max(20);
        let last = [self.verdict(), self.found.clone()];
        let words = CHARACTER * last.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let width = (lane * self.threads.len()).max(words) + 16;
        let bottom = 36 + ROW * rows.len();
        let height = bottom + 52;
        let (title, about) = (escape(title), escape(&self.draw(100)));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             role=\"img\" aria-label=\"{title}\" font-family=\"monospace\" font-size=\"13\" fill=\"{GREY}\">\n\
             <title>{title}</title>\n<desc>{about}</desc>\n"
        );
        // `write!` to a String cannot fail.
        for (at, name) in self.threads.iter().enumerate() {
            let x = 8 + at * lane;
            let line = x + lane / 2 - 8;
            let name = escape(name);
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"20\" font-weight=\"bold\">thread {name}</text>");
            let _ = writeln!(
                svg,
                "<line x1=\"{line}\" y1=\"30\" x2=\"{line}\" y2=\"{bottom}\" stroke=\"{GREY}\" stroke-dasharray=\"2 4\"/>"
            );
        }
        for (at, (thread, text)) in rows.iter().enumerate() {
            let (x, y) = (8 + thread * lane, 32 + at * ROW);
            let (fill, ink) = COLOURS[thread % COLOURS.len()];
            // Steps that are not taken, in a deadlock, are outlines.
            let (fill, ink, stroke) =
                if at < self.steps.len() { (fill, ink, "none") } else { ("none", GREY, fill) };
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"24\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n\
                 <text x=\"{}\" y=\"{}\" fill=\"{ink}\" xml:space=\"preserve\">{}</text>",
                lane - 16,
                x + 8,
                y + 16,
                escape(text)
            );
        }
        for (line, text) in last.iter().enumerate() {
            let y = bottom + 20 + 20 * line;
            let weight = if line == 0 { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(svg, "<text x=\"8\" y=\"{y}\"{weight}>{}</text>", escape(text));
        }
        svg + "</svg>\n"
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
