//! A piece that fails, panics, hangs or is too long is an error with its index.

use processes::{Program, frame, process_static};
use workload::{RunError, Timeline};

use crate::{
    both,
    scenes::play_within,
    support::{Numbers, Special},
    two,
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

pub(crate) fn first_of_two() {
    // Both are in the first share: nothing is done behind the first.
    let work = Numbers::with(40, [(3, Special::Fail), (5, Special::Exit(1))]);
    let result = process_static::with_program(&Program::this(), &work, two(), &Timeline::off());
    assert!(matches!(result, Err(RunError::Piece { piece: 3, .. })), "{result:?}");
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
