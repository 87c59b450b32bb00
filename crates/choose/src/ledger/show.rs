//! The ledger, for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Line, Tried, Verdict};

const BOLD: Style = Style::new().bold();

pub(super) fn json(out: &mut dyn Write, lines: &[Line]) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{}", serde_json::to_string(line)?)?;
    }
    out.flush()
}

pub(super) fn people(out: &mut dyn Write, lines: &[Line]) -> io::Result<()> {
    for Line { statement, rust, python, lesson } in lines {
        writeln!(out, "{BOLD}{statement}{BOLD:#}")?;
        tried(out, "Rust", rust)?;
        tried(out, "Python", python)?;
        writeln!(out, "  {lesson}\n")?;
    }
    out.flush()
}

fn tried(out: &mut dyn Write, language: &str, Tried { verdict, said, .. }: &Tried) -> io::Result<()> {
    let (word, colour) = match verdict {
        Verdict::Held => ("held", AnsiColor::Green),
        Verdict::Refined => ("refined", AnsiColor::Cyan),
        Verdict::Refuted => ("refuted", AnsiColor::Red),
        Verdict::NotJudged => ("not judged", AnsiColor::Yellow),
    };
    let colour = colour.on_default();
    writeln!(out, "  {language:7}{colour}{word:11}{colour:#}{said}")
}
