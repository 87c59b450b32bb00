//! What the ring promises to those who use it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use synchronization::ring::{self, Full, ZeroCapacity};

#[path = "support/drops.rs"]
mod drops;
use drops::Drops;

#[test]
fn zero_capacity_is_an_error() {
    assert_eq!(ring::try_channel::<u8>(0).err(), Some(ZeroCapacity));
    assert!(catch_unwind(|| ring::channel::<u8>(0)).is_err());
    assert_eq!(ZeroCapacity.to_string(), "a ring needs a capacity of at least 1");
}

#[test]
fn it_holds_its_capacity_and_no_more() {
    for capacity in 1..=9 {
        let (mut producer, mut consumer) = ring::channel(capacity);
        assert_eq!(producer.capacity(), capacity);
        for round in 0..3 {
            (0..capacity).for_each(|value| producer.push(value + round).unwrap());
            assert_eq!(producer.push(99), Err(Full(99)), "the value comes back");
            (0..capacity).for_each(|value| assert_eq!(consumer.pop(), Some(value + round)));
            assert_eq!(consumer.pop(), None);
        }
    }
}

#[test]
fn a_place_is_free_as_soon_as_one_is_popped() {
    let (mut producer, mut consumer) = ring::channel(1);
    for value in 0..10 {
        assert_eq!(producer.push(value), Ok(()));
        assert_eq!(producer.push(99), Err(Full(99)));
        assert_eq!(consumer.pop(), Some(value));
    }
}

#[test]
fn places_of_a_large_ring_come_back_in_batches() {
    let (mut producer, mut consumer) = ring::channel(128);
    (0..128).for_each(|value| producer.push(value).unwrap());
    for popped in 0..4 {
        assert_eq!(producer.push(99), Err(Full(99)));
        assert_eq!(consumer.pop(), Some(popped));
    }
    (128..132).for_each(|value| producer.push(value).unwrap());
    assert_eq!(producer.push(99), Err(Full(99)));
    (4..132).for_each(|value| assert_eq!(consumer.pop(), Some(value)));
}

#[test]
fn who_finds_a_large_ring_empty_gives_all_places_back() {
    let (mut producer, mut consumer) = ring::channel(128);
    for _ in 0..3 {
        producer.push(0).unwrap();
        assert_eq!((consumer.pop(), consumer.pop()), (Some(0), None));
        (0..128).for_each(|value| producer.push(value).unwrap());
        assert_eq!(producer.push(99), Err(Full(99)));
        (0..128).for_each(|value| assert_eq!(consumer.pop(), Some(value)));
    }
}

#[test]
fn values_without_a_size() {
    let (mut producer, mut consumer) = ring::channel(3);
    (0..3).for_each(|_| producer.push(()).unwrap());
    assert!(producer.push(()).is_err());
    assert_eq!(std::iter::from_fn(|| consumer.pop()).count(), 3);
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (producer, consumer) = ring::channel::<u8>(1);
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    drop(consumer);
    assert!(producer.is_abandoned());
    let (mut producer, mut consumer) = ring::channel(1);
    producer.push(7).unwrap();
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(7), None), "what was pushed is still there");
}

#[test]
fn each_value_is_dropped_once() {
    let drops = Drops::of(6);
    let (mut producer, mut consumer) = ring::channel(4);
    (0..3).for_each(|number| assert!(producer.push(drops.value(number)).is_ok()));
    drop(consumer.pop());
    drop(consumer.pop());
    assert_eq!(drops.counts(), [1, 1, 0, 0, 0, 0]);
    (3..6).for_each(|number| assert!(producer.push(drops.value(number)).is_ok()));
    drop(producer);
    drop(consumer);
    assert_eq!(drops.counts(), [1; 6]);
}

#[test]
fn what_was_popped_last_is_not_dropped_again() {
    let drops = Drops::of(5);
    let (mut producer, mut consumer) = ring::channel(128);
    (0..5).for_each(|number| assert!(producer.push(drops.value(number)).is_ok()));
    drop(consumer.pop());
    drop((producer, consumer));
    assert_eq!(drops.counts(), [1; 5]);
}

#[test]
fn a_drop_that_panics_keeps_no_other_value_alive() {
    let drops = Drops::of(3);
    let (mut producer, consumer) = ring::channel(4);
    assert!(producer.push(drops.panicking(0)).is_ok());
    (1..3).for_each(|number| assert!(producer.push(drops.value(number)).is_ok()));
    drop(producer);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(consumer))).is_err());
    assert_eq!(drops.counts(), [1; 3]);
}

#[test]
fn many_values_pass_in_order() {
    const VALUES: u64 = 100_000;
    for capacity in [1, 2, 7, 1024] {
        let (mut producer, mut consumer) = ring::channel(capacity);
        thread::scope(|scope| {
            scope.spawn(move || {
                for value in 0..VALUES / if capacity == 1 { 10 } else { 1 } {
                    let mut value = Box::new(value);
                    while let Err(Full(back)) = producer.push(value) {
                        value = back;
                        thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            loop {
                let last = consumer.is_abandoned();
                match consumer.pop() {
                    Some(value) => {
                        assert_eq!(*value, next);
                        next += 1;
                    }
                    None if last => break,
                    None => thread::yield_now(),
                }
            }
            assert_eq!(next, VALUES / if capacity == 1 { 10 } else { 1 });
        });
    }
}
