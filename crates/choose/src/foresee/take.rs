//! Which mechanism to take, of those that were predicted and those that were measured.

use super::Foreseen;
use crate::{
    check::TOLERATED,
    predict::{Outlook, Predicted},
    recommend::{BAND, WORTH, order},
    row::{Row, SEQUENTIAL, Shot},
};

/// What was predicted is equal within this. Less than what measurements need ([`BAND`]), as all of it comes from one recorded
/// run. The figure is set by what was seen of our own five kinds of work on two cores: mechanisms that are alike lie
/// within 3 % there, and at 8 % the advice for `words` changed from run to run, as rayon lies 8 to 15 % behind.
const EQUAL: f64 = 0.06;

/// The simplest mechanism that is predicted to be about as fast as the fastest, with the fewest workers that are.
/// `None` if nothing is worth a second thread.
pub(crate) fn take(outlook: &Outlook, waits: bool) -> Option<Predicted> {
    let best = outlook.best()?.seconds;
    if outlook.alone < WORTH * best {
        return None;
    }
    let rank =
        |one: &Predicted| order(waits).iter().position(|name| *name == one.mechanism).unwrap_or(usize::MAX);
    let equals = outlook.all.iter().filter(|one| one.workers > 1 && one.seconds <= best * (1.0 + EQUAL));
    equals.min_by_key(|one| (rank(one), one.workers)).cloned()
}

/// A prediction may be wrong by so much and still holds; so does the choice that rests on it.
pub(super) const HOLDS: f64 = TOLERATED;
/// On a machine that others use, what is faster by less than this may be so by chance.
pub(super) const CLEARLY: f64 = 0.3;

/// What was measured has the last word: another one of those measured, if it is faster by more than `band`; none, if the
/// one to take gains nothing.
pub(super) fn confirm(foreseen: &Foreseen, taken: Predicted, band: f64) -> Option<Predicted> {
    let speedup = |row: &Row| row.samples(Shot::speedup).median();
    let rows = || foreseen.measured.rows.iter().filter(|row| row.counts() && row.mechanism != SEQUENTIAL);
    let best = rows().max_by(|a, b| speedup(a).total_cmp(&speedup(b)))?;
    if speedup(best) < WORTH {
        return None;
    }
    let order = order(foreseen.measured.waits);
    let rank = |row: &Row| order.iter().position(|name| *name == row.mechanism).unwrap_or(usize::MAX);
    let mine = rows().find(|row| row.mechanism == taken.mechanism && row.workers == taken.workers);
    // Clearly beaten is who is so in its better runs too: advice must not change with every breath of the machine.
    let at_best = |row: &Row| row.samples(Shot::speedup).quantile(0.75);
    if mine.is_some_and(|mine| at_best(mine) * (1.0 + band) >= speedup(best)) {
        return Some(taken);
    }
    let equals = rows().filter(|row| speedup(row) * (1.0 + BAND) >= speedup(best));
    let simplest = equals.min_by_key(|row| (rank(row), row.workers))?;
    let (mechanism, workers) = (simplest.mechanism, simplest.workers);
    let seconds = foreseen.outlook.of(mechanism, workers)?;
    Some(Predicted { mechanism, workers, seconds })
}

#[cfg(test)]
mod tests {
    use super::{super::made_up::row, *};
    use crate::{record::Recorded, row::Measured};

    fn predicted(mechanism: &'static str, workers: usize, seconds: f64) -> Predicted {
        Predicted { mechanism, workers, seconds }
    }

    fn outlook(all: &[Predicted]) -> Outlook {
        Outlook { alone: 1.0, best_workers: 2, all: all.to_vec() }
    }

    #[test]
    fn of_equals_the_simplest_with_the_fewest_workers_and_none_where_little_is_gained() {
        let equals = [
            predicted("pool", 2, 0.5),
            predicted("rayon", 4, 0.51),
            predicted("rayon", 2, 0.52),
            // First by order, but behind by 7 %.
            predicted("dynamic", 2, 0.535),
        ];
        assert_eq!(take(&outlook(&equals), false), Some(predicted("rayon", 2, 0.52)));
        assert_eq!(take(&outlook(&[predicted("dynamic", 2, 0.95)]), false), None);
        assert_eq!(take(&outlook(&[]), false), None);
    }

    fn confirmed(rows: Vec<Row>) -> Option<Predicted> {
        let taken = predicted("dynamic", 2, 0.5);
        let outlook = outlook(&[taken.clone(), predicted("pool", 2, 0.6), predicted("stealing", 2, 0.7)]);
        let (workload, traces) = ("made-up", Vec::new());
        let measured = Measured { workload, waits: false, rows, uneven: None, traces };
        confirm(&Foreseen::of(Recorded::default(), outlook, measured), taken, HOLDS)
    }

    #[test]
    fn what_was_measured_has_the_last_word() {
        let all = |dynamic, pool, stealing| {
            vec![row("dynamic", 2, dynamic), row("pool", 2, pool), row("stealing", 2, stealing)]
        };
        // Within what a prediction may be wrong by.
        assert_eq!(confirmed(all(0.57, 0.5, 0.5)), Some(predicted("dynamic", 2, 0.5)));
        // Clearly slower than two that are alike: the simpler of these.
        assert_eq!(confirmed(all(0.8, 0.51, 0.5)), Some(predicted("pool", 2, 0.6)));
        assert_eq!(confirmed(all(0.99, 0.95, 0.97)), None);
    }
}
