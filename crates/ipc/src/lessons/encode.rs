//! What does a value cost on the way: how many bytes, and how long?
//!
//! Between processes a value is bytes. **JSON** is text: for people, for all languages, and the longest. **postcard** writes
//! small numbers in few bytes (varint) and no names: both sides must have the same type. **Zero-copy** (zerocopy) is the
//! memory itself, in a layout that is fixed (little-endian, no padding): nothing is decoded, a view of the received bytes is
//! checked for its length and is the value. It needs fixed sizes, and each bit pattern must be a valid value.
//!
//! What comes from outside is checked by each of them: it may be anything. In Python: `json`, `pickle` (which *runs* what it
//! is told: never from outside), `struct`, `memoryview.cast`.

use std::hint::black_box;

use lesson::{Bound, Lesson, Story, measure};
use serde::{Deserialize, Serialize};
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{F64, U32, U64},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "encode",
    question: "What does a value cost on the way: how many bytes, and how long?",
    python: &["json", "pickle", "struct", "memoryview.cast"],
    run,
    scenes: &[],
};

// ANCHOR: reading
/// What is sent, for serde.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    time: u64,
    value: f64,
    sensor: u32,
    state: u32,
}

/// The same as it lies in the message: any bytes are one, at any address, on any machine.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Raw {
    time: U64,
    value: F64,
    sensor: U32,
    state: U32,
}
// ANCHOR_END: reading

impl From<Reading> for Raw {
    fn from(Reading { time, value, sensor, state }: Reading) -> Self {
        Self { time: time.into(), value: value.into(), sensor: sensor.into(), state: state.into() }
    }
}

impl From<Raw> for Reading {
    fn from(Raw { time, value, sensor, state }: Raw) -> Self {
        Self { time: time.get(), value: value.get(), sensor: sensor.get(), state: state.get() }
    }
}

fn run(story: &mut Story) -> lesson::Result {
    let one = Reading { time: 1_700_000_000, value: 21.5, sensor: 7, state: 1 };
    sizes(story, one)?;
    hostile(story)?;
    times(story, one)
}

fn sizes(story: &mut Story, one: Reading) -> lesson::Result {
    let json = serde_json::to_string(&one)?;
    story.show(format!("  {json}\n"));
    let postcard = postcard::to_stdvec(&one)?;
    let raw = Raw::from(one);
    story.equal("JSON: bytes of the text above", 53, json.len());
    story.equal("postcard: 5 for the time (7 bits a byte), 8 for the value, 1 and 1", 15, postcard.len());
    story.equal("zero-copy: 8 + 8 + 4 + 4, whatever the numbers", 24, raw.as_bytes().len());
    let big = Reading { time: u64::MAX, sensor: u32::MAX, state: u32::MAX, ..one };
    story.equal("postcard of the largest numbers: 10 + 8 + 5 + 5", 28, postcard::to_stdvec(&big)?.len());
    let back: [Reading; 3] = [
        serde_json::from_str(&json)?,
        postcard::from_bytes(&postcard)?,
        (*Raw::ref_from_bytes(raw.as_bytes()).map_err(|_| "a wrong length")?).into(),
    ];
    story.equal("all three give the value back", [one; 3], back);
    Ok(())
}

fn hostile(story: &mut Story) -> lesson::Result {
    let short = [0xff; 23];
    let refused = [
        serde_json::from_slice::<Reading>(&short).is_err(),
        postcard::from_bytes::<Reading>(&short).is_err(),
        Raw::ref_from_bytes(&short).is_err(),
    ];
    story.equal("23 bytes of 0xff are refused by each", [true; 3], refused);
    // A length of 4 billion and no elements: what would reserving that much at once cost?
    let promise = [0xff, 0xff, 0xff, 0xff, 0x0f, 1];
    story.equal(
        "so is a postcard list that promises 4 billion values in 6 bytes",
        true,
        postcard::from_bytes::<Vec<Reading>>(&promise).is_err(),
    );
    let text = serde_json::to_string(&f64::NAN)?;
    story.equal(
        "JSON has no NaN: it is written as null, and cannot be read back",
        ("null", false),
        (text.as_str(), serde_json::from_str::<f64>(&text).is_ok()),
    );
    let (other, _): (f64, _) = postcard::take_from_bytes(&postcard::to_stdvec(&1_u64)?.repeat(8))?;
    story.claim(
        "postcard knows no types: eight numbers are read as one float without a word",
        "a number",
        format!("{other:e}"),
        other.is_finite(),
    );
    Ok(())
}

fn times(story: &mut Story, one: Reading) -> lesson::Result {
    let many: Vec<Reading> = (0..20_000).map(|sensor| Reading { sensor, ..one }).collect();
    let json = serde_json::to_vec(&many)?;
    let postcard = postcard::to_stdvec(&many)?;
    let raw: Vec<Raw> = many.iter().copied().map(Raw::from).collect();
    let raw = raw.as_bytes();
    let sum = |sensors: &mut dyn Iterator<Item = u32>| sensors.map(u64::from).sum::<u64>();
    // Each answers the same question from the bytes: the sum of one field.
    let by_json = || {
        serde_json::from_slice::<Vec<Reading>>(&json)
            .map_or(0, |all| sum(&mut all.iter().map(|one| one.sensor)))
    };
    let by_postcard = || {
        postcard::from_bytes::<Vec<Reading>>(&postcard)
            .map_or(0, |all| sum(&mut all.iter().map(|one| one.sensor)))
    };
    let in_place =
        || <[Raw]>::ref_from_bytes(raw).map_or(0, |all| sum(&mut all.iter().map(|one| one.sensor.get())));
    let expected = sum(&mut (0..20_000));
    story.equal(
        "20,000 values: the same sum from all three",
        [expected; 3],
        [by_json(), by_postcard(), in_place()],
    );

    let seconds = std::cell::Cell::new([0.0; 3]);
    story.timed_all(
        [
            ("to read them takes JSON longer than postcard".into(), Bound::AtLeast(2.0)),
            ("and postcard longer than a view".into(), Bound::AtLeast(2.0)),
        ],
        1,
        || {
            let again = |what: &dyn Fn() -> u64| (0..5).for_each(|_| _ = black_box(what()));
            let [json, postcard, view] = measure::in_turn(
                5,
                [&mut || again(&by_json), &mut || again(&by_postcard), &mut || again(&in_place)],
            );
            seconds.set([json.median(), postcard.median(), view.median()]);
            [measure::ratio(&json, &postcard), measure::ratio(&postcard, &view)]
        },
    );
    if story.is_timed() {
        let each = seconds.get().map(|seconds| seconds * 1e9 / (5.0 * 20_000.0));
        story.say(format!(
            "Nanoseconds a value: JSON {:.0}, postcard {:.1}, a view {:.1}.",
            each[0], each[1], each[2]
        ));
    }
    Ok(())
}
