//! Predictions of hand-made runs that can be computed on paper.

use super::*;
use crate::record::{Fresh, Half, Piece};

const TWO: [f64; 2] = [1.0, 2.0];
const FREE: Costs =
    Costs { fixed: 0.0, serial: 0.0, parallel: 0.0, piece: 0.0, message: 0.0, byte: 0.0, wake: 0.0 };
const ALL: [Form; 8] = [
    Form::Static,
    Form::Dealt,
    Form::Dynamic,
    Form::Stealing,
    Form::Rayon,
    Form::Pool,
    Form::ProcessStatic,
    Form::ProcessDynamic,
];

fn piece(cpu: f64, wait: f64, asks: f64) -> Piece {
    Piece { cpu, wait, asks, width: 1.0, count: 1, ..Piece::default() }
}

fn run(pieces: impl IntoIterator<Item = Piece>) -> Recorded {
    let pieces: Vec<Piece> = pieces.into_iter().collect();
    Recorded { ran: pieces.len(), pieces, ..Recorded::default() }
}

/// Seven pieces of work that computes, waits, and asks a server, all different.
fn mixed() -> Recorded {
    run((1..=7).map(|n| piece(f64::from(n), f64::from(8 - n), f64::from(n) / 10.0)))
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * right.abs().max(1.0)
}

#[test]
fn one_worker_without_costs_takes_as_long_as_was_recorded() {
    for form in ALL {
        let predicted = predict(&mixed(), form, 1, &TWO, &FREE);
        assert!(close(predicted, mixed().alone()), "{form:?} {predicted}");
    }
    assert!(close(mixed().alone(), 56.0));
}

#[test]
fn nothing_is_faster_than_its_cores_nor_than_its_longest_piece() {
    for form in ALL {
        for workers in 1..=9 {
            let predicted = predict(&mixed(), form, workers, &TWO, &FREE);
            assert!(predicted >= mixed().demand() / 2.0 - 1e-9, "{form:?} x {workers}: {predicted}");
            assert!(predicted >= mixed().longest() - 1e-9, "{form:?} x {workers}: {predicted}");
            let by_workers = mixed().alone() / workers as f64;
            assert!(predicted >= by_workers - 1e-9, "{form:?} x {workers}: {predicted}");
        }
    }
}

#[test]
fn rules_differ_on_pieces_that_differ() {
    let run = run([4.0, 3.0, 1.0, 1.0, 1.0].map(|cpu| piece(cpu, 0.0, 0.0)));
    let seconds = |form| predict(&run, form, 2, &TWO, &FREE);
    // 4 + 3 against 1 + 1 + 1; 4 + 1 + 1 against 3 + 1; whoever is free: 4 and 3, then 1 to the second, and so on.
    assert!(close(seconds(Form::Static), 7.0));
    assert!(close(seconds(Form::Dealt), 6.0));
    assert!(close(seconds(Form::Dynamic), 5.0));
    assert!(close(seconds(Form::ProcessStatic), 7.0));
    // The second worker has done its three after 3 and takes the other's 3.
    assert!(close(seconds(Form::Stealing), 6.0));
    assert!(close(seconds(Form::Pool), 5.0));
}

#[test]
fn waiting_overlaps_on_any_number_of_workers_until_the_cores_are_full() {
    // D = 1 ms, Z = 9 ms on two cores: N* = 20.
    let run = run(vec![piece(1e-3, 9e-3, 0.0); 200]);
    assert_eq!(best_workers(&run, 2.0), 20);
    let seconds = |workers| predict(&run, Form::Dynamic, workers, &TWO, &FREE);
    assert!(close(seconds(1), 2.0));
    // Two at a time never meet.
    assert!(close(seconds(2), 1.0));
    // From 20 on the cores decide: 100 ms of computing each, and one waiting before or after.
    assert!((0.1..=0.112).contains(&seconds(20)), "{}", seconds(20));
    assert!((0.1..=0.112).contains(&seconds(100)), "{}", seconds(100));
}

#[test]
fn who_computes_for_longer_than_a_slice_and_begins_together_waits_together() {
    // Both cores are idle while all wait: 20 compute for 10 s, then wait for 9, ten times over; and not 100 s.
    let run = run(vec![piece(1.0, 9.0, 0.0); 200]);
    let together = predict(&run, Form::Dynamic, 20, &TWO, &FREE);
    assert!((150.0..=191.0).contains(&together), "{together}");
}

#[test]
fn a_server_on_the_same_cores_is_load_and_a_queue() {
    // Client 0.25, server 1, latency 8: the server alone needs 100 s for 100 requests, whatever the cores. Half of it
    // comes before the latency, so that nobody waits for that in the end.
    let run = run(vec![piece(0.25, 9.0, 1.0); 100]);
    let bound = predict(&run, Form::Dynamic, 100, &[1.0, 2.0, 3.0, 4.0], &FREE);
    assert!((100.0..=104.0).contains(&bound), "{bound}");
    // On one core the clients' 25 s are added.
    let one = predict(&run, Form::Dynamic, 100, &[1.0], &FREE);
    assert!((125.0..=134.0).contains(&one), "{one}");
    assert_eq!(best_workers(&run, 2.0), 15);
}

#[test]
fn starting_is_paid_one_after_the_other_and_by_each() {
    let costs = Costs { fixed: 1.0, serial: 2.0, parallel: 3.0, ..FREE };
    let run = run(vec![piece(10.0, 0.0, 0.0); 2]);
    // Alone: 1 + 2 + 3 + 20. Two: the first begins at 3, the second at 5; 3 + 10 each, on a core of its own.
    assert!(close(predict(&run, Form::Dynamic, 1, &TWO, &costs), 26.0));
    assert!(close(predict(&run, Form::Dynamic, 2, &TWO, &costs), 18.0));
    // Starting workers is no use where it takes longer than the work: the first is done with both before.
    let many = predict(&run, Form::ProcessStatic, 2, &TWO, &Costs { serial: 100.0, ..FREE });
    assert!(many > 200.0, "{many}");
}

#[test]
fn what_a_first_piece_costs_more_is_paid_by_each_worker() {
    let first = Fresh { cpu: 0.5, wait: 1.0, asks: 0.0 };
    let run = Recorded { fresh: first, ..run(vec![piece(1.0, 4.0, 0.0); 4]) };
    // Two pieces each: 1 + 4 twice and 0.5 + 1 once.
    assert!(close(predict(&run, Form::Static, 2, &TWO, &FREE), 11.5));
}

#[test]
fn parts_go_through_the_caller_one_by_one() {
    // Each half is encoded for 1, decoded for 2, put behind the other for 4.
    let half = Half { bytes: 100.0, whole: 200.0, encode: 1.0, decode: 2.0, join: 4.0 };
    let run = Recorded { half, ..run(vec![piece(10.0, 0.0, 0.0); 2]) };
    // 10 and 1 by both at once; then 2 + 4 and 2 + 4 by the caller.
    assert!(close(predict(&run, Form::ProcessStatic, 2, &TWO, &FREE), 23.0));
    // Threads put together where they are.
    assert!(close(predict(&run, Form::Dynamic, 2, &TWO, &FREE), 10.0));
}

#[test]
fn who_has_slept_is_woken_before_it_works() {
    let run = run(vec![piece(10.0, 0.0, 0.0); 2]);
    // The first worker is there after 1 and waits for the second one, which is there after 2.
    let costs = Costs { serial: 1.0, wake: 0.25, ..FREE };
    assert!(close(predict(&run, Form::ProcessStatic, 2, &TWO, &costs), 12.25));
}

#[test]
fn messages_and_their_bytes_are_paid_by_both_sides() {
    let run = Recorded {
        half: Half { bytes: 100.0, whole: 200.0, ..Half::default() },
        ..run(vec![piece(10.0, 0.0, 0.0); 2])
    };
    // Written by both at once, then read by the caller one after the other.
    let seconds = |costs| predict(&run, Form::ProcessStatic, 2, &TWO, &costs);
    assert!(close(seconds(Costs { message: 2.0, ..FREE }), 10.0 + 1.0 + 2.0));
    assert!(close(seconds(Costs { byte: 0.01, ..FREE }), 10.0 + 1.0 + 2.0));
}

#[test]
fn no_pieces_take_no_time_and_more_workers_than_pieces_are_as_many() {
    for form in ALL {
        assert_eq!(predict(&run([]), form, 3, &TWO, &FREE), 0.0, "{form:?}");
        let few = run(vec![piece(1.0, 0.0, 0.0); 2]);
        assert!(close(predict(&few, form, 50, &TWO, &FREE), 1.0), "{form:?}");
    }
}

#[test]
fn a_million_tiny_pieces_are_played_in_groups() {
    let tiny = run(vec![piece(1e-6, 0.0, 0.0); 1_000_000]);
    let costs = Costs { piece: 1e-7, ..FREE };
    let predicted = predict(&tiny, Form::Dynamic, 2, &TWO, &costs);
    assert!((0.55..0.5501).contains(&predicted), "{predicted}");
}

#[test]
fn the_outlook_has_every_mechanism_at_the_cores_and_at_the_best_number() {
    let run = run(vec![piece(1e-3, 9e-3, 0.0); 200]);
    let outlook = outlook(&run, &TWO, &[7], &[("dynamic", FREE), ("static", FREE), ("unheard-of", FREE)]);
    assert_eq!(outlook.best_workers, 20);
    for workers in [1, 2, 7, 20, 40] {
        for mechanism in ["dynamic", "static"] {
            assert!(outlook.of(mechanism, workers).is_some(), "{mechanism} x {workers}");
        }
    }
    assert!(outlook.of("unheard-of", 2).is_none());
    assert_eq!(best_workers(&self::run([]), 2.0), 1);
    assert!(outlook.best().unwrap().seconds <= 0.112);
}
