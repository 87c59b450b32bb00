//! The snapshot's writer.

use std::time::Duration;

use shared_memory::{
    Memfd,
    seqlock::{self, Reader, SeqError, Writer},
};

use super::{LIMIT, Random, cast, must_die};

type Value = [u64; 8];

fn snapshot() -> (Memfd, Reader<Value>) {
    let memory = Memfd::create("snapshot", seqlock::size::<Value>()).unwrap();
    seqlock::create::<Value>(&memory, &[0; 8]).unwrap();
    let reader = Reader::attach(&memory).unwrap();
    (memory, reader)
}

fn whole(value: Value, told: &str) -> u64 {
    assert!(value.iter().all(|word| *word == value[0]), "{told}: torn: {value:?}");
    value[0]
}

/// Another writer takes the place, whatever the dead one has left.
fn goes_on(memory: &Memfd, reader: &Reader<Value>, told: &str) {
    let mut next = Writer::<Value>::attach(memory).unwrap();
    next.write(&[u64::MAX; 8]);
    assert_eq!(reader.read(Duration::ZERO).map(|value| whole(value, told)), Ok(u64::MAX), "{told}");
}

pub(crate) fn named(random: &mut Random, told: &str) {
    let (point, nth) = (random.of(&["begun", "half", "written", "ended"]), 1 + random.below(1_000));
    let told = format!("{told}: {point} {nth}");
    let (memory, reader) = snapshot();
    let mut victim = cast("seqlock/writer", &memory).killed_at(point, nth).start().unwrap();
    must_die(&mut victim, &told);
    let expected = match point {
        "ended" => Ok(nth),
        _ => Err(SeqError::WriterDied { id: victim.id() }),
    };
    assert_eq!(reader.read(LIMIT).map(|value| whole(value, &told)), expected, "{told}");
    goes_on(&memory, &reader, &told);
}

pub(crate) fn random(random: &mut Random, told: &str) {
    let (memory, reader) = snapshot();
    let mut victim = cast("seqlock/writer", &memory).start().unwrap();
    let mut last = 0;
    // It has begun, and goes on while it is read.
    while last == 0 {
        last = whole(reader.read(LIMIT).unwrap(), told);
    }
    for _ in 0..random.below(200) {
        if let Some(value) = reader.try_read() {
            let value = whole(value, told);
            assert!(value >= last, "{told}: {value} after {last}");
            last = value;
        }
    }
    random.dawdle();
    victim.kill().unwrap();
    match reader.read(LIMIT) {
        Ok(value) => assert!(whole(value, told) >= last, "{told}: back from {last}"),
        Err(end) => assert_eq!(end, SeqError::WriterDied { id: victim.id() }, "{told}"),
    }
    goes_on(&memory, &reader, told);
}
