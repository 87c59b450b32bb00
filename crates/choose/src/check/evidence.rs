//! Of what kind an error is, from what was seen beside it.

use super::TOLERATED;

/// What an error is judged by. Seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub(super) predicted: f64,
    /// The median.
    pub(super) measured: f64,
    /// The fastest run.
    pub(super) fastest: f64,
    /// Processor time that a run took.
    pub(super) burned: f64,
    /// Processor time that the pieces and the start of workers take alone.
    pub(super) own: f64,
    /// What starting workers takes.
    pub(super) starting: f64,
    /// Processor time of a server on the same cores.
    pub(super) asks: f64,
    /// Processor time of all pieces, the server's too.
    pub(super) demand: f64,
    /// How many cores the workers could use.
    pub(super) cores: f64,
    /// Whether other processes used the cores.
    pub(super) disturbed: bool,
}

impl Evidence {
    /// In a few words.
    pub(super) fn kind(&self) -> &'static str {
        let Self { predicted, measured, burned, own, .. } = *self;
        if measured < predicted {
            return if burned < own / 1.1 {
                "less processor time than alone: pieces were recorded while something else disturbed them"
            } else {
                "faster than its recorded pieces: others were in the way when these were recorded"
            };
        }
        if self.disturbed {
            return "others used the cores meanwhile";
        }
        if self.starting > 0.3 * predicted {
            return "start-up: starting workers is a large part of it";
        }
        if self.asks > 0.1 * self.demand {
            return "the server on the same cores";
        }
        if self.fastest * (1.0 + TOLERATED) < measured && self.fastest < 1.15 * predicted {
            return "others used the cores meanwhile: the fastest run was as predicted";
        }
        if burned > 1.15 * own {
            return "bandwidth or false sharing: the same pieces take more processor time side by side";
        }
        if burned / (measured * self.cores) < 0.85 {
            "a lock: workers wait for each other while cores are idle"
        } else {
            "the cores gave less than they did a moment ago"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work of a second on two cores that should take half of one and takes all of it, with nothing to explain it.
    const SLOW: Evidence = Evidence {
        predicted: 0.5,
        measured: 1.0,
        fastest: 1.0,
        burned: 2.0,
        own: 2.0,
        starting: 0.0,
        asks: 0.0,
        demand: 2.0,
        cores: 2.0,
        disturbed: false,
    };

    #[test]
    fn each_kind_of_error_has_its_own_evidence() {
        let kinds = [
            // Pieces take no more processor time than alone, and half of the cores' is not used.
            ("a lock", Evidence { burned: 1.0, own: 1.0, ..SLOW }),
            ("bandwidth or false sharing", Evidence { own: 1.0, ..SLOW }),
            ("start-up", Evidence { starting: 0.2, ..SLOW }),
            ("the server on the same cores", Evidence { asks: 0.5, ..SLOW }),
            ("others used the cores meanwhile", Evidence { disturbed: true, ..SLOW }),
            ("others used the cores meanwhile: the fastest", Evidence { fastest: 0.5, ..SLOW }),
            ("the cores gave less", SLOW),
            ("less processor time than alone", Evidence { measured: 0.4, burned: 1.0, ..SLOW }),
            ("faster than its recorded pieces", Evidence { measured: 0.4, ..SLOW }),
        ];
        for (kind, evidence) in kinds {
            assert!(evidence.kind().starts_with(kind), "{kind}: {}", evidence.kind());
        }
    }
}
