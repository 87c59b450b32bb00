//! The banker against a search of everything that can happen, and what he refuses.

use std::collections::HashMap;

use deadlock::banker::{Answer, Banker, BankerError};
use proptest::prelude::*;

#[test]
fn what_makes_no_sense_is_an_error() {
    assert_eq!(Banker::new([3], vec![[1], [4]]).unwrap_err(), BankerError::MoreThanThereIs(1));
    let mut banker = Banker::new([3], vec![[2]]).unwrap();
    assert_eq!(banker.request(0, [3]).unwrap_err(), BankerError::MoreThanAgreed(0));
    assert_eq!(banker.request(7, [1]).unwrap_err(), BankerError::Nobody(7));
    assert_eq!(banker.give_back(0, [1]).unwrap_err(), BankerError::MoreThanLent(0));
    assert_eq!(banker.give_back(7, [0]).unwrap_err(), BankerError::Nobody(7));
    assert_eq!(banker.free(), [3]);
}

/// Dijkstra's word for word: can the game be ended whatever the customers do? Each may ask for one unit more at any
/// time and gives back only when he has had all. Looks at every state, knows nothing of orders.
fn can_always_end(banker: &Banker<2>, known: &mut HashMap<Banker<2>, bool>) -> bool {
    if let Some(known) = known.get(banker) {
        return *known;
    }
    let customers = banker.lent().len();
    // Worst case: everybody wants his maximum now. The bank chooses whom to give the next unit.
    let ended = |who: usize| banker.lent()[who] == [0; 2];
    let mut can = (0..customers).all(ended);
    for who in 0..customers {
        let (mut after, need) = (banker.clone(), banker.need(who).unwrap());
        if need == [0; 2] && !ended(who) {
            let lent = banker.lent()[who];
            after.give_back(who, lent).unwrap();
            can |= can_always_end(&after, known);
        }
        for unit in [[1, 0], [0, 1]] {
            let mut after = banker.clone();
            let wants = !ended(who) && unit.iter().zip(&need).all(|(unit, need)| unit <= need);
            if !can && wants && after.request_carelessly(who, unit).unwrap() == Answer::Granted {
                can |= can_always_end(&after, known);
            }
        }
    }
    known.insert(banker.clone(), can);
    can
}

/// A bank and what it has lent, safe or not.
fn banks() -> impl Strategy<Value = Banker<2>> {
    let customers = prop::collection::vec(([0..4_u32, 0..4], [0..4_u32, 0..4]), 1..4);
    ([3..7_u32, 3..7], customers).prop_map(|(units, customers)| {
        let mut banker = Banker::new(units, customers.iter().map(|(most, _)| *most).collect()).unwrap();
        for (who, (most, lent)) in customers.iter().enumerate() {
            let lent = [lent[0].min(most[0]), lent[1].min(most[1])];
            // What is not there any more stays there.
            banker.request_carelessly(who, lent).unwrap();
        }
        banker
    })
}

proptest! {
    #[test]
    fn safe_is_what_a_search_of_everything_calls_safe(banker in banks()) {
        prop_assert_eq!(banker.safe_order().is_some(), can_always_end(&banker, &mut HashMap::new()));
    }

    /// In the order that is named each can get all he may need, one after the other.
    #[test]
    fn the_order_keeps_its_word(banker in banks()) {
        let Some(order) = banker.safe_order() else { return Ok(()) };
        let mut banker = banker;
        for who in order {
            let need = banker.need(who).unwrap();
            prop_assert_eq!(banker.request_carelessly(who, need).unwrap(), Answer::Granted);
            let lent = banker.lent()[who];
            banker.give_back(who, lent).unwrap();
        }
    }

    /// Whatever is asked for in whatever order: the state is safe after each answer, and no unit is lost.
    #[test]
    fn requests_never_lead_out_of_the_safe_states(
        wanted in prop::collection::vec((0..3_usize, [0..3_u32, 0..3], any::<bool>()), 0..40),
    ) {
        let mut banker = Banker::new([5, 4], vec![[4, 2], [3, 3], [5, 4]]).unwrap();
        for (who, units, back) in wanted {
            if back {
                let _ = banker.give_back(who, units);
            } else {
                let before = banker.clone();
                let answer = banker.request(who, units);
                prop_assert!(answer == Ok(Answer::Granted) || banker == before, "a refusal changes nothing");
            }
            prop_assert!(banker.safe_order().is_some());
            let lent = banker.lent().iter().fold([0, 0], |sum, lent| [sum[0] + lent[0], sum[1] + lent[1]]);
            let free = banker.free();
            prop_assert_eq!([lent[0] + free[0], lent[1] + free[1]], [5, 4]);
        }
    }
}
