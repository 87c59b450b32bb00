//! Every bank gives the answer of the one that does one transfer after the other, loses no money, and refuses what it must.

use std::sync::{Arc, Barrier};

use deadlock::{
    bank::{
        Bank, Refused, Transfer, Work, alone, mailbox::Mailbox, naive::Naive, one_lock::OneLock,
        ordered::Ordered, orders, owners::Owners, serve,
    },
    detector::{Detector, Recovery},
};
use proptest::prelude::*;

const ACCOUNTS: usize = 5;

fn banks(opening: &[u64]) -> Vec<(&'static str, Arc<dyn Bank>)> {
    let detector = Detector::new(Recovery::Break);
    vec![
        ("naive", Arc::new(Naive::new(&detector, opening, Work::NONE, || ()).unwrap()) as Arc<dyn Bank>),
        ("one lock", Arc::new(OneLock::new(opening, Work(10)).unwrap())),
        ("ordered", Arc::new(Ordered::new(opening, Work(10)).unwrap())),
        ("one owner", Arc::new(Owners::new(opening, 1, Work(10)).unwrap())),
        ("three owners", Arc::new(Owners::new(opening, 3, Work(10)).unwrap())),
        ("more owners than accounts", Arc::new(Owners::new(opening, 7, Work::NONE).unwrap())),
        ("no owner is one", Arc::new(Owners::new(opening, 0, Work::NONE).unwrap())),
    ]
}

/// The naive one deadlocks by design, so it is asked by one client only.
fn clients(name: &str, wanted: usize) -> usize {
    if name == "naive" { 1 } else { wanted }
}

fn transfers() -> impl Strategy<Value = Vec<Transfer>> {
    let order = (0..ACCOUNTS, 1..ACCOUNTS, 0_u64..20).prop_map(|(from, ahead, amount)| Transfer {
        from,
        to: (from + ahead) % ACCOUNTS,
        amount,
    });
    proptest::collection::vec(order, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where nobody runs out of money no order of the transfers matters.
    #[test]
    fn with_money_enough_the_answer_is_that_of_one_client(orders in transfers(), wanted in 1_usize..5) {
        let opening = [20 * 60; ACCOUNTS];
        for (name, bank) in banks(&opening) {
            let refused = serve(&bank, &orders, clients(name, wanted));
            prop_assert!(refused.is_empty(), "{}: {:?}", name, refused);
            prop_assert_eq!(bank.balances().unwrap(), alone(&opening, &orders), "{}", name);
        }
    }

    /// Where they do, what is refused depends on the order; the sum does not, and refused is what has moved nothing.
    #[test]
    fn without_it_the_sum_stays(orders in transfers(), wanted in 1_usize..5) {
        let opening = [30, 0, 7, 0, 1];
        for (name, bank) in banks(&opening) {
            let refused = serve(&bank, &orders, clients(name, wanted));
            let balances = bank.balances().unwrap();
            prop_assert_eq!(balances.iter().sum::<u64>(), 38, "{}", name);
            let mut expected = opening.map(i128::from);
            for order in &orders {
                expected[order.from] -= i128::from(order.amount);
                expected[order.to] += i128::from(order.amount);
            }
            for (order, why) in &refused {
                prop_assert!(matches!(why, Refused::TooLittle { .. }), "{}: {}", name, why);
                expected[order.from] += i128::from(order.amount);
                expected[order.to] -= i128::from(order.amount);
            }
            prop_assert_eq!(balances.iter().copied().map(i128::from).collect::<Vec<_>>(), expected, "{}", name);
        }
    }
}

#[test]
fn one_client_gets_the_same_answer_from_all_even_where_money_is_short() {
    let (opening, orders) = ([30, 0, 7, 0, 1], orders(ACCOUNTS, 500, 7));
    let expected = alone(&opening, &orders);
    for (name, bank) in banks(&opening) {
        serve(&bank, &orders, 1);
        assert_eq!(bank.balances().unwrap(), expected, "{name}");
    }
}

#[test]
fn what_no_bank_can_do_is_refused_and_nothing_moves() {
    for (name, bank) in banks(&[5; ACCOUNTS]) {
        let order = |from, to, amount| bank.transfer(Transfer { from, to, amount });
        assert!(matches!(order(0, ACCOUNTS, 1), Err(Refused::NoAccount(ACCOUNTS))), "{name}");
        assert!(matches!(order(99, 0, 1), Err(Refused::NoAccount(99))), "{name}");
        assert!(matches!(order(2, 2, 1), Err(Refused::ToItself(2))), "{name}");
        let too_little = order(3, 1, 6);
        let expected = Refused::TooLittle { account: 3, balance: 5, amount: 6 };
        assert_eq!(too_little.unwrap_err().to_string(), expected.to_string(), "{name}");
        assert_eq!(bank.balances().unwrap(), [5; ACCOUNTS], "{name}");
        order(3, 1, 5).unwrap();
        assert_eq!(bank.balances().unwrap(), [5, 10, 5, 0, 5], "{name}");
    }
}

#[test]
fn more_money_than_can_be_counted_is_refused() {
    let opening = [u64::MAX, 1];
    assert!(matches!(OneLock::new(&opening, Work::NONE), Err(Refused::TooMuch)));
    assert!(matches!(Ordered::new(&opening, Work::NONE), Err(Refused::TooMuch)));
    assert!(matches!(Owners::new(&opening, 2, Work::NONE), Err(Refused::TooMuch)));
    let bank = OneLock::new(&[u64::MAX - 1, 1], Work::NONE).unwrap();
    bank.transfer(Transfer { from: 0, to: 1, amount: u64::MAX - 1 }).unwrap();
    assert_eq!(bank.balances().unwrap(), [0, u64::MAX]);
}

#[test]
fn a_bank_without_accounts_or_orders_is_a_bank() {
    for (name, bank) in banks(&[]) {
        assert_eq!(bank.balances().unwrap(), [0; 0], "{name}");
        assert!(serve(&bank, &[], 3).is_empty(), "{name}");
        let order = Transfer { from: 0, to: 1, amount: 1 };
        assert!(
            matches!(serve(&bank, &[order], 0)[..], [(refused, Refused::NoAccount(0))] if refused == order)
        );
    }
}

/// Both clients hold their first lock before either asks for the second.
#[test]
fn naive_deadlocks_and_the_one_who_is_refused_has_moved_nothing() {
    let detector = Detector::open(Recovery::Break);
    let both_hold_one = Barrier::new(2);
    let between = move || {
        both_hold_one.wait();
    };
    let bank = Naive::new(&detector, &[10, 10], Work::NONE, between).unwrap();
    let bank: Arc<dyn Bank> = Arc::new(bank);
    let orders = [Transfer { from: 0, to: 1, amount: 3 }, Transfer { from: 1, to: 0, amount: 4 }];
    let refused = serve(&bank, &orders, 2);
    let [(order, Refused::Deadlock(report))] = &refused[..] else { panic!("one is refused: {refused:?}") };
    assert_eq!(report.threads().len(), 2);
    assert!(report.is_cycle());
    let done = if order.from == 0 { orders[1] } else { orders[0] };
    assert_eq!(bank.balances().unwrap(), alone(&[10, 10], &[done]));
}

#[test]
fn orders_go_both_ways_between_two_accounts_and_repeat_with_their_seed() {
    let some = orders(3, 200, 1);
    assert_eq!(some, orders(3, 200, 1));
    assert_ne!(some, orders(3, 200, 2));
    assert!(
        some.iter().all(|order| order.from != order.to && order.from < 3 && order.to < 3 && order.amount > 0)
    );
    for (from, to) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)] {
        assert!(some.iter().any(|order| (order.from, order.to) == (from, to)));
    }
}

#[test]
fn a_closed_mailbox_gives_out_what_it_has_and_takes_no_more() {
    let mailbox = Mailbox::default();
    mailbox.put(1).unwrap();
    mailbox.put(2).unwrap();
    mailbox.close();
    assert_eq!(mailbox.put(3), Err(3));
    assert_eq!([mailbox.take(), mailbox.take(), mailbox.take()], [Some(1), Some(2), None]);
}

#[test]
fn an_abandoned_mailbox_drops_its_letters_and_wakes_its_reader() {
    let (mailbox, letter) = (Arc::new(Mailbox::default()), Arc::new(()));
    mailbox.put(Arc::clone(&letter)).unwrap();
    mailbox.abandon();
    assert_eq!(Arc::strong_count(&letter), 1);
    let empty = Arc::new(Mailbox::<()>::default());
    let theirs = Arc::clone(&empty);
    let reader = std::thread::spawn(move || theirs.take());
    empty.abandon();
    assert_eq!(reader.join().unwrap(), None);
}
