//! Who did what when, drawn lane by lane: as text for a terminal, as SVG for a page.

use std::fmt::Write;

/// One thing that was done: on which lane, from when to when, and the character that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Lanes count from 0.
    pub lane: usize,
    /// When it began, in nanoseconds on any clock.
    pub start: u64,
    /// When it ended, on the same clock.
    pub end: u64,
    /// What it is drawn with. In SVG each mark has a colour.
    pub mark: char,
}

/// Draws `spans` as one line of text for each name in `names`, `width` columns of time, with a scale below.
///
/// A column shows the mark that filled most of it; `.` where the lane did something but less than half of the
/// time; a blank where it did nothing. Spans on lanes without a name are left out.
pub fn text(names: &[String], spans: &[Span], width: usize) -> String {
    let width = width.max(1);
    let (start, end) = extent(spans);
    let label = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut drawing = String::new();
    for (lane, name) in names.iter().enumerate() {
        let mine: Vec<&Span> = spans.iter().filter(|span| span.lane == lane).collect();
        let line: String =
            (0..width).map(|column| cell(&mine, column_of(start, end, column, width))).collect();
        drawing.push_str(&format!("{name:label$} |{line}|\n"));
    }
    let scale = duration(end - start);
    drawing.push_str(&format!("{:label$}  0 {scale:>rest$}\n", "", rest = width.saturating_sub(2)));
    drawing
}

/// Draws `spans` as an SVG picture with one lane for each name in `names`, readable on light and on dark pages.
/// `title` names it, `about` says in words what is to be seen (for those who do not see it).
pub fn svg(title: &str, about: &str, names: &[String], spans: &[Span]) -> String {
    const LANE: usize = 28;
    const BAR: usize = 20;
    const RIGHT: f64 = 790.0;
    let label = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let left = (16 + 8 * label) as f64;
    let (start, end) = extent(spans);
    let x = |time: u64| left + (RIGHT - left) * (time - start) as f64 / (end - start) as f64;
    let mut marks: Vec<char> = spans.iter().map(|span| span.mark).collect();
    marks.sort_unstable();
    marks.dedup();
    let height = LANE * names.len() + 24;
    let (title, about) = (escape(title), escape(about));
    let mut drawing = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" role=\"img\" \
         aria-label=\"{title}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"{GREY}\">\n\
         <title>{title}</title>\n<desc>{about}</desc>\n"
    );
    // `write!` to a String cannot fail.
    for (lane, name) in names.iter().enumerate() {
        let top = lane * LANE + 4;
        let _ = writeln!(drawing, "<text x=\"8\" y=\"{}\">{}</text>", top + 15, escape(name));
        let mine = joined(spans.iter().filter(|span| span.lane == lane), (end - start) / 2_000);
        for span in mine {
            let colour = COLOURS[marks.binary_search(&span.mark).unwrap_or(0) % COLOURS.len()];
            let (from, wide) = (x(span.start), (x(span.end) - x(span.start)).max(0.3));
            let _ = writeln!(
                drawing,
                "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
            );
        }
    }
    let base = height - 8;
    let scale = duration(end - start);
    let _ = writeln!(drawing, "<text x=\"{left}\" y=\"{base}\">0</text>");
    let _ = writeln!(drawing, "<text x=\"{RIGHT}\" y=\"{base}\" text-anchor=\"end\">{scale}</text>\n</svg>");
    drawing
}

/// In the middle between black and white: contrast 4.5 to either, so that no page has to say which it is.
const GREY: &str = "#767676";

/// Told apart by people with any colour vision (Okabe and Ito, "Color Universal Design", 2008; without black).
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];

/// From the first start to the last end; never empty.
fn extent(spans: &[Span]) -> (u64, u64) {
    let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
    (start, end.max(start + 1))
}

/// The piece of time that one column stands for.
fn column_of(start: u64, end: u64, column: usize, width: usize) -> (u64, u64) {
    let at = |column: usize| start + (u128::from(end - start) * column as u128 / width as u128) as u64;
    (at(column), at(column + 1).max(at(column) + 1))
}

fn cell(spans: &[&Span], (from, to): (u64, u64)) -> char {
    let mut filled: Vec<(char, u64)> = Vec::new();
    for span in spans {
        let inside = span.end.min(to).saturating_sub(span.start.max(from));
        if inside > 0 {
            match filled.iter_mut().find(|(mark, _)| *mark == span.mark) {
                Some((_, sum)) => *sum += inside,
                None => filled.push((span.mark, inside)),
            }
        }
    }
    let busy: u64 = filled.iter().map(|(_, sum)| sum).sum();
    match filled.iter().max_by_key(|(_, sum)| *sum) {
        Some((mark, _)) if 2 * busy >= to - from => *mark,
        Some(_) => '.',
        None => ' ',
    }
}

/// Neighbours with the same mark as one, where the gap between them could not be seen: thousands of small pieces
/// would otherwise make a large file.
fn joined<'a>(spans: impl Iterator<Item = &'a Span>, unseen: u64) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.copied().collect();
    sorted.sort_by_key(|span| span.start);
    let mut bars: Vec<Span> = Vec::new();
    for span in sorted {
        match bars.last_mut() {
            Some(last) if last.mark == span.mark && span.start <= last.end.saturating_add(unseen) => {
                last.end = last.end.max(span.end);
            }
            _ => bars.push(span),
        }
    }
    bars
}

fn duration(nanoseconds: u64) -> String {
    match nanoseconds as f64 {
        time if time >= 1e9 => format!("{:.2} s", time / 1e9),
        time if time >= 1e6 => format!("{:.1} ms", time / 1e6),
        time if time >= 1e3 => format!("{:.1} us", time / 1e3),
        time => format!("{time} ns"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn span(lane: usize, start: u64, end: u64, mark: char) -> Span {
        Span { lane, start, end, mark }
    }

    #[test]
    fn text_shows_marks_idleness_and_scale() {
        let spans = [
            span(0, 1_000, 6_000, 'a'),
            span(1, 1_000, 3_000, 'b'),
            span(1, 5_300, 5_600, 'a'),
            span(0, 6_000, 11_000, 'c'),
        ];
        let drawn = text(&names(&["one", "other"]), &spans, 10);
        assert_eq!(drawn, "one   |aaaaaccccc|\nother |bb  .     |\n       0  10.0 us\n");
    }

    #[test]
    fn a_column_shows_what_filled_most_of_it() {
        let spans = [span(0, 0, 40, 'a'), span(0, 40, 70, 'b'), span(0, 70, 100, 'b')];
        assert!(text(&names(&["x"]), &spans, 1).starts_with("x |b|\n"));
    }

    #[test]
    fn nothing_to_draw_is_drawn_too() {
        assert_eq!(text(&[], &[], 3), "  0 1 ns\n");
        assert!(text(&names(&["x"]), &[], 0).starts_with("x | |\n"));
        let whole_clock = [span(0, 0, u64::MAX, 'a'), span(7, 5, 6, 'a')];
        assert!(text(&names(&["x"]), &whole_clock, 4).starts_with("x |aaaa|\n"));
        assert!(svg("t", "d", &names(&["x"]), &whole_clock).ends_with("</svg>\n"));
    }

    #[test]
    fn svg_joins_what_touches_and_escapes_names() {
        let spans = [span(0, 0, 10, 'a'), span(0, 10, 20, 'a'), span(0, 20, 30, 'b'), span(1, 0, 30, 'a')];
        let drawn = svg("a & b", "about <it>", &names(&["\"one\"", "two"]), &spans);
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert_eq!(drawn.matches(COLOURS[0]).count(), 2);
        assert_eq!(drawn.matches(COLOURS[1]).count(), 1);
        assert!(drawn.contains("<title>a &amp; b</title>\n<desc>about &lt;it&gt;</desc>"));
        assert!(drawn.contains(">&quot;one&quot;</text>"));
    }
}
