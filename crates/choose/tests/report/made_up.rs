//! Made-up figures, all different: each stands where it belongs, in the table, in JSON, in the report and in the trace.

use std::collections::HashSet;

use choose::{
    calibrate::{Calibration, Limits},
    json,
    machine::Machine,
    predict::Costs,
    recommend::Advice,
    report::{self, Contents},
    row::{Measured, Row, Shot, Trace},
    table, trace,
};
use serde_json::{Value, json};
use workload::{Exchange, Span};

/// Three runs: 300 to 900 ms from p10 to p90 and 500 ms in the middle, 2.0 of 2.5 times as fast.
fn row(mechanism: &'static str, workers: usize) -> Row {
    let mut row = Row::new(mechanism, workers, 6);
    row.shots = ([0.25, 0.5, 1.0].into_iter().enumerate())
        .map(|(round, seconds)| Shot { round, seconds, alone: 1.0, ceiling: 2.5, cpu: 0.75 })
        .collect();
    (row.dispatch_ns, row.peak_memory) = (Some(1_500.0), Some(3 << 20));
    row.answer = json!({"count": 7});
    row
}

fn measured(rows: Vec<Row>, traces: Vec<Trace>) -> Measured {
    Measured { workload: "made-up", waits: false, rows, uneven: None, traces }
}

/// Two workers, in two processes: six tiles of a picture, three across. The caller's threads send at the same time.
fn traced(mechanism: &'static str) -> Trace {
    let span = |worker, pid, piece, start, end| Span { piece, worker, pid, start, end };
    let spans = vec![
        span(0, 71, 0, 5_000_000, 5_500_000),
        span(0, 71, 1, 5_500_000, 5_750_000),
        span(1, 72, 2, 5_250_000, 6_000_000),
        span(0, 71, 5, 5_800_000, 5_900_000),
    ];
    let exchange = |worker, pieces, send, receive| Exchange { worker, pieces, send, receive };
    let exchanges = vec![
        exchange(0, 0..2, 4_900_000..4_950_000, 5_760_000..5_770_000),
        exchange(1, 2..3, 4_940_000..4_960_000, 6_050_000..6_060_000),
        exchange(0, 5..6, 5_770_000..5_780_000, 5_950_000..5_960_000),
    ];
    Trace { mechanism, workers: 2, grid: Some([3, 2]), spans, exchanges }
}

fn page(measured: Measured, advised: (&'static str, usize)) -> String {
    let machine = Machine { cores: 2, processor: None, system: "Linux".to_owned(), memory: None };
    let (mechanism, workers) = advised;
    let advice = [Advice { workload: "made-up", mechanism, workers, why: "One `par_iter`.".to_owned() }];
    let all = [measured];
    report::page(&Contents { machine: &machine, gain: 1.9, calibration: None, all: &all, advice: &advice })
}

#[test]
fn a_line_of_the_table_has_its_figures_below_their_heads() {
    let mut out = Vec::new();
    table::print(&mut out, &measured(vec![row("dynamic", 2)], Vec::new()), None).unwrap();
    let text = String::from_utf8(out).unwrap();
    let line = text.lines().find(|line| line.contains("dynamic")).unwrap();
    let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let expected = [
        "dynamic",
        "2",
        "3",
        "500 ms",
        "300 ms - 900 ms",
        "2.00",
        "2.50",
        "80 %",
        "750 ms",
        "3.0 MiB",
        "1.5 us",
    ];
    assert_eq!(cells, expected, "{text}");
}

#[test]
fn a_line_of_json_has_each_figure_under_its_name() {
    let failed = Row { error: Some("it died".to_owned()), ..row("pool", 2) };
    let mut out = Vec::new();
    json::rows(&mut out, &measured(vec![row("dynamic", 2), failed], Vec::new())).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let figures = |line: &Value, names: &[&str]| {
        let figure = |name: &&str| line[*name].as_f64().map(|figure| (figure * 1e6).round() / 1e6);
        names.iter().map(figure).collect::<Vec<_>>()
    };
    let spread = ["p10_s", "median_s", "p90_s", "speedup_p10", "speedup", "speedup_p90"];
    assert_eq!(figures(&lines[0], &spread), [0.3, 0.5, 0.9, 1.2, 2.0, 3.6].map(Some));
    assert_eq!(figures(&lines[0], &["ceiling", "efficiency", "cpu_s"]), [2.5, 0.8, 0.75].map(Some));
    assert_eq!(figures(&lines[0], &["dispatch_ns", "peak_memory_bytes"]), [1_500.0, 3_145_728.0].map(Some));
    assert_eq!((&lines[0]["runs"], &lines[0]["answer"]), (&3.into(), &json!({"count": 7})));
    // What went before a failure is no figure.
    assert_eq!((&lines[1]["runs"], figures(&lines[1], &spread)), (&0.into(), vec![None; 6]));
}

#[test]
fn the_report_marks_the_row_that_is_advised_and_no_other() {
    let page = page(
        measured(vec![row("dynamic", 1), row("dynamic", 2), row("pool", 2)], Vec::new()),
        ("dynamic", 2),
    );
    let marked: Vec<&str> = page.match_indices("class=\"taken\"").map(|(at, _)| &page[at..]).collect();
    assert_eq!(marked.len(), 1);
    assert!(marked[0].starts_with("class=\"taken\" data-mechanism=\"dynamic\" data-workers=\"2\""));
}

#[test]
fn what_a_piece_costs_to_hand_out_is_told_by_the_wall() {
    let costs = Costs { piece: 8e-9, message: 1.0, ..Costs::default() };
    let calibration = Calibration {
        gains: vec![1.0, 2.0],
        wake: 1e-5,
        thread: 1e-5,
        process: None,
        fork: None,
        reading: [1e9; 2],
        pipe: None,
        shared: None,
        limits: Limits { online: None, affinity: None, quota: None, memory: None },
        costs: vec![("stealing", costs)],
        impossible: Vec::new(),
    };
    let machine = Machine { cores: 2, processor: None, system: "Linux".to_owned(), memory: None };
    let calibration = Some(&calibration);
    let page = report::page(&Contents { machine: &machine, gain: 1.9, calibration, all: &[], advice: &[] });
    let row = page.split("a piece, stealing").nth(1).expect("a row").split("</tr>").next().unwrap();
    assert!(row.contains(">4.0 ns<"), "{row}");
}

#[test]
fn code_in_the_advice_is_shown_as_code() {
    let page = page(measured(vec![row("rayon", 2)], Vec::new()), ("rayon", 2));
    assert!(page.contains("One <code>par_iter</code>."), "{page}");
}

#[test]
fn twice_the_memory_is_a_bar_of_twice_the_length() {
    let small = Row { peak_memory: Some(1 << 20), ..row("dynamic", 2) };
    let large = Row { peak_memory: Some(4 << 20), ..row("pool", 2) };
    let page = page(measured(vec![large, small], Vec::new()), ("pool", 2));
    for (width, bytes) in [("25.0", "1.0 MiB"), ("100.0", "4.0 MiB")] {
        let bar = format!("style=\"width:{width}%\"></div></td><td>{bytes}</td>");
        assert!(page.contains(&bar), "{bar}");
    }
}

/// The heights at which the curves have their points; the faster, the smaller.
fn heights(page: &str) -> Vec<i32> {
    let circles = page.split("<circle ").skip(1).map(|circle| circle.split("cy=\"").nth(1).unwrap());
    circles.map(|circle| circle.split('"').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_curve_shows_the_speed_up_and_the_picture_its_share() {
    // The same share of ceilings that differ.
    let mut rows = vec![row("dynamic", 1), row("dynamic", 2)];
    rows[0].shots.iter_mut().for_each(|shot| (shot.seconds, shot.ceiling) = (1.0, 1.25));
    rows[1].shots.iter_mut().for_each(|shot| (shot.seconds, shot.ceiling) = (0.25, 5.0));
    let drawn = measured(rows, Vec::new());
    assert!(report::picture(std::slice::from_ref(&drawn)).contains("80 %"));
    let page = page(drawn, ("dynamic", 2));
    let [slow, fast] = heights(&page)[..] else { panic!("two points") };
    assert!(fast < slow, "{slow} {fast}");
}

#[test]
fn the_picture_has_a_bar_for_each_mechanism_with_its_own_workers() {
    let drawn = measured(vec![row("dynamic", 2), row("dynamic", 4), row("static", 2)], Vec::new());
    let picture = report::picture(std::slice::from_ref(&drawn));
    let bars = |name: &str| picture.matches(&format!(">{name}<")).count();
    assert_eq!(["dynamic x 2", "dynamic x 4", "static x 2", "static"].map(bars), [0, 1, 1, 0]);
    // Where all have as many, that is said once.
    let alike = measured(vec![row("dynamic", 2), row("static", 2)], Vec::new());
    assert!(report::picture(std::slice::from_ref(&alike)).contains(">static<"));
}

#[test]
fn what_is_slower_than_alone_is_drawn_too() {
    let drawn = |seconds: f64| {
        let mut rows = vec![row("dynamic", 1), row("dynamic", 2)];
        rows[0].shots.iter_mut().for_each(|shot| shot.seconds = 1.0);
        rows[1].shots.iter_mut().for_each(|shot| shot.seconds = seconds);
        page(measured(rows, Vec::new()), ("dynamic", 2))
    };
    let slow = drawn(4.0);
    let [alone, quarter] = heights(&slow)[..] else { panic!("two points") };
    assert!(alone < quarter && quarter < 256, "{alone} {quarter}: within the axes");
    assert!(!slow.contains('▼'));
    // So slow that it is a triangle at the edge, and its figure in words.
    let far = drawn(40.0);
    assert_eq!((heights(&far).len(), far.matches("<polygon ").count()), (1, 1));
    assert!(far.contains("dynamic, ▼ 1/40 with 2"));
}

#[test]
fn pieces_lie_where_and_when_they_were_done_and_by_whom() {
    let page = page(measured(vec![row("process-static", 2)], vec![traced("process-static")]), ("pool", 2));
    // From the left: the beginning; a millisecond is all of the width.
    assert!(page.contains("d=\"M0.0 2h5000.0v18h-5000.0z\""));
    assert!(page.contains("d=\"M2500.0 26h7500.0v18h-7500.0z\""));
    for (worker, pid) in [(0, 71), (1, 72)] {
        let name = format!("<div>{worker}<small> ({pid})</small></div>");
        assert!(page.contains(&name), "{name}");
    }
    // The third tile is at the end of the first row, the sixth at the end of the second.
    assert!(page.contains("x=\"100\" y=\"0.0\""));
    assert_eq!(page.matches("x=\"100\"").count(), 2);
}

/// Name, lane, begin and length of each piece; name, both lanes and time of each message; the lanes' names.
fn events(traces: Vec<Trace>) -> Vec<Value> {
    let document = trace::trace(&[measured(Vec::new(), traces)]);
    document["traceEvents"].as_array().unwrap().clone()
}

#[test]
fn a_trace_has_each_piece_on_its_lane_in_microseconds_from_the_first_message_on() {
    let events = events(vec![traced("process-static")]);
    let of = |kind: &str| -> Vec<Value> {
        (events.iter())
            .filter(|event| event["cat"] == kind)
            .map(|event| json!([event["name"], event["tid"], event["ts"], event["dur"]]))
            .collect()
    };
    let expected = [
        json!(["piece 0", 10002, 100.0, 500.0]),
        json!(["piece 1", 10002, 600.0, 250.0]),
        json!(["piece 5", 10002, 900.0, 100.0]),
        json!(["piece 2", 10003, 350.0, 750.0]),
    ];
    assert_eq!(of("piece"), expected);
    // The second begins before the first has ended: it has a lane of its own.
    let expected = [
        json!(["send", 10000, 0.0, 50.0]),
        json!(["send", 10001, 40.0, 20.0]),
        json!(["receive", 10000, 860.0, 10.0]),
        json!(["send", 10000, 870.0, 10.0]),
        json!(["receive", 10000, 1050.0, 10.0]),
        json!(["receive", 10000, 1150.0, 10.0]),
    ];
    assert_eq!(of("call"), expected);
    let names: Vec<&Value> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| &event["args"]["name"])
        .collect();
    assert_eq!(names, ["caller", "caller, lane 2", "worker 0 (process 71)", "worker 1 (process 72)"]);
}

#[test]
fn an_arrow_is_as_long_as_its_message_is_on_its_way() {
    let events = events(vec![traced("process-static"), traced("tcp")]);
    let ends = |phase: &str| -> Vec<Value> {
        (events.iter())
            .filter(|event| event["ph"] == phase && event["pid"] == 1)
            .map(|event| json!([event["id"], event["name"], event["tid"], event["ts"]]))
            .collect()
    };
    // To the first piece of an order, and from the last one of it.
    let expected = [
        json!([1, "send", 10000, 0.0]),
        json!([2, "send", 10001, 40.0]),
        json!([3, "receive", 10002, 849.999]),
        json!([4, "send", 10000, 870.0]),
        json!([5, "receive", 10002, 999.999]),
        json!([6, "receive", 10003, 1099.999]),
    ];
    assert_eq!(ends("s"), expected);
    let expected = [
        json!([1, "send", 10002, 100.0]),
        json!([2, "send", 10003, 350.0]),
        json!([3, "receive", 10000, 860.0]),
        json!([4, "send", 10002, 900.0]),
        json!([5, "receive", 10000, 1050.0]),
        json!([6, "receive", 10000, 1150.0]),
    ];
    assert_eq!(ends("f"), expected);
    // Ids of arrows and lanes are the document's.
    let ids: Vec<u64> =
        events.iter().filter(|event| event["ph"] == "s").map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=12).collect::<Vec<_>>());
    let lanes: HashSet<(u64, u64)> = (events.iter())
        .map(|event| (event["tid"].as_u64().unwrap(), event["pid"].as_u64().unwrap()))
        .collect();
    assert_eq!(lanes.len(), lanes.iter().map(|lane| lane.0).collect::<HashSet<_>>().len());
}

#[test]
fn where_nothing_is_sent_there_is_no_caller() {
    let events = events(vec![Trace { exchanges: Vec::new(), ..traced("dynamic") }]);
    assert!(!events.iter().any(|event| event["ph"] == "s" || event["cat"] == "call"));
    let first = events.iter().find(|event| event["cat"] == "piece").unwrap();
    assert_eq!((&first["tid"], &first["ts"]), (&json!(10001), &json!(0.0)));
}
