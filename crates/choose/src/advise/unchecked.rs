//! Work whose pieces take so long that no run of them could be checked in the time there is: predicted from its trace
//! alone, which nobody should take for more.

use workload::{Mechanism, Workload};

use super::order::{Cost, Traced};
use crate::{
    calibrate::Calibration,
    counsel,
    foresee::{Foreseen, alone, take},
    predict::outlook,
    record::{Piece, Recorded},
    row::Measured,
};

/// Predicts `mechanisms` with up to `room` workers. Pieces that were not traced are taken to be like those that were.
pub(super) fn unchecked<W: Workload>(
    traced: &Traced,
    costs: &[Cost],
    mechanisms: &[Mechanism<W>],
    calibration: &Calibration,
    room: usize,
) -> Foreseen {
    let piece =
        |cost: &Cost| Piece { cpu: cost.cpu, wait: cost.wait, width: 1.0, count: 1, ..Piece::default() };
    let pieces = costs.iter().map(piece).cycle().take(traced.pieces).collect();
    let recorded = Recorded { pieces, ran: costs.len(), wall: traced.wall, ..Recorded::default() };
    let cores = calibration.gains.len();
    let known: Vec<_> = (calibration.costs.iter().copied())
        .filter(|(name, _)| mechanisms.iter().any(|mechanism| mechanism.name == *name))
        .collect();
    // On a machine that is busy for the moment the choice is made for the one that it is when it is quiet.
    let ideal: Vec<f64> = (1..=cores).map(|count| count as f64).collect();
    let gains = if calibration.noise().is_none() { &calibration.gains } else { &ideal };
    let outlook = outlook(&recorded, gains, &[cores, 2 * cores], &known).within(room);
    let waits = recorded.waiting() > 0.25 * recorded.demand();
    let measured = Measured {
        workload: W::NAME,
        waits,
        rows: vec![alone(&recorded, None)],
        uneven: Some(traced.uneven),
        traces: Vec::new(),
    };
    let taken = take(&outlook, waits);
    let mut foreseen = Foreseen::of(recorded, outlook, measured);
    foreseen.advice = Some(match taken {
        Some(taken) => counsel::take(&foreseen, &taken, calibration, mechanisms),
        None => counsel::sequential(&foreseen, calibration),
    });
    foreseen
}
