//! The picture of a deadlock for a page: the resource-allocation graph of Holt (1972), threads as boxes and what they
//! wait for as outlines, an arrow from each who waits and one to each whose move it is.

use std::fmt::Write;

use super::{Action, Object, Report, place::line};

/// In the middle between black and white: it can be read on light and on dark pages.
const GREY: &str = "#767676";

/// Filling and writing of each thread, told apart by people with any colour vision (Okabe and Ito, "Color Universal
/// Design", 2008).
const COLOURS: [(&str, &str); 5] = [
    ("#0072b2", "#ffffff"),
    ("#e69f00", "#000000"),
    ("#009e73", "#000000"),
    ("#cc79a7", "#000000"),
    ("#56b4e9", "#000000"),
];

const CHARACTER: f64 = 8.0;
const TALL: f64 = 32.0;

/// A box with its centre.
struct Node {
    text: String,
    thread: Option<usize>,
    x: f64,
    y: f64,
}

/// From one node to another, with the line of code behind it.
struct Edge {
    from: usize,
    to: usize,
    text: String,
}

impl Report {
    /// Draws it as SVG. It has no background and no black or white ink outside of boxes, so it fits light and dark
    /// pages.
    pub fn svg(&self) -> String {
        let (mut nodes, edges) = self.nodes_and_edges();
        let (width, height) = place(&mut nodes, &edges);
        let (title, about) = (escape(&self.verdict()), escape(&self.to_string()));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             role=\"img\" aria-label=\"{title}\" font-family=\"monospace\" font-size=\"13\" fill=\"{GREY}\">\n\
             <title>{title}</title>\n<desc>{about}</desc>\n\
             <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
             markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"{GREY}\"/></marker></defs>\n\
             <text x=\"{:.0}\" y=\"20\" text-anchor=\"middle\" font-weight=\"bold\">{title}</text>\n",
            width / 2.0
        );
        for edge in &edges {
            draw_edge(&mut svg, &nodes, edge, width / 2.0);
        }
        for node in &nodes {
            draw_node(&mut svg, node);
        }
        svg + "</svg>\n"
    }

    /// Each thread is followed by what it waits for, so that a ring comes out as a ring.
    fn nodes_and_edges(&self) -> (Vec<Node>, Vec<Edge>) {
        let mut nodes: Vec<Node> = Vec::new();
        let mut objects: Vec<(&Object, usize)> = Vec::new();
        let mut at = Vec::new();
        for (index, stuck) in self.threads().iter().enumerate() {
            at.push(nodes.len());
            nodes.push(Node::new(stuck.thread.clone(), Some(index)));
            let Some(object) = stuck.waits.as_ref().and_then(|waits| waits.object.as_ref()) else { continue };
            if !objects.iter().any(|(known, _)| known.number == object.number) {
                objects.push((object, nodes.len()));
                nodes.push(Node::new(object.to_string(), None));
            }
        }
        let mut edges: Vec<Edge> = Vec::new();
        for (index, stuck) in self.threads().iter().enumerate() {
            let Some(waits) = &stuck.waits else { continue };
            let wish = format!("{} {}", wish(waits.action), short(&line(waits.place)));
            let known =
                waits.object.as_ref().and_then(|object| objects.iter().find(|o| o.0.number == object.number));
            let Some((object, node)) = known else {
                edges.extend(waits.on.iter().map(|&on| Edge {
                    from: at[index],
                    to: at[on],
                    text: wish.clone(),
                }));
                continue;
            };
            edges.push(Edge { from: at[index], to: *node, text: wish });
            for &on in &waits.on {
                let hold = self.threads()[on].holds.iter().find(|hold| hold.object.number == object.number);
                let text =
                    hold.map_or(String::new(), |hold| format!("held since {}", short(&line(hold.since))));
                if !edges.iter().any(|edge| edge.from == *node && edge.to == at[on]) {
                    edges.push(Edge { from: *node, to: at[on], text });
                }
            }
        }
        (nodes, edges)
    }
}

fn wish(action: Action) -> &'static str {
    match action {
        Action::Lock => "wants",
        Action::Read => "wants to read",
        Action::Write => "wants to write",
        Action::Notify => "sleeps",
        Action::Send => "sends",
        Action::Receive => "receives",
        Action::Join => "joins",
    }
}

/// The file without its directories.
fn short(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}

impl Node {
    fn new(text: String, thread: Option<usize>) -> Self {
        Self { text, thread, x: 0.0, y: 0.0 }
    }

    fn half(&self) -> (f64, f64) {
        (CHARACTER * self.text.chars().count() as f64 / 2.0 + 12.0, TALL / 2.0)
    }

    /// Where a line from the centre towards a point leaves the box.
    fn border(&self, x: f64, y: f64) -> (f64, f64) {
        let (dx, dy) = (x - self.x, y - self.y);
        let (half_width, half_height) = self.half();
        let part = (half_width / dx.abs().max(1e-9)).min(half_height / dy.abs().max(1e-9)).min(1.0);
        (self.x + dx * part, self.y + dy * part)
    }
}

/// Puts the nodes on an ellipse, clockwise from the top; the size of the picture.
fn place(nodes: &mut [Node], edges: &[Edge]) -> (f64, f64) {
    let count = nodes.len() as f64;
    let widest = nodes.iter().map(|node| node.half().0).fold(0.0, f64::max);
    let words = edges.iter().map(|edge| CHARACTER * edge.text.chars().count() as f64).fold(0.0, f64::max);
    let down = (28.0 * count).max(90.0);
    let across = (down * 1.2).max(widest + 60.0);
    let (middle, top) = (across + widest.max(words) + 16.0, 36.0 + TALL);
    for (at, node) in nodes.iter_mut().enumerate() {
        let turn = std::f64::consts::TAU * at as f64 / count;
        node.x = middle + across * turn.sin();
        node.y = top + down - down * turn.cos();
    }
    (2.0 * middle, top + 2.0 * down + TALL)
}

/// A curve that bends to its left, so that two opposite ones do not meet.
fn draw_edge(svg: &mut String, nodes: &[Node], edge: &Edge, middle: f64) {
    let (from, to) = (&nodes[edge.from], &nodes[edge.to]);
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (over_x, over_y) = ((from.x + to.x) / 2.0 + dy * 0.18, (from.y + to.y) / 2.0 - dx * 0.18);
    let ((x1, y1), (x2, y2)) = (from.border(over_x, over_y), to.border(over_x, over_y));
    // The highest point of the curve.
    let (x, y) = ((x1 + x2) / 4.0 + over_x / 2.0, (y1 + y2) / 4.0 + over_y / 2.0);
    let (anchor, x) = if x >= middle { ("start", x + 14.0) } else { ("end", x - 14.0) };
    let dashes = if from.thread.is_some() { "" } else { " stroke-dasharray=\"6 4\"" };
    // `write!` to a String cannot fail.
    let _ = writeln!(
        svg,
        "<path d=\"M{x1:.1} {y1:.1} Q{over_x:.1} {over_y:.1} {x2:.1} {y2:.1}\" fill=\"none\" stroke=\"{GREY}\" \
         stroke-width=\"1.5\"{dashes} marker-end=\"url(#tip)\"/>\n\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
        y + 4.0,
        escape(&edge.text)
    );
}

fn draw_node(svg: &mut String, node: &Node) {
    let (half_width, half_height) = node.half();
    let (fill, ink, stroke) = match node.thread {
        Some(thread) => {
            let (fill, ink) = COLOURS[thread % COLOURS.len()];
            (fill, ink, "none")
        }
        None => ("none", GREY, GREY),
    };
    let _ = writeln!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{TALL}\" rx=\"{}\" fill=\"{fill}\" stroke=\"{stroke}\" \
         stroke-width=\"1.5\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{ink}\" text-anchor=\"middle\">{}</text>",
        node.x - half_width,
        node.y - half_height,
        2.0 * half_width,
        if node.thread.is_some() { 6 } else { 16 },
        node.x,
        node.y + 5.0,
        escape(&node.text)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
