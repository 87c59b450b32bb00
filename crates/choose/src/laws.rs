//! The laws of speed-up that textbooks draw, fitted to measured points, to show where they miss.
//!
//! - **Amdahl** (1967): a share `s` of the work is never parallel: `N / (1 + s (N - 1))`.
//! - **Gustafson** (1988): work grows with the workers, a share `s` does not: `N - s (N - 1)`.
//! - **Universal scalability law** (Gunther, 1993): contention `s` and crosstalk `k`: `N / (1 + s (N - 1) + k N (N - 1))`.
//!
//! All three are smooth curves in the number of workers. A machine has a knee where its cores are used up, and work
//! that waits has one at C (D + Z) / D: no smooth curve bends there, so that one that fits up to the knee misses beyond.

use serde::Serialize;

/// A law with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Law {
    /// Its serial share.
    Amdahl(f64),
    /// Its serial share.
    Gustafson(f64),
    /// Contention and crosstalk.
    Universal(f64, f64),
}

impl Law {
    /// The speed-up of so many workers.
    pub fn speedup(self, workers: f64) -> f64 {
        let more = workers - 1.0;
        match self {
            Law::Amdahl(serial) => workers / (1.0 + serial * more),
            Law::Gustafson(serial) => workers - serial * more,
            Law::Universal(contention, crosstalk) => {
                workers / (1.0 + contention * more + crosstalk * workers * more)
            }
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Law::Amdahl(_) => "Amdahl",
            Law::Gustafson(_) => "Gustafson",
            Law::Universal(..) => "universal",
        }
    }
}

/// The three, fitted by least squares to points of workers and speed-up.
///
/// Amdahl and the universal law are linear in their parameters when written as `N / S - 1`; Gustafson's is as it is.
/// Parameters that would be negative are 0: these laws know no gain beyond N. Amdahl's and Gustafson's is a share of the
/// work, so at most 1: they know no loss below one worker either.
pub fn fit(points: &[(f64, f64)]) -> [Law; 3] {
    let mut sums = [0.0; 5];
    let mut gustafson = [0.0; 2];
    for &(workers, speedup) in points.iter().filter(|(workers, speedup)| *workers > 1.0 && *speedup > 0.0) {
        let (a, b, y) = (workers - 1.0, workers * (workers - 1.0), workers / speedup - 1.0);
        for (sum, term) in sums.iter_mut().zip([a * a, a * b, b * b, a * y, b * y]) {
            *sum += term;
        }
        gustafson[0] += a * a;
        gustafson[1] += a * (workers - speedup);
    }
    let [aa, ab, bb, ay, by] = sums;
    let over = |top: f64, below: f64| if below > 0.0 { (top / below).max(0.0) } else { 0.0 };
    let determinant = aa * bb - ab * ab;
    let universal = if determinant > 1e-9 * aa * bb {
        let (contention, crosstalk) = ((ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant);
        // Least squares within what the law allows: if one would be negative, the other alone.
        match (contention < 0.0, crosstalk < 0.0) {
            (false, false) => (contention, crosstalk),
            (true, _) => (0.0, over(by, bb)),
            (false, true) => (over(ay, aa), 0.0),
        }
    } else {
        (over(ay, aa), 0.0)
    };
    [
        Law::Amdahl(over(ay, aa).min(1.0)),
        Law::Gustafson(over(gustafson[1], gustafson[0]).min(1.0)),
        Law::Universal(universal.0, universal.1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_workers_only_hinder_all_of_it_is_serial() {
        let [amdahl, gustafson, universal] = fit(&[(1.0, 1.0), (2.0, 0.1), (4.0, 0.1)]);
        assert_eq!((amdahl, gustafson), (Law::Amdahl(1.0), Law::Gustafson(1.0)));
        assert!(universal.speedup(4.0) < 0.2, "{universal:?}");
    }

    fn points(law: Law) -> Vec<(f64, f64)> {
        [1.0, 2.0, 4.0, 8.0].map(|workers| (workers, law.speedup(workers))).to_vec()
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn each_law_finds_its_own_parameters_again() {
        let [Law::Amdahl(serial), ..] = fit(&points(Law::Amdahl(0.1))) else { unreachable!() };
        assert!(close(serial, 0.1));
        let [_, Law::Gustafson(serial), _] = fit(&points(Law::Gustafson(0.2))) else { unreachable!() };
        assert!(close(serial, 0.2));
        let [.., Law::Universal(contention, crosstalk)] = fit(&points(Law::Universal(0.05, 0.01))) else {
            unreachable!()
        };
        assert!(close(contention, 0.05) && close(crosstalk, 0.01));
    }

    #[test]
    fn what_is_perfect_up_to_the_knee_is_perfect_for_ever() {
        for law in fit(&[(1.0, 1.0), (2.0, 2.0)]) {
            assert!(close(law.speedup(8.0), 8.0), "{law:?}");
        }
    }

    #[test]
    fn no_points_and_gains_beyond_the_workers_are_no_losses() {
        for law in fit(&[]).into_iter().chain(fit(&[(2.0, 2.2), (4.0, 4.4)])) {
            assert!(close(law.speedup(4.0), 4.0), "{law:?}");
        }
    }
}
