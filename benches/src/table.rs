//! Criterion reports each figure by itself; here they stand side by side, as ratios.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde_json::Value;

/// One benchmark as criterion left it on the disk.
struct Figure {
    name: String,
    /// Nanoseconds for one element, or for one run where elements are not counted.
    median: f64,
    low: f64,
    high: f64,
}

/// A table for each group that was measured since `start`.
///
/// # Errors
/// When criterion's files cannot be read.
pub(crate) fn of_reports_since(start: SystemTime) -> io::Result<String> {
    let mut groups: BTreeMap<String, Vec<Figure>> = BTreeMap::new();
    collect(&home()?, start, &mut groups)?;
    Ok(groups.into_iter().map(|(group, figures)| table(&group, figures)).collect())
}

/// Where criterion writes: see its `CRITERION_HOME`, else below the target directory, in which this program is
/// `release/deps/NAME`.
fn home() -> io::Result<PathBuf> {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return Ok(home.into());
    }
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        return Ok(Path::new(&target).join("criterion"));
    }
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    Ok(target.join("criterion"))
}

fn collect(folder: &Path, start: SystemTime, groups: &mut BTreeMap<String, Vec<Figure>>) -> io::Result<()> {
    let (about, estimates) = (folder.join("benchmark.json"), folder.join("estimates.json"));
    if folder.ends_with("new") && about.exists() {
        if fs::metadata(&estimates)?.modified()? >= start {
            let (about, estimates) = (json(&about)?, json(&estimates)?);
            let group = about["group_id"].as_str().unwrap_or_default().to_owned();
            groups.entry(group).or_default().push(figure(&about, &estimates));
        }
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), start, groups)?;
        }
    }
    Ok(())
}

fn json(path: &Path) -> io::Result<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn figure(about: &Value, estimates: &Value) -> Figure {
    let elements = about["throughput"]["Elements"].as_f64().unwrap_or(1.0);
    let median = &estimates["median"];
    let nanoseconds = |value: &Value| value.as_f64().unwrap_or(f64::NAN) / elements;
    let parts = [&about["function_id"], &about["value_str"]].map(|part| part.as_str().unwrap_or_default());
    Figure {
        name: parts.join(" ").trim().to_owned(),
        median: nanoseconds(&median["point_estimate"]),
        low: nanoseconds(&median["confidence_interval"]["lower_bound"]),
        high: nanoseconds(&median["confidence_interval"]["upper_bound"]),
    }
}

fn table(group: &str, mut figures: Vec<Figure>) -> String {
    figures.sort_by(|left, right| left.median.total_cmp(&right.median));
    let fastest = figures.first().map_or(f64::NAN, |figure| figure.median);
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));
    table.load_style(style).set_header([group, "median", "95 % interval", "ratio to the fastest"]);
    for figure in &figures {
        let interval = format!("{} to {}", time(figure.low), time(figure.high));
        let ratio = format!("{:.2}x", figure.median / fastest);
        table.add_row([figure.name.clone(), time(figure.median), interval, ratio]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("\n{table}\n")
}

/// Nanoseconds as people read them.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.3} s", ns / 1e9),
    }
}
