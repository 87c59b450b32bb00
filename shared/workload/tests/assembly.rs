//! Whatever the order in which parts come back, the answer is the one of the order of the pieces.

use std::{ops::Range, thread};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use workload::{Assembly, Gather, Job, PieceError, RunError, Stretch, Timeline, Workload};

/// The text `0,1,2,...`: the order of its parts shows in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Text {
    pieces: usize,
}

impl Workload for Text {
    const NAME: &'static str = "text";
    type Piece = usize;
    type Part = String;

    fn pieces(&self) -> Result<Vec<usize>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, piece: &usize) -> Result<String, PieceError> {
        Ok(format!("{piece},"))
    }

    fn combine(&self, left: &mut String, right: String) {
        assert!(!right.contains('!'), "a part that cannot be combined");
        left.push_str(&right);
    }
}

fn text(pieces: Range<usize>) -> String {
    pieces.map(|piece| format!("{piece},")).collect()
}

/// Stretches that cover `0..n`, in any order.
fn shuffled() -> impl Strategy<Value = Vec<Range<usize>>> {
    prop::collection::vec(1..5_usize, 0..40).prop_flat_map(|lengths| {
        let mut start = 0;
        let stretches = lengths.iter().map(|length| {
            start += length;
            start - length..start
        });
        Just(stretches.collect::<Vec<_>>()).prop_shuffle()
    })
}

fn total(stretches: &[Range<usize>]) -> usize {
    stretches.iter().map(Range::len).sum()
}

proptest! {
    #[test]
    fn any_order_gives_the_order_of_the_pieces(stretches in shuffled()) {
        let pieces = total(&stretches);
        let workload = Text { pieces };
        let mut assembly = Assembly::new(&workload);
        for (count, stretch) in stretches.iter().enumerate() {
            assembly.add_run(stretch.clone(), text(stretch.clone()));
            prop_assert_eq!(assembly.done(), total(&stretches[..=count]));
        }
        prop_assert_eq!(assembly.finish(pieces).unwrap(), text(0..pieces));
    }

    #[test]
    fn a_missing_or_a_doubled_stretch_is_no_answer(
        stretches in shuffled(), which in any::<prop::sample::Index>(), missing in any::<bool>()
    ) {
        prop_assume!(!stretches.is_empty());
        let pieces = total(&stretches);
        let workload = Text { pieces };
        let mut assembly = Assembly::new(&workload);
        let odd = which.index(stretches.len());
        for (index, stretch) in stretches.iter().enumerate() {
            for _ in 0..if index != odd { 1 } else if missing { 0 } else { 2 } {
                assembly.add_run(stretch.clone(), text(stretch.clone()));
            }
        }
        let incomplete = matches!(assembly.finish(pieces), Err(RunError::Incomplete { .. }));
        prop_assert!(incomplete);
    }

    #[test]
    fn many_threads_give_the_same(stretches in shuffled(), threads in 1..5_usize) {
        let pieces = total(&stretches);
        let workload = Text { pieces };
        let timeline = Timeline::off();
        let job = Job::cut(&workload, &timeline).unwrap();
        let gather = Gather::new(&job);
        thread::scope(|scope| {
            for share in stretches.chunks(stretches.len().div_ceil(threads).max(1)) {
                scope.spawn(|| share.iter().for_each(|pieces| {
                    gather.add(Stretch { pieces: pieces.clone(), part: text(pieces.clone()) });
                }));
            }
        });
        prop_assert_eq!(gather.finish().unwrap(), text(0..pieces));
    }
}

#[test]
fn what_touches_comes_out_and_nothing_else() {
    let workload = Text { pieces: 9 };
    let mut assembly = Assembly::new(&workload);
    let stretch = |pieces: Range<usize>| Stretch { part: text(pieces.clone()), pieces };
    assert!(assembly.offer(stretch(3..5)).is_none());
    assert!(assembly.offer(stretch(0..2)).is_none());
    let (left, right) = assembly.offer(stretch(2..3)).unwrap();
    assert_eq!((left.pieces, right.pieces), (0..2, 2..3));
    assert_eq!(assembly.done(), 2, "only 3..5 is still in it");
}

#[test]
fn of_several_errors_the_lowest_piece_is_told_and_all_are_to_stop() {
    let workload = Text { pieces: 9 };
    let timeline = Timeline::off();
    let job = Job::cut(&workload, &timeline).unwrap();
    let gather = Gather::new(&job);
    assert!(!gather.is_stopped());
    for piece in [5, 2, 7] {
        gather.take(piece, Err(RunError::Piece { workload: "text", piece, why: PieceError::new("torn") }));
    }
    assert!(gather.is_stopped());
    assert_eq!(gather.finish().unwrap_err().piece(), Some(2));
}

#[test]
fn a_panic_while_combining_is_an_error() {
    let workload = Text { pieces: 2 };
    let timeline = Timeline::off();
    let job = Job::cut(&workload, &timeline).unwrap();
    let gather = Gather::new(&job);
    gather.take(0, Ok("0,".to_owned()));
    gather.take(1, Ok("!".to_owned()));
    let error = gather.finish().unwrap_err();
    assert_eq!(error.to_string(), "text: piece 1 panicked: a part that cannot be combined");
}
