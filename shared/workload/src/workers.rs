//! How many work at once.

use std::{num::NonZeroUsize, str::FromStr, thread};

use crate::RunError;

/// A number of workers that makes sense: between 1 and [`Workers::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workers(NonZeroUsize);

impl Workers {
    /// More than any machine of today gains from; below the limits that systems set by default.
    pub const MOST: usize = 4096;

    /// One worker.
    pub const ONE: Workers = Workers(NonZeroUsize::MIN);

    /// `count` workers.
    ///
    /// # Errors
    /// [`RunError::Workers`] for 0 and for more than [`Workers::MOST`].
    pub fn new(count: usize) -> Result<Self, RunError> {
        match NonZeroUsize::new(count) {
            Some(some) if count <= Self::MOST => Ok(Self(some)),
            _ => Err(RunError::Workers { asked: count, most: Self::MOST }),
        }
    }

    /// One for each core that this process may use (affinity and cgroup quota counted), or one where the
    /// system does not say.
    pub fn cores() -> Self {
        Self(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0.get()
    }

    /// This many, but no more than there are `pieces`; at least one.
    pub fn at_most(self, pieces: usize) -> usize {
        self.get().min(pieces.max(1))
    }
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.parse::<usize>().map_err(|error| format!("{error}"))?;
        Self::new(count).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_none_and_absurdly_many() {
        for absurd in ["0", "4097", "-1", "many", "99999999999999999999"] {
            assert!(absurd.parse::<Workers>().is_err(), "{absurd}");
        }
        assert_eq!("4096".parse::<Workers>().unwrap().get(), 4096);
    }

    #[test]
    fn no_more_workers_than_pieces_but_one() {
        let four = Workers::new(4).unwrap();
        assert_eq!([four.at_most(9), four.at_most(3), four.at_most(0)], [4, 3, 1]);
    }
}
