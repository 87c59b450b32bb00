//! Each strategy at a table of three: no deadlock and no fork in two hands, under every schedule and ordering (loom).

use deadlock::philosophers::{Asymmetric, BackOff, ChandyMisra, Ordered, Real, Seats, Strategy, Waiter};
use model::{Explore, cell::UnsafeCell, sync::Arc, thread};

/// Meals eaten with a fork. loom reports two accesses that nothing orders.
struct Used(UnsafeCell<u32>);

// SAFETY: it is accessed by those who hold its fork only; that this is one at a time is what is checked.
unsafe impl Sync for Used {}

/// Each eats once. The last philosopher is the first thread, as loom has room for five threads in all.
fn eat_once<S: Strategy<Real>>(seats: usize) {
    let table = Arc::new((S::new(seats), (0..seats).map(|_| Used(UnsafeCell::new(0))).collect::<Vec<_>>()));
    let dine = move |table: &(S, Vec<Used>), who: usize| {
        let (strategy, forks) = table;
        strategy.dine(who, || {
            for fork in [who, (who + 1) % seats] {
                // SAFETY: `Used` is accessed by the holder of the fork.
                forks[fork].0.with_mut(|meals| unsafe { *meals += 1 });
            }
        });
    };
    let others: Vec<_> = (1..seats)
        .map(|who| {
            let table = Arc::clone(&table);
            thread::spawn(move || dine(&table, who))
        })
        .collect();
    dine(&table, 0);
    others.into_iter().for_each(|other| other.join().unwrap());
    // SAFETY: all others are joined.
    table.1.iter().for_each(|fork| assert_eq!(fork.0.with(|meals| unsafe { *meals }), 2));
}

fn plan(name: &str, floor: u64) -> Explore {
    Explore::named(format!("philosophers: {name}, three")).floor(floor).iterations(1_000)
}

#[test]
fn ordered() {
    model::explore(&plan("ordered", 50).exhaustive(), || eat_once::<Ordered<Real>>(3));
}

#[test]
fn asymmetric() {
    model::explore(&plan("asymmetric", 50).exhaustive(), || eat_once::<Asymmetric<Real>>(3));
}

#[test]
fn waiter() {
    model::explore(&plan("waiter", 50).exhaustive(), || eat_once::<Waiter<Real>>(3));
}

/// Bounded: it takes two waits a meal, and loom would be at it for hours. All of its *states* are looked at in
/// `tests/philosophers.rs`.
#[test]
fn seats() {
    model::explore(&plan("seats", 500).preemptions(3), || eat_once::<Seats<Real>>(3));
}

/// Bounded: without a bound two can give way to each other for ever.
#[test]
fn back_off() {
    model::explore(&plan("back off", 50).preemptions(3), || eat_once::<BackOff<Real>>(3));
}

#[test]
fn chandy_misra() {
    model::explore(&plan("Chandy and Misra", 50).exhaustive(), || eat_once::<ChandyMisra<Real>>(3));
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use super::*;
    use deadlock::philosophers::{Lock, Monitor, Naive, World};
    use testkit::must_find;

    #[test]
    fn everybody_takes_the_left_one_first() {
        must_find("philosophers: left first", "deadlock", || {
            model::explore(&plan("naive", 2), || eat_once::<Naive<Real>>(3));
        });
    }

    /// As [`Seats`], with a chair for everybody.
    struct TooManySeats(<Real as World>::Monitor<usize>, Vec<<Real as World>::Lock>);

    impl Strategy<Real> for TooManySeats {
        fn new(seats: usize) -> Self {
            Self(Monitor::new("chairs", seats), (0..seats).map(|_| Lock::new("fork")).collect())
        }

        fn dine(&self, who: usize, eat: impl FnOnce()) {
            self.0.when(|free| *free > 0, |free| *free -= 1);
            {
                let _left = Lock::lock(&self.1[who]);
                let _right = Lock::lock(&self.1[(who + 1) % self.1.len()]);
                eat();
            }
            self.0.change(|free| *free += 1);
        }
    }

    #[test]
    fn one_chair_too_many() {
        must_find("philosophers: a chair for everybody", "deadlock", || {
            model::explore(&plan("as many seats", 2), || eat_once::<TooManySeats>(3));
        });
    }

    /// A waiter who looks at one of the two forks only.
    #[cfg(feature = "loom")]
    struct HalfBlindWaiter(<Real as World>::Monitor<Vec<bool>>);

    #[cfg(feature = "loom")]
    impl Strategy<Real> for HalfBlindWaiter {
        fn new(seats: usize) -> Self {
            Self(Monitor::new("waiter", vec![true; seats]))
        }

        fn dine(&self, who: usize, eat: impl FnOnce()) {
            self.0.when(|forks| forks[who], |forks| forks[who] = false);
            eat();
            self.0.change(|forks| forks[who] = true);
        }
    }

    #[cfg(feature = "loom")]
    #[test]
    fn a_waiter_who_looks_at_one_fork() {
        must_find("philosophers: the waiter looks at one fork", "Causality violation", || {
            model::explore(&plan("half blind", 2), || eat_once::<HalfBlindWaiter>(3));
        });
    }
}
