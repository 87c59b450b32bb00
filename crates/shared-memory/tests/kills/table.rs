//! The table: two enter the same words at the same time, one of them is killed.
//!
//! Afterwards a word is in one slot or in none, with all its letters; what the killed one has counted is the words before the
//! one that it was at, each once; and another process that does its work again makes all of it right.

use std::{collections::HashMap, hint::spin_loop};

use shared_memory::{
    Memfd,
    peer::{self, Peer},
    table::{Plan, Table, keys::Steps},
};

use super::{LIMIT, Random, cast, must_die};

/// Enough that it takes some milliseconds to enter them: time to be killed in.
const WORDS: u64 = 4_000;
/// The victim's column, and that of the one who lives.
const VICTIM: usize = 0;
const OTHER: usize = 1;

/// Of one to three units of letters.
fn word(number: u64) -> Vec<u8> {
    format!("word{}{number}", "-".repeat(number as usize % 14)).into_bytes()
}

struct Points;

impl Steps for Points {
    fn at(&self, point: &'static str) {
        peer::at(point);
    }
}

/// In the other process: adds the words, from the first on, or from the last if told so.
pub(crate) fn play() {
    peer::leave_no_core();
    let table = Table::attach(peer::memory().unwrap()).unwrap();
    let column = peer::word(1).unwrap().parse().unwrap();
    let backwards = peer::word(2).unwrap() == "backwards";
    for number in 0..WORDS {
        let number = if backwards { WORDS - 1 - number } else { number };
        table.add_with(column, &word(number), 1, &Points).unwrap();
    }
}

fn start(memory: &Memfd, column: usize, way: &str, killed_at: Option<(&str, u64)>) -> Peer {
    let cast = cast("victim", memory, &["table", &column.to_string(), way]);
    match killed_at {
        Some((point, nth)) => cast.killed_at(point, nth).start().unwrap(),
        None => cast.start().unwrap(),
    }
}

fn table() -> (Memfd, Table) {
    // The letters have room for all words three times: those of a process that came too late for a word are lost.
    let plan = Plan { words: WORDS as usize, columns: 2, letters: 3 * 24 * WORDS as usize };
    let memory = Memfd::create("table", plan.size()).unwrap();
    let table = Table::create(&memory, plan).unwrap();
    (memory, table)
}

/// The words in the slots and how often each was counted.
fn content(table: &Table, told: &str) -> HashMap<Vec<u8>, u64> {
    let (keys, mut found, mut letters) = (table.keys(), HashMap::new(), Vec::new());
    for slot in 0..keys.slots.len() {
        if keys.read(slot, &mut letters).unwrap() {
            let times = table.get(&letters).unwrap();
            assert!(found.insert(letters.clone(), times).is_none(), "{told}: two slots for {letters:?}");
        }
    }
    found
}

/// How many words the killed one has counted: the first ones, each once, and no other; those that live have counted each
/// word `others` times. All that is in the table is a word, whole.
fn counted(table: &Table, others: u64, told: &str) -> u64 {
    let mut found = content(table, told);
    let times: Vec<_> = (0..WORDS).map(|number| found.remove(&word(number)).unwrap_or(0)).collect();
    assert!(found.is_empty(), "{told}: nobody's words: {found:?}");
    let (counted, rest) = times.split_at(times.iter().take_while(|times| **times == others + 1).count());
    assert!(rest.iter().all(|times| *times == others), "{told}: a gap after {} words", counted.len());
    counted.len() as u64
}

/// Another process does the dead one's work again.
fn goes_on(memory: &Memfd, table: &Table, others: u64, told: &str) {
    table.clear(VICTIM).unwrap();
    assert!(start(memory, VICTIM, "forwards", None).end(LIMIT).unwrap().success(), "{told}");
    let all = content(table, told);
    assert_eq!(all.len() as u64, WORDS, "{told}");
    assert!(all.values().all(|times| *times == others + 1), "{told}: not each word {} times", others + 1);
}

/// Alone, so that it is known which word it was at.
pub(crate) fn named(random: &mut Random, kills: u64) {
    for kill in 0..kills {
        let point = ["written", "published", "added"][kill as usize % 3];
        let nth = 1 + random.below(WORDS);
        let told = format!("{point} {nth}");
        let (memory, table) = table();
        must_die(&mut start(&memory, VICTIM, "forwards", Some((point, nth))), &told);
        assert_eq!(counted(&table, 0, &told), if point == "added" { nth } else { nth - 1 }, "{told}");
        let entered = if point == "written" { nth - 1 } else { nth };
        assert_eq!(content(&table, &told).len() as u64, entered, "{told}");
        goes_on(&memory, &table, 0, &told);
    }
}

/// While another one comes from the other end, or takes the same way.
pub(crate) fn random(random: &mut Random, kills: u64) {
    for kill in 0..kills {
        let way = ["backwards", "forwards"][kill as usize % 2];
        let told = format!("kill {kill}, the other one {way}");
        let (memory, table) = table();
        let mut victim = start(&memory, VICTIM, "forwards", None);
        let mut other = start(&memory, OTHER, way, None);
        let enough = random.below(WORDS * 2);
        while table.letters() < enough {
            spin_loop();
        }
        for _ in 0..random.below(20_000) {
            spin_loop();
        }
        // Perhaps it has just got done: then it is no kill, and all the same whole.
        victim.kill().unwrap();
        assert!(other.end(LIMIT).unwrap().success(), "{told}");
        counted(&table, 1, &told);
        goes_on(&memory, &table, 1, &told);
    }
}
