//! What a lesson tells, while it runs.

use std::{fmt::Debug, fs, io, path::PathBuf, time::Duration};

use crate::{
    Bound, Claim, Lesson, Played,
    print::Printer,
    scene,
    timed::{self, Judged},
};

/// Through this a lesson speaks: what it does, what it sees, what it claims.
pub struct Story<'a> {
    pub(crate) lesson: &'a Lesson,
    pub(crate) printer: Printer<'a>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) workers: usize,
    pub(crate) seed: u64,
    pub(crate) untimed: bool,
    pub(crate) explain: bool,
    pub(crate) svg: Option<PathBuf>,
}

impl Story<'_> {
    /// `--workers`, or the number of cores.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// `--seed`, or 1: whatever is random in a lesson comes from it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether claims about time are judged at all: `false` under `--untimed`.
    pub fn is_timed(&self) -> bool {
        !self.untimed
    }

    /// Whether drawings are to be explained step by step: `--explain`.
    pub fn explains(&self) -> bool {
        self.explain
    }

    /// Under `--svg DIR` writes the picture that `svg` draws to `DIR/LESSON-NAME.svg`, and makes the directory if
    /// it is not there; otherwise draws nothing.
    ///
    /// # Errors
    /// When the file cannot be written; the error names it.
    pub fn picture(&self, name: &str, svg: impl FnOnce() -> String) -> io::Result<()> {
        let Some(directory) = &self.svg else { return Ok(()) };
        let path = directory.join(format!("{}-{name}.svg", self.lesson.name));
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, svg()))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// A paragraph: what is done, what was seen. For people only.
    pub fn say(&mut self, text: impl AsRef<str>) {
        self.printer.paragraph(text.as_ref());
    }

    /// Lines that keep their form: a table, a drawing, a program's output. For people only.
    pub fn show(&mut self, lines: impl AsRef<str>) {
        self.printer.verbatim(lines.as_ref());
    }

    /// Claims that `text` is so: `expected` should be seen, `observed` was, and the caller says if that holds.
    pub fn claim(
        &mut self,
        text: impl Into<String>,
        expected: impl Into<String>,
        observed: impl Into<String>,
        holds: bool,
    ) {
        self.add(text, expected, observed, Some(holds));
    }

    /// Claims that `observed` equals `expected`.
    pub fn equal<T: PartialEq + Debug>(&mut self, text: impl Into<String>, expected: T, observed: T) {
        let holds = expected == observed;
        self.claim(text, format!("{expected:?}"), format!("{observed:?}"), holds);
    }

    /// A claim that cannot be judged here, and why.
    pub fn skip(&mut self, text: impl Into<String>, expected: impl Into<String>, why: impl AsRef<str>) {
        self.add(text, expected, format!("skipped: {}", why.as_ref()), None);
    }

    /// Claims something about time, as a ratio that `measure` takes side by side in this run.
    ///
    /// With `cores` of 2 or more the claim needs that many cores that really run at once: a pure kernel is
    /// timed on one thread and on all, before and after, and where it does not gain what it should the machine
    /// is not quiet and the claim is skipped. With 1 it needs one core whole: the same kernel must get nine tenths of
    /// the time that passes as processor time. With 0 it is judged whatever else runs. A ratio that fails is measured a second time, and both are
    /// reported. Returns the ratio, `None` if the claim was skipped.
    pub fn timed(
        &mut self,
        text: impl Into<String>,
        bound: Bound,
        cores: usize,
        mut measure: impl FnMut() -> f64,
    ) -> Option<f64> {
        self.timed_all([(text.into(), bound)], cores, || [measure()]).map(|[ratio]| ratio)
    }

    /// The same for several claims that one measurement answers.
    pub fn timed_all<const N: usize>(
        &mut self,
        claims: [(String, Bound); N],
        cores: usize,
        measure: impl FnMut() -> [f64; N],
    ) -> Option<[f64; N]> {
        let judged = if self.untimed {
            Judged::Skipped("time is not judged under --untimed".to_owned())
        } else {
            timed::judge(claims.each_ref().map(|(_, bound)| *bound), cores, measure)
        };
        match judged {
            Judged::Skipped(why) => {
                for (text, bound) in claims {
                    self.skip(text, bound.to_string(), &why);
                }
                None
            }
            Judged::Measured { ratios, first } => {
                for (index, (text, bound)) in claims.into_iter().enumerate() {
                    let mut observed = format!("{:.2}x", ratios[index]);
                    if let Some(first) = first {
                        observed.push_str(&format!(" (at the first try {:.2}x)", first[index]));
                    }
                    self.claim(text, bound.to_string(), observed, bound.holds(ratios[index]));
                }
                Some(ratios)
            }
        }
    }

    /// Plays one of the lesson's scenes in a process of its own, killed after `within`.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn play(&self, scene: &str, within: Duration) -> io::Result<Played> {
        scene::play(self.lesson.name, scene, within)
    }

    /// As [`play`](Self::play), to be called later: inside of [`timed`](Self::timed), say, where the story is in use.
    pub fn player(&self, scene: &'static str, within: Duration) -> impl Fn() -> io::Result<Played> + use<> {
        let lesson = self.lesson.name;
        move || scene::play(lesson, scene, within)
    }

    fn add(
        &mut self,
        text: impl Into<String>,
        expected: impl Into<String>,
        observed: impl Into<String>,
        holds: Option<bool>,
    ) {
        let claim = Claim { text: text.into(), expected: expected.into(), observed: observed.into(), holds };
        self.printer.claim(&claim);
        self.claims.push(claim);
    }
}
