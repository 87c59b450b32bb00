//! How do many threads move money between many accounts?
//!
//! A transfer takes two locks, and which ones is known only when it comes. So this is where a program with a hundred correct
//! functions deadlocks: A pays B while B pays A. Four banks in [`crate::bank`], each a file to copy, are asked to do the
//! same transfers for eight clients at once, and must come to the same balances.
//!
//! - **naive** locks the payer, then the payee: eight payments in a circle, and nobody goes on.
//! - **one lock** cannot deadlock, and has one transfer done at a time.
//! - **ordered**: a lock for each account, the lower number first. No circle, and transfers that share no account run side
//!   by side. As fast as the cores allow, when there is work inside the lock.
//! - **owners**: each account belongs to one thread, and money is a message. No lock is held at all; each transfer waits
//!   for an answer of another thread, which costs more than a lock that is free.
//!
//! Look at the cycle of eight, at the sum of money, at the schedules that were tried, and at the times. In Python the same
//! holds for `threading.Lock`s; there the work inside would not run side by side.

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicUsize, Ordering},
};

use lesson::search::{broken, fixed};
use lesson::{Bound, Lesson, Story, measure};
use model::schedule::{Bounds, Mutex, Program};

use super::stage::{Actor, found, play};
use crate::bank::{
    Bank, Refused, Transfer, Work, alone, naive::Naive, one_lock::OneLock, ordered::Ordered, orders,
    owners::Owners, serve,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "transactions",
    question: "How do many threads move money between many accounts?",
    python: &["threading.Lock"],
    run,
    scenes: &[],
};

const CLIENTS: usize = 8;
const ACCOUNTS: usize = 64;
/// What each account holds at first: more than it will ever have to pay.
const OPENING: u64 = 1_000_000;

fn run(story: &mut Story) -> lesson::Result {
    in_a_circle(story)?;
    schedules(story)?;
    same_answer(story)?;
    speed(story)
}

// ANCHOR: in_a_circle
/// Eight clients, each pays the next one's account; all have the first lock before any asks for the second.
fn in_a_circle(story: &mut Story) -> lesson::Result {
    let outcomes = play(|detector| {
        let all_hold_one = Barrier::new(CLIENTS);
        let first = AtomicUsize::new(0);
        let between = move || {
            // Held up once each; who tries again goes through.
            if first.fetch_add(1, Ordering::Relaxed) < CLIENTS {
                all_hold_one.wait();
            }
        };
        let bank = Naive::new(detector, &[OPENING; CLIENTS], Work::NONE, between).map(Arc::new);
        let client = |from| {
            let bank = bank.clone();
            let pay: Actor<_> = Box::new(move || {
                let order = Transfer { from, to: (from + 1) % CLIENTS, amount: 5 };
                let bank = bank?;
                let told = bank.transfer(order);
                // It has moved nothing, and its lock is free again: the others go on, and so can it.
                let again = if told.is_err() { bank.transfer(order) } else { Ok(()) };
                Ok::<_, Refused>((told.err(), again.is_ok(), bank))
            });
            (NAMES[from], pay)
        };
        (0..CLIENTS).map(client).collect()
    })?;
    // ANCHOR_END: in_a_circle
    story.say("Naive: eight clients pay in a circle, each locks the payer's account and then the payee's.");
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let report = outcomes.iter().find_map(|(told, ..)| match told {
        Some(Refused::Deadlock(report)) => Some(report),
        _ => None,
    });
    found(story, "circle", "eight clients wait for each other", &NAMES, report)?;
    story.equal("it is a cycle: each waits for the next", Some(true), report.map(|report| report.is_cycle()));
    let done = outcomes.iter().filter(|(_, done, _)| *done).count();
    story.equal(
        "one is refused and tries again, as the client of a database does: all are done",
        CLIENTS,
        done,
    );
    let balances = outcomes[0].2.balances()?;
    story.equal("each has paid and was paid", vec![OPENING; CLIENTS], balances);
    Ok(())
}

const NAMES: [&str; CLIENTS] =
    ["client 0", "client 1", "client 2", "client 3", "client 4", "client 5", "client 6", "client 7"];

/// Three accounts, three payments in a circle, in every order of the steps.
fn schedules(story: &mut Story) -> lesson::Result {
    let payments = |ordered: bool| {
        move |program: &mut Program| {
            let accounts = ["a", "b", "c"].map(|name| Mutex::new(name, 10));
            for (client, (from, to)) in [(0_usize, 1_usize), (1, 2), (2, 0)].into_iter().enumerate() {
                let accounts = accounts.clone();
                program.thread(format!("{client}"), move || {
                    let (first, second) = if ordered { (from.min(to), from.max(to)) } else { (from, to) };
                    let (mut one, mut other) = (accounts[first].lock(), accounts[second].lock());
                    let (payer, payee) =
                        if first == from { (&mut *one, &mut *other) } else { (&mut *other, &mut *one) };
                    *payer -= 5;
                    *payee += 5;
                });
            }
            program.expect("the sum", 30, move || accounts.iter().map(|account| *account.lock()).sum());
        }
    };
    story.say("In small: three accounts, three payments in a circle, in every order of the steps.");
    broken(story, "payments", "payer first: a deadlock", 1, &Bounds::all(), payments(false))?;
    fixed(story, "lower number first: none, and no money is lost", &Bounds::all(), payments(true));
    story.say("(tests/bank_model.rs does the same with the banks themselves, under loom and shuttle.)");
    Ok(())
}

type Named = (&'static str, Arc<dyn Bank>);

/// The three that do not deadlock, with so much work in each transfer.
fn banks(opening: &[u64], work: Work) -> Result<[Named; 3], Refused> {
    Ok([
        ("one lock", Arc::new(OneLock::new(opening, work)?)),
        ("ordered", Arc::new(Ordered::new(opening, work)?)),
        ("owners", Arc::new(Owners::new(opening, 2, work)?)),
    ])
}

// ANCHOR: same_answer
fn same_answer(story: &mut Story) -> lesson::Result {
    let opening = [OPENING; ACCOUNTS];
    let orders = orders(ACCOUNTS, 4_000, story.seed());
    story.say(format!(
        "{} transfers between {ACCOUNTS} accounts, for {CLIENTS} clients at once.",
        orders.len()
    ));
    let expected = alone(&opening, &orders);
    for (name, bank) in banks(&opening, Work::NONE)? {
        let refused = serve(&bank, &orders, CLIENTS);
        let balances = bank.balances()?;
        let sum: u64 = balances.iter().sum();
        story.claim(
            format!("{name}: the same balances as one after the other, and the same sum"),
            format!("nothing refused, {} in all", OPENING * ACCOUNTS as u64),
            format!("{} refused, {sum} in all", refused.len()),
            refused.is_empty() && balances == expected && sum == OPENING * ACCOUNTS as u64,
        );
    }
    Ok(())
}
// ANCHOR_END: same_answer

fn speed(story: &mut Story) -> lesson::Result {
    // About 20 us in each: some 100 ms on one core.
    let (work, orders) = (Work(10_000), orders(ACCOUNTS, 5_000, story.seed()));
    let [one_lock, ordered, owners] = banks(&[OPENING; ACCOUNTS], work)?;
    story.say(format!(
        "With about 20 us of work in each transfer, {} of them for {CLIENTS} clients:",
        orders.len()
    ));
    let mut table = String::new();
    let seen = &mut table;
    story.timed("with work inside, ordered locks do more than one lock", Bound::AtLeast(1.2), 2, || {
        let [one, by_order, by_owner] = measure::in_turn(
            5,
            [
                &mut || drop(serve(&one_lock.1, &orders, CLIENTS)),
                &mut || drop(serve(&ordered.1, &orders, CLIENTS)),
                &mut || drop(serve(&owners.1, &orders, CLIENTS)),
            ],
        );
        *seen = [&one_lock, &ordered, &owners]
            .iter()
            .zip([&one, &by_order, &by_owner])
            .map(|((name, _), times)| {
                let (rate, gain) = (orders.len() as f64 / times.median(), measure::ratio(&one, times));
                format!("{name:10} {rate:9.0} transfers a second   {gain:.2}x of one lock\n")
            })
            .collect();
        measure::ratio(&one, &by_order)
    });
    if !table.is_empty() {
        story.show(table);
    }
    Ok(())
}
