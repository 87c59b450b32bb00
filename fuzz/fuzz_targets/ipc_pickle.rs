//! Whatever a peer calls a pickle: a value within the limits that means the same when it is written again, or an error at a
//! byte of it. Nothing is called: there is no code that could.

#![no_main]

use ipc::python::{
    Value,
    pickle::{Limits, dumps, loads},
};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { values: 1000, bytes: 10_000, depth: 30 };

/// How many values, and how many bytes in texts and byte strings.
fn size(value: &Value) -> (usize, usize) {
    let all = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(size).fold((1, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1))
    };
    match value {
        Value::Str(text) => (1, text.len()),
        Value::Bytes(bytes) => (1, bytes.len()),
        Value::List(values) | Value::Tuple(values) => all(&mut values.iter()),
        Value::Dict(pairs) => all(&mut pairs.iter().flat_map(|(key, value)| [key, value])),
        _ => (1, 0),
    }
}

fn judge(pickle: &[u8]) {
    match loads(pickle, &LIMITS) {
        Ok(value) => {
            let (values, bytes) = size(&value);
            assert!(values <= LIMITS.values && bytes <= LIMITS.bytes, "{values} values, {bytes} bytes");
            let again =
                loads(&dumps(&value).expect("it is data"), &Limits::default()).expect("it was written here");
            assert_eq!(format!("{again:?}"), format!("{value:?}"));
        }
        Err(error) => {
            let words = error.to_string();
            let place = words.strip_prefix("at byte ").and_then(|rest| rest.split(':').next());
            let place: usize = place.expect("a place").parse().expect("a number");
            assert!(place <= pickle.len(), "{words}");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    judge(bytes);
    // Most bytes have no protocol in front, and get no further.
    judge(&[b"\x80\x04", bytes, b"."].concat());
});
