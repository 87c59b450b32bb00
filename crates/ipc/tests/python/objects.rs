//! Objects: they mean the same on both sides, and what would be called is refused.

use ipc::python::{ConnectionError, Value, pickle::PickleError};

use super::support::converse;

/// Values with Python's `repr` of each.
fn values() -> Vec<(Value, &'static str)> {
    let list = |items: &[i64]| items.iter().copied().collect::<Value>();
    let tuple = |count: i64| Value::Tuple((0..count).map(Value::from).collect());
    vec![
        (Value::None, "None"),
        (true.into(), "True"),
        (false.into(), "False"),
        (0.into(), "0"),
        (255.into(), "255"),
        (256.into(), "256"),
        (65_536.into(), "65536"),
        ((-1).into(), "-1"),
        (i64::from(i32::MIN).into(), "-2147483648"),
        (i64::MIN.into(), "-9223372036854775808"),
        (Value::Int(i128::MAX), "170141183460469231731687303715884105727"),
        (Value::Int(i128::MIN), "-170141183460469231731687303715884105728"),
        (Value::Int(-129 << 64), "-2379629985508532158464"),
        (1.5.into(), "1.5"),
        (f64::NEG_INFINITY.into(), "-inf"),
        ("".into(), "''"),
        ("naïve 日本 🦀".into(), "'naïve 日本 🦀'"),
        (list(&[]), "[]"),
        (list(&[1, 2, 3]), "[1, 2, 3]"),
        (tuple(0), "()"),
        (tuple(1), "(0,)"),
        (tuple(4), "(0, 1, 2, 3)"),
        (Value::Dict(vec![]), "{}"),
        (Value::Dict(vec![(tuple(2), Value::None), ("a".into(), list(&[7]))]), "{(0, 1): None, 'a': [7]}"),
    ]
}

#[test]
fn objects_mean_the_same_on_both_sides_in_every_protocol() {
    converse("objects", |connection, _| {
        for (value, repr) in values() {
            connection.send(&value).unwrap();
            assert_eq!(connection.recv().unwrap(), Some(repr.into()));
            for protocol in 2..=5 {
                assert_eq!(connection.recv().unwrap().as_ref(), Some(&value), "protocol {protocol}");
            }
        }
        // In protocol 2 there are no bytes, but a call that makes them: refused, and nothing is out of step.
        let value = Value::Bytes(vec![0, 255, 7]);
        connection.send(&value).unwrap();
        assert_eq!(connection.recv().unwrap(), Some("b'\\x00\\xff\\x07'".into()));
        let refused = connection.recv();
        assert!(
            matches!(refused, Err(ConnectionError::Pickle(PickleError::Call { opcode: "GLOBAL", .. }))),
            "{refused:?}"
        );
        for _ in 3..=5 {
            assert_eq!(connection.recv().unwrap().as_ref(), Some(&value));
        }
        // More items than Python puts in one batch (1000), and texts beyond one byte of length.
        let long: Value = (0..2500_i64).collect();
        let pairs = (0..2500_i64).map(|number| (number.into(), "x".repeat(300).as_str().into()));
        for value in [long, Value::Dict(pairs.collect())] {
            connection.send(&value).unwrap();
            connection.recv().unwrap();
            for protocol in 2..=5 {
                assert!(connection.recv().unwrap().as_ref() == Some(&value), "protocol {protocol}");
            }
        }
    });
}

#[test]
fn a_list_in_several_places_is_whole_in_each_and_one_that_holds_itself_is_refused() {
    converse("shared", |connection, _| {
        let inner: Value = [1_i64, 2].into_iter().collect();
        let outer = Value::List(vec![inner.clone(), inner.clone(), Value::Tuple(vec![inner])]);
        assert_eq!(connection.recv().unwrap(), Some(outer));
        for _ in 0..2 {
            let refused = connection.recv();
            assert!(
                matches!(refused, Err(ConnectionError::Pickle(PickleError::TooDeep { .. }))),
                "{refused:?}"
            );
        }
        assert_eq!(connection.recv().unwrap(), Some("in step".into()));
    });
}

#[test]
fn what_would_be_called_is_refused_with_its_place() {
    converse("evil", |connection, peer| {
        for protocol in 2..=5 {
            let refused = connection.recv();
            let Err(ConnectionError::Pickle(PickleError::Call { offset, .. })) = refused else {
                panic!("protocol {protocol}: {refused:?}");
            };
            assert!(offset >= 2);
        }
        assert_eq!(connection.recv().unwrap(), Some("in step".into()));
        assert_eq!(peer.ended(), 0);
    });
}
