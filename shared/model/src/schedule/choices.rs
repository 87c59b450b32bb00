//! Which way a run goes where it could go several: a beginning that was given, and then the first option.

/// The choices of one run: a given beginning, then always the first option, which is to let the thread that runs
/// go on.
#[derive(Default)]
pub(super) struct Choices {
    pub(super) given: Vec<u8>,
    pub(super) taken: Vec<u8>,
    /// Preemptions (and spurious wake-ups) so far.
    pub(super) cost: usize,
    /// What could have been chosen after the given beginning: where, which option, and the cost until there.
    pub(super) others: Vec<(usize, u8, usize)>,
}

impl Choices {
    pub(super) fn given(given: Vec<u8>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Chooses one of the options, of which each has its cost. `None` if the given choice is not there: the
    /// program did something else than in the run before.
    pub(super) fn choose(&mut self, costs: &[usize]) -> Option<usize> {
        let at = self.taken.len();
        let choice = match self.given.get(at) {
            Some(&given) => given,
            None => {
                let others = costs.iter().enumerate().skip(1);
                self.others.extend(others.map(|(option, cost)| (at, option as u8, self.cost + cost)));
                0
            }
        };
        self.cost += costs.get(usize::from(choice))?;
        self.taken.push(choice);
        Some(choice.into())
    }
}
