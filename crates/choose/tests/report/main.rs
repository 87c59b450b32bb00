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
use choose::show;
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
        let fixed = [
            "--tiny",
            "--measure",
            "--json",
            "--workload",
            "mandelbrot,fetch",
            "--workers",
            "1,2",
            "--runs",
            "3",
        ];
        let output = Command::new(env!("CARGO_BIN_EXE_choose"))
            .args(fixed)
            .args(["--mechanism", "dynamic,static,process-dynamic,process-static,unix-socket"])
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
    browser.is_readable();
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
        // What stands between backticks is shown as code.
        .map(|advice| advice["why"].as_str().unwrap().replace('`', ""))
        .collect();
    let shown =
        browser.value("[...document.querySelectorAll('section > p.advice')].map(one => one.textContent)");
    assert_eq!(serde_json::from_value::<Vec<String>>(shown).unwrap(), advice);
    same_memory(run.rows(), browser);
}

/// Each row of the JSON that knows its memory has a bar with that figure, and there are no others.
fn same_memory<'a>(rows: impl Iterator<Item = &'a Value>, browser: &mut Browser) {
    let bars = "[...document.querySelectorAll('section')].flatMap(section => [...section.querySelectorAll('table.bars tr')]\
                .map(row => [section.getAttribute('aria-labelledby'), row.cells[0].textContent, row.cells[2].textContent]))";
    let mut shown: Vec<[String; 3]> = serde_json::from_value(browser.value(bars)).unwrap();
    let mut expected: Vec<[String; 3]> = rows
        .filter_map(|row| {
            let bytes = row["peak_memory_bytes"].as_u64()?;
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let (mechanism, workers) = (text("mechanism"), &row["workers"]);
            let sequential = mechanism == "sequential";
            let name = if sequential { mechanism } else { format!("{mechanism} x {workers}") };
            Some([text("workload"), name, show::bytes(bytes)])
        })
        .collect();
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
    assert!(!expected.is_empty());
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

#[test]
fn every_message_of_the_trace_has_an_arrow_from_before_to_after() {
    let run = Run::new();
    let events = events(&run.file("trace.json"));
    let (mut begins, mut ends) = (HashMap::new(), HashMap::new());
    let mut pieces: HashMap<u64, usize> = HashMap::new();
    let mut calls: HashMap<u64, usize> = HashMap::new();
    let mut names: HashMap<u64, String> = HashMap::new();
    for event in &events {
        let group = event["pid"].as_u64().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" if event["name"] == "process_name" => {
                names.insert(group, event["args"]["name"].as_str().unwrap().to_owned());
            }
            "X" if event["cat"] == "piece" => *pieces.entry(group).or_default() += 1,
            "X" => *calls.entry(group).or_default() += 1,
            "s" => assert!(begins.insert(event["id"].to_string(), event).is_none(), "{event}"),
            "f" => assert!(ends.insert(event["id"].to_string(), event).is_none(), "{event}"),
            _ => {}
        }
    }
    assert_eq!(begins.len(), ends.len());
    assert_eq!(begins.len(), calls.values().sum::<usize>());
    let mut length = 0.0;
    for (id, begin) in begins {
        let end = ends[&id];
        let [from, to] = [begin, end].map(|place| place["ts"].as_f64().unwrap());
        assert!(from <= to, "{begin} {end}");
        length += to - from;
        // An order leaves the caller, an answer comes to it; each end lies on an event, or a viewer draws no arrow.
        let kinds = [begin, end].map(|place| event_at(place, &events)["cat"].as_str().unwrap());
        assert_eq!(kinds, if begin["name"] == "send" { ["call", "piece"] } else { ["piece", "call"] });
    }
    // A message between processes takes time.
    assert!(length > 0.0);
    overlap_nowhere(&events);
    // Every piece of every mechanism, once: 120 tiles (4 x 30), 8 documents or, one after the other, 4.
    assert_eq!(names.len(), 12);
    for (group, name) in names {
        let count = pieces[&group];
        let expected: &[usize] = if name.starts_with("mandelbrot") { &[120] } else { &[4, 8] };
        assert!(expected.contains(&count), "{name}: {count}");
        // Two processes that are asked once at least.
        let asked = ["process-", "unix-socket"].iter().any(|other| name.contains(other));
        assert_eq!(calls.get(&group).is_some_and(|calls| *calls >= 4), asked, "{name}");
    }
}

fn events(file: &Path) -> Vec<Value> {
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    document["traceEvents"].as_array().unwrap().clone()
}

/// The event of the same lane that is there at this time.
fn event_at<'a>(place: &Value, events: &'a [Value]) -> &'a Value {
    let at = place["ts"].as_f64().unwrap();
    let found =
        events.iter().filter(|event| event["ph"] == "X" && lane(event) == lane(place)).find(|event| {
            let (from, to) = extent(event);
            // A thousandth of a microsecond is what the numbers are rounded to.
            from - 0.0005 <= at && at < to + 0.0005
        });
    found.unwrap_or_else(|| panic!("{place} lies on no event"))
}

/// What overlaps on a lane is not drawn as it was.
fn overlap_nowhere(events: &[Value]) {
    let mut lanes: HashMap<_, Vec<(f64, f64)>> = HashMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        lanes.entry(lane(event)).or_default().push(extent(event));
    }
    for mut extents in lanes.into_values() {
        extents.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert!(extents.windows(2).all(|two| two[0].1 <= two[1].0 + 0.0005), "{extents:?}");
    }
}

fn lane(event: &Value) -> [Option<u64>; 2] {
    [event["pid"].as_u64(), event["tid"].as_u64()]
}

fn extent(event: &Value) -> (f64, f64) {
    let (from, long) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
    (from, from + long)
}
