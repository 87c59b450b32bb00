//! The report as a reader has it before them, and the timelines as a viewer of traces reads them.

mod browser;
mod forecast;
mod made_up;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use browser::Browser;
use serde_json::Value;
use tempfile::TempDir;

/// One small run with everything that it writes.
struct Run {
    directory: TempDir,
    lines: Vec<Value>,
}

impl Run {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (report, trace) = (place("report.html"), place("trace.json"));
        let fixed = ["--tiny", "--json", "--workload", "mandelbrot,fetch", "--workers", "1,2", "--runs", "3"];
        let output = Command::new(env!("CARGO_BIN_EXE_choose"))
            .args(fixed)
            .args(["--mechanism", "dynamic,static,process-dynamic,process-static"])
            .args(["--report", &report, "--trace", &trace])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        Self { directory, lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn rows(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line.get("workload").is_some())
    }
}

#[test]
fn a_browser_shows_the_figures_of_the_json_in_both_themes_and_on_a_phone() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: no chromium is installed");
        return;
    };
    let run = Run::new();
    browser.resize(1200);
    browser.open(&run.file("report.html"));

    same_figures(&run, &mut browser);
    for (selector, least) in [
        ("h1", 1),
        ("p.advice", 2),
        ("figure.timeline", 9),
        ("div.tiles figure", 5),
        ("#costs + table.bars tr", 1),
        ("section table.bars", 2),
        ("figure.timeline button", 27),
    ] {
        let found = browser.value(&format!("document.querySelectorAll({selector:?}).length"));
        assert!(found.as_u64().unwrap() >= least, "{selector}: {found} of {least}");
    }
    let nameless = "[...document.querySelectorAll('svg, button, [role=region], [role=group], section')].filter(one => \
                    !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.textContent.trim())).length";
    assert_eq!(browser.value(nameless), 0);
    let twice = "document.querySelectorAll('[id]').length - new Set([...document.querySelectorAll('[id]')].map(one => one.id)).size";
    assert_eq!(browser.value(twice), 0);

    zooms(&mut browser);
    for theme in ["light", "dark"] {
        browser.prefer(theme);
        let contrast = browser.value(CONTRAST).as_f64().unwrap();
        assert!(contrast >= 4.5, "{theme}: {contrast}");
    }
    for width in [360, 1200] {
        browser.resize(width);
        let beyond =
            browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(beyond, 0, "at {width} pixels the page scrolls sideways");
    }
    assert_eq!(browser.errors, Vec::<String>::new());
}

/// Each row of the tables has the speed-up, the runs and the memory of its line of JSON.
fn same_figures(run: &Run, browser: &mut Browser) {
    let rows = "[...document.querySelectorAll('section')].flatMap(section => [...section.querySelectorAll('table.figures tbody tr')]\
                .map(row => [section.getAttribute('aria-labelledby'), row.dataset.mechanism, row.dataset.workers, \
                row.cells[2].textContent, row.cells[5].textContent]))";
    let shown = browser.value(rows);
    let mut shown: Vec<Vec<String>> = serde_json::from_value(shown).unwrap();
    let mut expected: Vec<Vec<String>> = (run.rows())
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let speedup = format!("{:.2}", row["speedup"].as_f64().unwrap());
            vec![
                text("workload"),
                text("mechanism"),
                row["workers"].to_string(),
                row["runs"].to_string(),
                speedup,
            ]
        })
        .collect();
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
    let advice: Vec<String> = run.lines.last().unwrap()["recommendation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|advice| advice["why"].as_str().unwrap().to_owned())
        .collect();
    let shown =
        browser.value("[...document.querySelectorAll('section > p.advice')].map(one => one.textContent)");
    assert_eq!(serde_json::from_value::<Vec<String>>(shown).unwrap(), advice);
}

/// With the button and with keys, and what is zoomed scrolls in itself.
fn zooms(browser: &mut Browser) {
    let width = "Math.round(document.querySelector('div.track').offsetWidth / document.querySelector('div.scroll').clientWidth)";
    assert_eq!(browser.value(width), 1);
    browser.value("document.querySelector('figure.timeline [data-zoom=in]').click()");
    assert_eq!(browser.value(width), 2);
    browser.value("document.querySelector('div.scroll').focus()");
    browser.press("+");
    assert_eq!(browser.value(width), 4);
    assert_eq!(browser.value("document.querySelector('figure.timeline output').textContent"), "4 x");
    browser.press("-");
    assert_eq!(browser.value(width), 2);
    browser.press("0");
    assert_eq!(browser.value(width), 1);
}

/// The least contrast between text and what is behind it (WCAG 2, relative luminance).
const CONTRAST: &str = "(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => { const [r, g, b] = numbers(colour).map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = one => { for (; one; one = one.parentElement) { const colour = getComputedStyle(one).backgroundColor;
    if (numbers(colour)[3] !== 0) return colour; } return 'rgb(255, 255, 255)'; };
  const ratio = one => { const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
    return (a + 0.05) / (b + 0.05); };
  return Math.min(...[...document.querySelectorAll('h1, h2, h3, p, td, th, caption, figcaption, button, output, .names div, .scale span')].map(ratio));
})()";

#[test]
fn every_arrow_of_the_trace_has_two_ends_within_the_run() {
    let run = Run::new();
    let events = events(&run.file("trace.json"));
    let (mut begins, mut ends) = (HashMap::new(), HashMap::new());
    let mut pieces: HashMap<u64, usize> = HashMap::new();
    let mut names: HashMap<u64, String> = HashMap::new();
    for event in &events {
        let group = event["pid"].as_u64().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" if event["name"] == "process_name" => {
                names.insert(group, event["args"]["name"].as_str().unwrap().to_owned());
            }
            "X" if event["cat"] == "piece" => *pieces.entry(group).or_default() += 1,
            "s" => assert!(begins.insert(event["id"].to_string(), event).is_none(), "{event}"),
            "f" => assert!(ends.insert(event["id"].to_string(), event).is_none(), "{event}"),
            _ => {}
        }
    }
    assert!(!begins.is_empty());
    assert_eq!(begins.len(), ends.len());
    for (id, begin) in begins {
        let end = ends[&id];
        assert_ne!(begin["tid"], end["tid"]);
        assert!(begin["ts"].as_f64() <= end["ts"].as_f64());
        // Each end lies on an event of its lane: else a viewer does not draw the arrow.
        assert!([begin, end].iter().all(|place| lies_on_an_event(place, &events)), "{begin} {end}");
        assert!(names[&begin["pid"].as_u64().unwrap()].contains("process-"));
    }
    // Every piece of every mechanism, once: 120 tiles (4 x 30), 8 documents or, one after the other, 4.
    assert_eq!(names.len(), 10);
    for (group, name) in names {
        let count = pieces[&group];
        let expected: &[usize] = if name.starts_with("mandelbrot") { &[120] } else { &[4, 8] };
        assert!(expected.contains(&count), "{name}: {count}");
    }
}

fn events(file: &Path) -> Vec<Value> {
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    document["traceEvents"].as_array().unwrap().clone()
}

fn lies_on_an_event(place: &Value, events: &[Value]) -> bool {
    let at = place["ts"].as_f64().unwrap();
    events
        .iter()
        .filter(|event| event["ph"] == "X" && event["pid"] == place["pid"] && event["tid"] == place["tid"])
        .any(|event| {
            let (from, long) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
            // A thousandth of a microsecond is what the numbers are rounded to.
            from - 0.001 <= at && at <= from + long + 0.001
        })
}
