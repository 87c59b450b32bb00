//! Every schedule of three philosophers, every state of five that eat for ever, and dinners on real threads.

use deadlock::philosophers::{
    Asymmetric, BackOff, ChandyMisra, Dinner, Explored, Naive, Ordered, Real, Seats, Strategy, Table, Waiter,
    both_free, dinner, endless, program,
};
use model::schedule::{Bounds, Failure, Outcome, Reach, explore};

/// Each eats once, and to eat takes a step. Returns how many schedules there are within the bounds.
fn no_schedule_fails<S: Strategy<Explored>>(bounds: &Bounds) -> u64 {
    match explore(bounds, 1, program::<S>(3, 1, true)) {
        Outcome::None(searched) => {
            assert_ne!(searched.reach, Reach::Some, "{searched}");
            searched.schedules
        }
        Outcome::Found { schedule, .. } => panic!("{}", schedule.draw(90)),
    }
}

/// Every schedule there is, and more than one of them.
fn all_is_well<S: Strategy<Explored>>() {
    assert!(no_schedule_fails::<S>(&Bounds::all()) > 100);
}

#[test]
fn naive_deadlocks_with_the_left_fork_in_every_hand() {
    let outcome = explore(&Bounds::all(), 1, program::<Naive<Explored>>(3, 1, false));
    let schedule = outcome.schedule().expect("it deadlocks");
    let Failure::Deadlock { waiting } = &schedule.failure else { panic!("{}", schedule.draw(90)) };
    let waiting: Vec<_> = waiting.iter().map(|(who, what, _)| (*who, what.as_str())).collect();
    assert_eq!(waiting, [(0, "lock fork 1"), (1, "lock fork 2"), (2, "lock fork 0")]);
}

#[test]
fn ordered_never_deadlocks() {
    all_is_well::<Ordered<Explored>>();
}

#[test]
fn asymmetric_never_deadlocks() {
    all_is_well::<Asymmetric<Explored>>();
}

#[test]
fn a_waiter_never_deadlocks_nor_gives_one_fork_to_two() {
    all_is_well::<Waiter<Explored>>();
}

#[test]
fn chandy_and_misra_never_deadlock_nor_give_one_fork_to_two() {
    all_is_well::<ChandyMisra<Explored>>();
}

/// There are more than 200,000 schedules in all; the states are looked at below.
#[test]
fn seats_never_deadlock_with_two_preemptions() {
    assert!(no_schedule_fails::<Seats<Explored>>(&Bounds::preemptions(2)) > 1_000);
}

/// Without a bound there is no end of schedules: two can give way to each other again and again.
#[test]
fn backing_off_never_deadlocks_with_three_preemptions() {
    assert!(no_schedule_fails::<BackOff<Explored>>(&Bounds::preemptions(3)) > 1_000);
}

#[test]
fn with_a_chair_fewer_there_is_no_state_in_which_all_are_stuck_and_with_one_more_there_is() {
    for seats in 2..=6 {
        let states = endless::seats(seats, seats - 1);
        assert!(states.all().len() > seats, "{}", states.all().len());
        assert_eq!(states.stuck(), None, "{seats} philosophers");
        let stuck = endless::seats(seats, seats).stuck().expect("everybody takes the left one");
        assert_eq!(stuck.len(), 2 * seats, "all sit down and take one fork");
    }
}

#[test]
fn backing_off_is_never_stuck_and_can_go_on_for_ever() {
    for seats in 2..=5 {
        assert_eq!(endless::back_off(seats).stuck(), None, "{seats} philosophers");
    }
    for seats in 2..=3 {
        let states = endless::back_off(seats);
        let all: Vec<usize> = (0..seats).collect();
        assert!(states.circle(&all, |at| !at.contains(&endless::At::Eats)).is_some());
    }
}

#[test]
fn in_no_state_of_chandy_and_misra_are_all_stuck() {
    for seats in 2..=5 {
        let states = endless::chandy_misra(seats);
        assert!(states.all().len() > 5, "{}", states.all().len());
        assert_eq!(states.stuck(), None);
    }
}

#[test]
fn with_chandy_and_misra_a_neighbour_goes_first_once_at_most() {
    for seats in 2..=5 {
        let states = endless::chandy_misra(seats);
        let most = states.all().iter().flat_map(|(_, overtook)| overtook).max();
        assert_eq!(most, Some(&1), "{seats} seats");
        let two_eat = |table: &Table| (0..seats).any(|who| table.eats(who) && table.eats((who + 1) % seats));
        assert!(!states.all().iter().any(|(table, _)| two_eat(table)), "neighbours eat at the same time");
    }
}

#[test]
fn a_waiter_can_let_one_starve_though_each_step_is_fair() {
    let states = endless::waiter(5, &[1, 4]);
    let starves = states.circle(&[1, 4], |forks| !both_free(forks, 0)).expect("a conspiracy");
    assert_eq!(starves.around.len(), 4, "{starves:?}");
    let alone = endless::waiter(5, &[1]);
    assert_eq!(alone.circle(&[1], |forks| !both_free(forks, 0)), None, "one alone cannot");
}

#[test]
fn all_meals_are_eaten_on_real_threads() {
    fn five<S: Strategy<Real>>() -> Dinner {
        dinner::<S>(5, 500)
    }
    for dinner in [
        five::<Ordered<Real>>(),
        five::<Asymmetric<Real>>(),
        five::<Waiter<Real>>(),
        five::<Seats<Real>>(),
        five::<BackOff<Real>>(),
        five::<ChandyMisra<Real>>(),
    ] {
        assert_eq!(dinner.meals, 2_500);
        assert_eq!(dinner.least_and_most().1, 500, "the first one was done then");
    }
}
