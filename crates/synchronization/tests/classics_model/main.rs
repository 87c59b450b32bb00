//! The seven classics under very many schedules, and the well-known wrong solutions, which must fail.
//!
//! shuttle's random walks for most, as five to ten threads are too many for loom; loom for the small ones.

mod twins;

use model::Explore;
use synchronization::classics::bounded_buffer;

fn plan(name: &str) -> Explore {
    Explore::named(format!("classics: {name}")).iterations(500)
}

#[test]
fn bounded_buffer_for_one_and_one() {
    model::explore(&plan("bounded buffer, one and one").floor(60), || {
        assert_eq!(bounded_buffer::run(1, 2, 1), [0, 1]);
    });
}

mod readers_and_writers {
    use super::*;
    use model::{
        cell::UnsafeCell,
        sync::{Arc, Condvar, Mutex},
        thread,
    };
    use synchronization::classics::readers_writers::{Priority, Role, Room};

    /// What only a lone writer may change. loom watches it.
    struct Shelf(UnsafeCell<[u32; 2]>);

    // SAFETY: it is written by a writer inside the room, who is alone, and read by readers inside; that this is so is
    // what is checked.
    unsafe impl Sync for Shelf {}

    impl Shelf {
        fn read(&self) {
            // SAFETY: as above.
            let [left, right] = self.0.with(|books| unsafe { *books });
            thread::yield_now();
            assert_eq!(left, right, "torn");
        }

        fn write(&self) {
            // SAFETY: as above.
            self.0.with_mut(|books| unsafe { (*books)[0] += 1 });
            thread::yield_now();
            // SAFETY: as above.
            self.0.with_mut(|books| unsafe { (*books)[1] += 1 });
        }
    }

    fn a_writer_is_alone(priority: Priority, preemptions: usize, floor: u64) {
        let plan = plan(&format!("readers and writers, {priority:?} first"));
        model::explore(&plan.preemptions(preemptions).floor(floor), move || {
            let shared = Arc::new((Room::new(priority), Shelf(UnsafeCell::new([0; 2]))));
            let others = [Role::Reader, Role::Writer].map(|role| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (room, shelf) = &*shared;
                    room.enter(role, || if role == Role::Reader { shelf.read() } else { shelf.write() });
                })
            });
            let (room, shelf) = &*shared;
            room.enter(Role::Writer, || shelf.write());
            room.try_enter(Role::Reader, || shelf.read());
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(room.try_enter(Role::Reader, || shelf.read()), Some(()), "all have left");
        });
    }

    #[test]
    fn readers_first() {
        a_writer_is_alone(Priority::Readers, 2, 200);
    }

    #[test]
    fn writers_first() {
        a_writer_is_alone(Priority::Writers, 2, 70);
    }

    #[test]
    fn first_come_first_served() {
        a_writer_is_alone(Priority::Arrival, 2, 40);
    }

    /// A reader is inside, a writer waits: may a second reader go in? And who comes first afterwards?
    fn who_goes_first(priority: Priority, barges: bool) {
        model::explore(&plan(&format!("who goes first: {priority:?}")).preemptions(2).floor(13), move || {
            let room = Arc::new(Room::new(priority));
            let order = Arc::new(Mutex::new(Vec::new()));
            let enter = |role| {
                let (room, order) = (Arc::clone(&room), Arc::clone(&order));
                thread::spawn(move || room.enter(role, || order.lock().unwrap().push(role)))
            };
            let (writer, reader) = room.enter(Role::Reader, || {
                let writer = enter(Role::Writer);
                while room.waiting() < 1 {
                    thread::yield_now();
                }
                assert_eq!(room.try_enter(Role::Reader, || ()).is_some(), barges);
                let reader = enter(Role::Reader);
                while room.waiting() < 2 && order.lock().unwrap().is_empty() {
                    thread::yield_now();
                }
                (writer, reader)
            });
            writer.join().unwrap();
            reader.join().unwrap();
            let first = if barges { Role::Reader } else { Role::Writer };
            assert_eq!(order.lock().unwrap()[0], first);
        });
    }

    /// A writer is inside, two readers wait; when it has left, each reader stays until the other has come too.
    fn readers_in_a_row_go_in_together(priority: Priority) {
        model::explore(
            &plan(&format!("two readers at a time: {priority:?}")).preemptions(2).floor(500),
            move || {
                let shared = Arc::new((Room::new(priority), Mutex::new(0), Condvar::new()));
                let read = || {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        let (room, inside, came) = &*shared;
                        room.enter(Role::Reader, || {
                            let mut inside = inside.lock().unwrap();
                            *inside += 1;
                            came.notify_all();
                            drop(came.wait_while(inside, |inside| *inside < 2).unwrap());
                        });
                    })
                };
                let readers = shared.0.enter(Role::Writer, || {
                    let readers = [read(), read()];
                    while shared.0.waiting() < 2 {
                        thread::yield_now();
                    }
                    readers
                });
                for reader in readers {
                    reader.join().unwrap();
                }
            },
        );
    }

    #[test]
    fn two_readers_at_a_time() {
        for priority in [Priority::Readers, Priority::Writers, Priority::Arrival] {
            readers_in_a_row_go_in_together(priority);
        }
    }

    #[test]
    fn a_reader_passes_a_writer_that_waits() {
        who_goes_first(Priority::Readers, true);
    }

    #[test]
    fn a_reader_waits_behind_a_writer() {
        who_goes_first(Priority::Writers, false);
    }

    #[test]
    fn a_reader_waits_for_its_turn() {
        who_goes_first(Priority::Arrival, false);
    }
}

/// Too many threads for loom.
#[cfg(not(feature = "loom"))]
mod large {
    use super::*;
    use synchronization::classics::{barber, bathroom, santa, smokers, water};

    #[test]
    fn bounded_buffer_for_many() {
        model::explore(&plan("bounded buffer, two and two"), || {
            assert_eq!(bounded_buffer::run(2, 2, 1), [0, 1, 2, 3]);
        });
    }

    #[test]
    fn sleeping_barber() {
        model::explore(&plan("sleeping barber"), || {
            let (served, sent_away) = barber::run(3, 1);
            assert!(served >= 1 && served + sent_away == 3);
        });
        model::explore(&plan("sleeping barber, chairs for all"), || assert_eq!(barber::run(3, 3), (3, 0)));
    }

    #[test]
    fn cigarette_smokers() {
        model::explore(&plan("cigarette smokers"), || {
            assert_eq!(smokers::run(&[0, 2, 1, 2]), [0, 2, 1, 2]);
        });
    }

    #[test]
    fn h2o() {
        model::explore(&plan("building water"), || assert_eq!(water::run(2), 2));
    }

    #[test]
    fn unisex_bathroom() {
        model::explore(&plan("unisex bathroom"), || assert_eq!(bathroom::run(2, 2), 8));
        model::explore(&plan("unisex bathroom, crowded"), || assert_eq!(bathroom::run(4, 1), 8));
    }

    #[test]
    fn santa_claus() {
        use santa::{Deed, Groups};
        model::explore(&plan("santa claus"), || {
            let deeds = santa::run(Groups { reindeer: 3, elves: 2 }, 2);
            let sleighs = deeds.iter().filter(|deed| **deed == Deed::Sleigh).count();
            assert_eq!((sleighs, deeds.len()), (1, 3));
        });
    }
}

#[cfg(feature = "shuttle")]
#[cfg(not(feature = "loom"))]
mod broken {
    use super::*;
    use synchronization::classics::smokers;
    use testkit::must_find;

    fn must_fail(name: &'static str, with: &str, scenario: impl Fn() + Send + Sync + 'static) {
        must_find(name, with, || {
            model::explore(&plan(name).iterations(5_000), scenario);
        });
    }

    #[test]
    fn smokers_that_take_one_thing_after_the_other() {
        must_fail("smokers: one thing after the other", "deadlock", || smokers::naive(2));
    }

    #[test]
    fn a_buffer_whose_mutex_is_taken_first() {
        must_fail("bounded buffer: the mutex first", "deadlock", twins::mutex_first);
    }

    #[test]
    fn a_barber_who_looks_before_he_sleeps() {
        must_fail("barber: looks, then sleeps", "deadlock", twins::barber_who_looks_first);
    }

    #[test]
    fn water_without_a_barrier() {
        must_fail("water: nobody waits for the bond", "not water", twins::water_without_a_barrier);
    }

    #[test]
    fn a_bathroom_that_is_looked_into() {
        must_fail("bathroom: looks, then enters", "both sexes", twins::bathroom_that_is_looked_into);
    }

    #[test]
    fn elves_without_a_door() {
        must_fail("santa: elves without a door", "in threes", twins::elves_without_a_door);
    }
}
