//! How a story looks: for people as text, for programs as nothing but JSON lines.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::{Claim, Lesson};

/// Columns of a paragraph.
const WIDTH: usize = 100;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default();

/// What is wanted on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The whole story.
    Story,
    /// Only claims that do not hold, and the sum.
    Quiet,
    /// One object a lesson.
    Json,
}

/// Writes to stdout, or to what a test reads.
pub(crate) struct Printer<'a> {
    out: &'a mut dyn Write,
    form: Form,
    /// The first thing that went wrong with `out`: a reader who has gone away, a full disk.
    pub(crate) failed: Option<io::Error>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, form: Form) -> Self {
        Self { out, form, failed: None }
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    fn line(&mut self, line: &str) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{line}").and_then(|()| self.out.flush())
        {
            self.failed = Some(error);
        }
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => self.line(&line),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    pub(crate) fn title(&mut self, concept: &str, lesson: &Lesson) {
        if self.form == Form::Story {
            self.line(&format!("{BOLD}{concept}: {}{BOLD:#}", lesson.name));
            self.line(lesson.question);
            if !lesson.python.is_empty() {
                self.line(&format!("{DIM}in Python: {}{DIM:#}", lesson.python.join(", ")));
            }
            self.line("");
        }
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        if self.form == Form::Story {
            for line in wrap(text, WIDTH - 2) {
                self.line(&format!("  {line}"));
            }
            self.line("");
        }
    }

    pub(crate) fn verbatim(&mut self, lines: &str) {
        if self.form == Form::Story {
            for line in lines.lines() {
                self.line(format!("    {line}").trim_end());
            }
            self.line("");
        }
    }

    pub(crate) fn claim(&mut self, claim: &Claim) {
        let (style, mark) = match claim.holds {
            Some(true) => (GOOD, "✓"),
            Some(false) => (BAD, "✗"),
            None => (OPEN, "–"),
        };
        let shown = match self.form {
            Form::Story => true,
            Form::Quiet => claim.holds == Some(false),
            Form::Json => false,
        };
        if shown {
            for (index, line) in wrap(&claim.text, WIDTH - 4).into_iter().enumerate() {
                let mark = if index == 0 { mark } else { " " };
                self.line(&format!("  {style}{mark}{style:#} {line}"));
            }
            let seen = if claim.expected == claim.observed {
                format!("seen: {}", claim.observed)
            } else {
                format!("expected: {}; seen: {}", claim.expected, claim.observed)
            };
            for line in wrap(&seen, WIDTH - 6) {
                self.line(&format!("      {DIM}{line}{DIM:#}"));
            }
        }
    }

    /// An empty line between stories.
    pub(crate) fn gap(&mut self) {
        if self.form == Form::Story {
            self.line("");
        }
    }

    pub(crate) fn list(&mut self, lessons: &[Lesson]) {
        let width = lessons.iter().map(|lesson| lesson.name.len()).max().unwrap_or(0);
        for lesson in lessons {
            self.line(&format!("{BOLD}{:width$}{BOLD:#}  {}", lesson.name, lesson.question));
        }
    }

    pub(crate) fn sum(&mut self, concept: &str, claims: &[Claim]) {
        if self.form != Form::Json {
            let count = |state| claims.iter().filter(|claim| claim.holds == state).count();
            let (held, failed, skipped) = (count(Some(true)), count(Some(false)), count(None));
            let style = if failed > 0 { BAD } else { GOOD };
            self.line(&format!(
                "{style}{concept}: {held} claims hold, {failed} do not, {skipped} skipped{style:#}"
            ));
        }
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
        }
        used += long;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurable", 3), ["immeasurable"]);
    }
}
