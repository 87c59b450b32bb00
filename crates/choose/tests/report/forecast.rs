//! The report of `--predict`: its figures are those of `--json`, and a browser shows all of it.

use std::{fs, process::Command};

use choose::{
    check::Check,
    foresee::{Foreseen, Laws},
    laws::{self, Law},
    machine::Machine,
    predict::{Outlook, Predicted},
    record::Recorded,
    report::{self, Contents},
    row::{Measured, Row, Shot},
};
use serde_json::Value;

use crate::browser::Browser;

/// Work that gains twice at 2 workers and no more at 8, where a smooth law says 8: as two cores do.
fn work() -> Foreseen {
    let numbers = [2, 4, 8];
    let row = |workers| {
        let shot = |round| Shot { round, seconds: 0.5, alone: 1.0, ceiling: 2.0, cpu: 1.0 };
        Row { shots: (0..3).map(shot).collect(), ..Row::new("dynamic", workers, 64) }
    };
    let predicted = |workers| Predicted { mechanism: "dynamic", workers, seconds: 0.4 };
    let check = |workers| Check {
        workload: "made-up",
        mechanism: "dynamic",
        workers,
        predicted_s: 0.4,
        pace: 1.0,
        measured_s: 0.5,
        error: 0.25,
        held_out: true,
        kind: Some("a lock: workers wait for each other while cores are idle"),
    };
    let laws = Laws {
        mechanism: "dynamic",
        points: vec![(1, 1.0), (2, 2.0), (4, 2.0), (8, 2.0)],
        fitted: 2,
        laws: laws::fit(&[(1.0, 1.0), (2.0, 2.0)]),
        law_errors: [0.75, 0.75, 0.75],
        our_error: 0.25,
    };
    let outlook = Outlook { alone: 1.0, best_workers: 4, all: numbers.map(predicted).to_vec() };
    let measured = Measured {
        workload: "made-up",
        waits: false,
        rows: numbers.map(row).to_vec(),
        uneven: None,
        traces: Vec::new(),
    };
    Foreseen {
        checks: numbers.map(check).to_vec(),
        measured_more: true,
        laws: Some(laws),
        ..Foreseen::of(Recorded::default(), outlook, measured)
    }
}

fn page(work: &Foreseen) -> String {
    let machine = Machine { cores: 2, processor: None, system: "Linux".to_owned(), memory: None };
    let all = [work.measured.clone()];
    let contents = Contents { machine: &machine, gain: 2.0, calibration: None, all: &all, advice: &[] };
    report::forecast_page(&contents, std::slice::from_ref(work))
}

#[test]
fn laws_that_miss_beyond_the_knee_are_told_with_what_they_say() {
    let page = page(&work());
    for name in ["Amdahl", "Gustafson", "universal"] {
        let said = format!(
            "{name} misses most at 8 workers: it says 8.0 times as fast, measured were 2.0. A smooth curve does not bend at the knee."
        );
        assert!(page.contains(&said), "{said}");
    }
    for part in
        ["C = 2", "N* = 4", "dynamic, predicted", ">measured<", ">ceiling<", "was off by +25 %: a lock"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn laws_that_fit_are_not_said_to_miss() {
    let mut work = work();
    work.laws.as_mut().unwrap().points = vec![(1, 1.0), (2, 2.0), (4, 4.0)];
    work.laws.as_mut().unwrap().laws = [Law::Amdahl(0.0), Law::Gustafson(0.0), Law::Universal(0.0, 0.0)];
    let page = page(&work);
    assert!(page.contains("data-law=\"Amdahl\"") && !page.contains("misses most"));
}

#[test]
fn without_a_forecast_there_is_no_word_of_one() {
    let work = Foreseen { checks: Vec::new(), laws: None, outlook: Outlook::default(), ..work() };
    let page = page(&work);
    assert!(page.contains("Nothing was held out") && !page.contains("class=\"laws\""));
}

#[test]
fn a_browser_shows_the_predictions_of_the_json() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: no chromium is installed");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.html");
    let output = Command::new(env!("CARGO_BIN_EXE_choose"))
        .args(["--tiny", "--json", "--workload", "fetch,mandelbrot"])
        .args(["--mechanism", "dynamic,static,process-dynamic"])
        .arg("--report")
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    browser.open(&file);

    let shown = browser.value(
        "[...document.querySelectorAll('table.predictions tbody tr')].map(({dataset: d}) => \
         [d.workload, d.mechanism, +d.workers, +d.predicted, +d.measured, +d.error])",
    );
    let fields = ["workload", "mechanism", "workers", "predicted_s", "measured_s", "error"];
    let said: Vec<Value> = (lines.iter().filter_map(|line| line.get("prediction")))
        .map(|one| fields.iter().map(|field| one[*field].clone()).collect())
        .collect();
    assert_eq!(shown, Value::from(said));
    let shown =
        browser.value("[...document.querySelectorAll('table.laws tbody tr')].map(row => +row.dataset.error)");
    let said: Vec<Value> = (lines.iter().filter_map(|line| line.get("law")))
        .flat_map(|law| {
            let mut errors = law["laws"]["law_errors"].as_array().unwrap().clone();
            errors.push(law["laws"]["our_error"].clone());
            errors
        })
        .collect();
    assert_eq!(shown, Value::from(said));
    // Whatever was measured with several workers is looked at, for its memory and its timeline: see `same_memory` for their
    // figures. And what is advised, if that is none of these.
    let rows = |name: &str| -> Vec<String> {
        (lines.iter())
            .filter(|line| line["workload"] == name && line["mechanism"] != "sequential")
            .map(|line| format!("{} x {}", line["mechanism"].as_str().unwrap(), line["workers"]))
            .collect()
    };
    for name in ["fetch", "mandelbrot"] {
        let mut expected = rows(name);
        let advice = lines.last().unwrap()["recommendation"].as_array().unwrap();
        let advised = advice.iter().find(|advice| advice["workload"] == name).unwrap();
        if advised["mechanism"] == "sequential" {
            expected.push("sequential".to_owned());
        }
        expected.sort();
        let mut shown = |selector: &str| {
            let all = format!(
                "[...document.querySelectorAll('section[aria-labelledby={name}] {selector}')].map(one => one.textContent).sort()"
            );
            serde_json::from_value::<Vec<String>>(browser.value(&all)).unwrap()
        };
        assert_eq!(shown("figure.timeline strong"), expected);
        assert_eq!(shown("table.bars th"), expected);
        assert_eq!(shown("div.tiles strong"), if name == "mandelbrot" { expected } else { Vec::new() });
    }
    browser.is_readable();
    assert_eq!(browser.errors, Vec::<String>::new());

    fs::write(&file, page(&work())).unwrap();
    browser.open(&file);
    assert_eq!(browser.value("document.querySelectorAll('svg:not([aria-label])').length"), 0);
    browser.is_readable();
    assert_eq!(browser.errors, Vec::<String>::new());
}
