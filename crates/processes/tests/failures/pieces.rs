//! A piece that fails, panics, hangs or is too long is an error with its index.

use processes::{Program, frame};
use workload::RunError;

use crate::{
    both,
    scenes::play_within,
    support::{Numbers, Special},
};

pub(crate) fn failing_piece() {
    for bad in [0, 17, 39] {
        for result in both(&Program::this(), &Numbers::with(40, [(bad, Special::Fail)])) {
            match result {
                Err(RunError::Piece { workload: "numbers", piece, why }) => {
                    assert_eq!((piece, why.to_string()), (bad, format!("{bad} is bad")));
                }
                other => panic!("{other:?}"),
            }
        }
        for result in both(&Program::this(), &Numbers::with(40, [(bad, Special::Panic)])) {
            match result {
                Err(RunError::Panicked { workload: "numbers", piece, message }) => {
                    assert_eq!((piece, message), (bad, format!("{bad} is worse")));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

pub(crate) fn hung_and_failed() {
    // Forced, not timed: piece 0 never ends, so the failure can only be noticed while it hangs.
    for result in both(&Program::this(), &Numbers::with(2, [(0, Special::Hang), (1, Special::Fail)])) {
        assert!(matches!(result, Err(RunError::Piece { piece: 1, .. })), "{result:?}");
    }
}

pub(crate) fn too_long() {
    let work = Numbers::with(2, [(1, Special::Large(frame::LIMIT + 1000))]);
    for result in both(&Program::this(), &work) {
        match result {
            Err(RunError::Piece { why, .. }) => assert!(why.to_string().contains("where at most"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn silent_panics() {
    let (output, text) = play_within("panicking");
    assert!(output.status.success());
    assert_eq!(text, "numbers: piece 0 panicked: 0 is worse\n");
}
