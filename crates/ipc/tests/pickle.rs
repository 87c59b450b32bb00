//! Whatever bytes a peer sends, the decoders answer with a value or an error and keep to their limits; and whatever
//! value is written, the same one is read.

use ipc::python::{
    Key, Value, challenge,
    header::{self, Header},
    pickle::{Limits, PickleError, dumps, loads},
};
use proptest::{collection::vec, prelude::*};

const SMALL: Limits = Limits { values: 1000, bytes: 10_000, depth: 30 };

/// Values of every kind, nested.
fn any_value() -> impl Strategy<Value = Value> {
    let text = vec(any::<char>(), 0..20).prop_map(|text| text.into_iter().collect::<String>());
    let atom = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        // As many bits as not: small numbers have forms of their own.
        (any::<i128>(), 0..128_u32).prop_map(|(value, bits)| Value::Int(value >> bits)),
        any::<f64>().prop_filter("equal to itself", |value| !value.is_nan()).prop_map(Value::Float),
        text.prop_map(Value::Str),
        vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
    ];
    let key = prop_oneof![atom.clone(), vec(atom.clone(), 0..3).prop_map(Value::Tuple)];
    atom.prop_recursive(5, 60, 6, move |value| {
        prop_oneof![
            vec(value.clone(), 0..6).prop_map(Value::List),
            vec(value.clone(), 0..6).prop_map(Value::Tuple),
            vec((key.clone(), value), 0..6).prop_map(Value::Dict),
        ]
    })
}

/// Words of the language in any order, with short arguments: far more often sense than plain bytes are.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let known =
        b"NJKMGXBC(01])}aeltsudqrhj.\x88\x89\x8a\x8b\x8c\x8d\x8e\x85\x86\x87\x94\x95cR\x93\x81".to_vec();
    let word = prop_oneof![
        8 => prop::sample::select(known),
        2 => 0..4_u8,
        1 => any::<u8>(),
    ];
    (2..=5_u8, vec(word, 0..80)).prop_map(|(protocol, words)| [&[0x80, protocol][..], &words, b"."].concat())
}

/// An error's place is in the pickle.
fn judge(pickle: &[u8]) {
    match loads(pickle, &SMALL) {
        Ok(value) => {
            // What was read can be written, and means the same.
            let again = loads(&dumps(&value).unwrap(), &SMALL).unwrap();
            assert_eq!(format!("{again:?}"), format!("{value:?}"));
        }
        Err(
            PickleError::Cut { offset, .. }
            | PickleError::Call { offset, .. }
            | PickleError::Unknown { offset, .. }
            | PickleError::Machine { offset, .. }
            | PickleError::Trailing { offset, .. },
        ) => assert!(offset <= pickle.len()),
        Err(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100_000) })]

    #[test]
    fn rubbish_is_an_error(bytes in vec(any::<u8>(), 0..60), max in 0..200_usize) {
        judge(&bytes);
        judge(&[b"\x80\x04", &bytes[..]].concat());
        if let Ok(Header::Whole { message, .. }) = header::decode(&bytes, max) {
            prop_assert!(message <= max);
        }
        let key = Key::new(bytes.clone());
        let ours = b"{sha256}a challenge of ours";
        prop_assert!(challenge::verify(&key, ours, &bytes).is_err());
        let named = [b"{sha256}", &bytes[..]].concat();
        prop_assert!(challenge::verify(&key, ours, &named).is_err());
        // It may well be a challenge, to which there is an answer.
        if let Ok(answer) = challenge::answer(&key, &bytes) {
            prop_assert!(challenge::verify(&key, &bytes, &answer).is_ok());
        }
    }

    #[test]
    fn words_in_any_order_are_a_value_or_an_error(pickle in words()) {
        judge(&pickle);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_is_written_is_read(value in any_value()) {
        let pickle = dumps(&value).unwrap();
        prop_assert_eq!(&loads(&pickle, &Limits::default()).unwrap(), &value);
        // Cut anywhere, it is an error.
        for cut in 0..pickle.len() {
            prop_assert!(loads(&pickle[..cut], &Limits::default()).is_err());
        }
    }

    #[test]
    fn a_changed_pickle_is_a_value_or_an_error(value in any_value(), place in any::<prop::sample::Index>(), byte: u8) {
        let mut pickle = dumps(&value).unwrap();
        let place = place.index(pickle.len());
        pickle[place] = byte;
        judge(&pickle);
    }

    #[test]
    fn headers_say_what_was_written(length in prop_oneof![any::<usize>(), 0..70_000_usize, Just(0x7fff_ffff), Just(0x8000_0000)]) {
        let (bytes, count) = header::encode(length);
        prop_assert_eq!(header::decode(&bytes[..count], usize::MAX), Ok(Header::Whole { header: count, message: length }));
        prop_assert_eq!(count, if length > 0x7fff_ffff { 12 } else { 4 });
        for cut in 0..count {
            prop_assert!(matches!(header::decode(&bytes[..cut], usize::MAX), Ok(Header::Needs(need)) if need > cut));
        }
    }
}

/// `[[[..], [..]], ..]`: each list holds the one before twice, by reference. 4 bytes a level, 2^levels values.
fn billion_laughs(levels: u8) -> Vec<u8> {
    let mut pickle = b"\x80\x04]q\x00".to_vec();
    for level in 0..levels {
        pickle.extend([b'0', b'(', b'h', level, b'h', level, b'l', b'q', level + 1]);
    }
    pickle.push(b'.');
    pickle
}

#[test]
fn a_few_bytes_cannot_become_a_billion_values() {
    let limits = Limits { values: 1 << 20, ..Limits::default() };
    assert!(loads(&billion_laughs(10), &limits).is_ok());
    let refused = loads(&billion_laughs(60), &limits).unwrap_err();
    assert!(matches!(refused, PickleError::Limit { what: "values", limit: 0x10_0000, .. }), "{refused}");
}

#[test]
fn each_limit_holds() {
    let repeated = |word: u8, count: usize| [b"\x80\x04", &vec![word; count][..], b"."].concat();
    let refused = |pickle: &[u8]| loads(pickle, &SMALL).unwrap_err();
    assert!(matches!(refused(&repeated(b'N', 1001)), PickleError::Limit { limit: 1000, offset: 1002, .. }));
    assert!(matches!(refused(&repeated(b'(', 1001)), PickleError::Limit { limit: 1000, offset: 1002, .. }));
    let text = dumps(&Value::Str("x".repeat(10_001))).unwrap();
    assert!(matches!(refused(&text), PickleError::Limit { what: "bytes", .. }));
    let nested = |levels: usize| (0..levels).fold(Value::None, |inner, _| Value::List(vec![inner]));
    assert!(loads(&dumps(&nested(30)).unwrap(), &SMALL).is_ok());
    assert!(matches!(refused(&dumps(&nested(31)).unwrap()), PickleError::TooDeep { limit: 30, .. }));
    assert!(matches!(dumps(&nested(201)), Err(PickleError::TooDeep { limit: 200, .. })));
}

#[test]
fn everything_that_could_call_is_refused_where_it_stands() {
    let calls = [
        (b'c', "GLOBAL"),
        (0x93, "STACK_GLOBAL"),
        (b'R', "REDUCE"),
        (b'b', "BUILD"),
        (b'i', "INST"),
        (b'o', "OBJ"),
        (0x81, "NEWOBJ"),
        (0x92, "NEWOBJ_EX"),
        (0x82, "EXT1"),
        (0x83, "EXT2"),
        (0x84, "EXT4"),
        (b'P', "PERSID"),
        (b'Q', "BINPERSID"),
        (0x97, "NEXT_BUFFER"),
    ];
    for (word, opcode) in calls {
        for protocol in 2..=5 {
            let why = loads(&[0x80, protocol, b'N', word, b'.'], &SMALL).unwrap_err();
            assert_eq!(why, PickleError::Call { offset: 3, opcode });
        }
    }
    for (pickle, expected) in [
        (&b""[..], "at byte 0: not a pickle of protocol 2 to 5"),
        (b"\x80\x06N.", "at byte 0: not a pickle of protocol 2 to 5"),
        (b"\x80\x04.", "at byte 2: too few values on the stack"),
        (b"\x80\x04N", "at byte 3: ends in the middle: 1 more bytes are needed, 0 are there"),
        (b"\x80\x04N.N", "at byte 4: the pickle ends, and 1 bytes follow"),
        (b"\x80\x04\x8f.", "at byte 2: EMPTY_SET is outside of the subset"),
        (b"\x80\x04\xff.", "at byte 2: there is no opcode 0xff"),
        (b"\x80\x04Na.", "at byte 3: too few values on the stack"),
        (b"\x80\x04NNa.", "at byte 4: items are added to what is no list"),
        (b"\x80\x04}(Nu.", "at byte 5: a key without a value"),
        (b"\x80\x04}]Ns.", "at byte 2: a dict's key that holds a list or a dict"),
        (b"\x80\x04e.", "at byte 2: no mark on the stack"),
        (b"\x80\x04h\x05.", "at byte 2: nothing is remembered by this number"),
        (b"\x80\x04\x8c\x02\xff\xfe.", "at byte 2: text that is not UTF-8"),
        (
            b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
            "at byte 11: ends in the middle: 18446744073709551615 more bytes are needed, 2 are there",
        ),
        (b"\x80\x04\x8a\x11aaaaaaaaaaaaaaaaa.", "at byte 2: an int of 17 bytes, where 16 are the most"),
    ] {
        assert_eq!(loads(pickle, &SMALL).unwrap_err().to_string(), expected);
    }
    let key = Value::Dict(vec![(Value::Tuple(vec![Value::List(vec![])]), Value::None)]);
    assert!(matches!(dumps(&key), Err(PickleError::Key { .. })));
}
