//! Each call on queue, stack and ring takes effect at one moment, under every schedule tried; two wrong ones are found.
//!
//! For shuttle (and one plain run), not for loom: there "the put had returned before the take began" orders nothing by
//! itself, and a take may rightly miss a put that nothing has told it of. On real threads the recorder's clock tells it.

#![cfg(not(feature = "loom"))]

use std::sync::Arc as StdArc;

use model::{Explore, sync::Arc, thread};
use synchronization::{MsQueue, Stack};

#[path = "support/containers.rs"]
mod containers;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/linearizability.rs"]
mod linearizability;
use containers::{Container, Ring};
use gate::Gate;
use linearizability::{Recorder, What, assert_linearizable};

/// Two threads beside the first, two calls each.
fn record<C: Container>(container: C, call: fn(&C, u32, u32) -> What, actors: u32) {
    let (container, recorder, gate) = (Arc::new(container), StdArc::new(Recorder::default()), Gate::new());
    let act = |actor| {
        let (container, recorder, gate) = (Arc::clone(&container), StdArc::clone(&recorder), gate.clone());
        move || {
            gate.enter();
            (0..2).for_each(|turn| recorder.call(|| call(&container, actor, turn)));
        }
    };
    let others: Vec<_> = (1..actors).map(|actor| thread::spawn(act(actor))).collect();
    act(0)();
    others.into_iter().for_each(|other| other.join().unwrap());
    recorder.call(|| container.take());
    assert_linearizable(&recorder, container.object());
}

/// The first puts two, the second puts and takes, the third takes two.
fn either<C: Container>(container: &C, actor: u32, turn: u32) -> What {
    if actor + turn < 2 { container.put(10 * actor + turn) } else { container.take() }
}

#[test]
fn stack() {
    model::explore(&Explore::named("linearizable: stack"), || {
        record(Stack::new(), either, 3);
    });
}

#[test]
fn ms_queue() {
    model::explore(&Explore::named("linearizable: ms_queue"), || {
        record(MsQueue::new(), either, 3);
    });
}

#[test]
fn ring() {
    model::explore(&Explore::named("linearizable: ring"), || {
        record(Ring::new(), |ring, actor, turn| if actor == 0 { ring.put(turn) } else { ring.take() }, 2);
    });
}

#[cfg(feature = "shuttle")]
mod broken {
    use containers::{LooksThenTakes, TwoLanes};
    use testkit::must_find;

    use super::*;

    #[test]
    fn look_then_take() {
        must_find("linearizable: look, then take", "not linearizable", || {
            model::explore(&Explore::named("look, then take"), || {
                record(LooksThenTakes::default(), either, 3);
            });
        });
    }

    #[test]
    fn two_lanes() {
        must_find("linearizable: a queue of two lanes", "not linearizable", || {
            model::explore(&Explore::named("two lanes"), || record(TwoLanes::default(), either, 3));
        });
    }
}
