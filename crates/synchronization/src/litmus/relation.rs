//! Relations between at most 16 events, as the papers on memory models write them.

/// Row `a` has bit `b` set when `a` is related to `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relation([u16; 16]);

impl Relation {
    /// All pairs of `0..events` for which `related` holds.
    pub(super) fn of(events: usize, related: impl Fn(usize, usize) -> bool) -> Self {
        assert!(events <= 16, "a row is 16 bits");
        let row = |a| (0..events).fold(0, |row, b| if related(a, b) { row | 1 << b } else { row });
        Self(std::array::from_fn(|a| if a < events { row(a) } else { 0 }))
    }

    pub(super) fn has(self, a: usize, b: usize) -> bool {
        self.0[a] & 1 << b != 0
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|a| self.0[a] | other.0[a]))
    }

    /// `self ; other`: from a to c where there is a b between.
    pub(super) fn then(self, other: Self) -> Self {
        Self(self.0.map(|row| {
            (0..16).fold(0, |reached, b| if row & 1 << b != 0 { reached | other.0[b] } else { reached })
        }))
    }

    pub(super) fn inverse(self) -> Self {
        Self::of(16, |a, b| self.has(b, a))
    }

    /// Related in one step or more.
    pub(super) fn closure(self) -> Self {
        let more = self.or(self.then(self));
        if more == self { self } else { more.closure() }
    }

    pub(super) fn is_irreflexive(self) -> bool {
        (0..16).all(|a| !self.has(a, a))
    }

    pub(super) fn is_acyclic(self) -> bool {
        self.closure().is_irreflexive()
    }
}
