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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_line_with_its_own_word() {
        let tried = |verdict, said: &str| Tried { verdict, figure: None, said: said.to_owned() };
        let lines = [
            Line {
                statement: "one",
                rust: tried(Verdict::Refuted, "in Rust"),
                python: tried(Verdict::Held, "in Python"),
                lesson: "see one",
            },
            Line {
                statement: "two",
                rust: tried(Verdict::Refined, "half"),
                python: tried(Verdict::NotJudged, "no python3"),
                lesson: "see two",
            },
        ];
        let mut out = anstream::StripStream::new(Vec::new());
        people(&mut out, &lines).unwrap();
        let text = "one\n  Rust   refuted    in Rust\n  Python held       in Python\n  see one\n\n\
                    two\n  Rust   refined    half\n  Python not judged no python3\n  see two\n\n";
        assert_eq!(str::from_utf8(&out.into_inner()).unwrap(), text);
    }
}
