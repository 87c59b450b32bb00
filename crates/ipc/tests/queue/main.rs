//! The queue by its public ends: order, bounds, limits, ends; and nothing that was accepted is lost.

mod ends;
mod items;
mod limits;

use std::{num::NonZeroUsize, time::Duration};

use ipc::{
    Address,
    auth::Key,
    queue::{Consumer, Delivery, Producer, QueueServer},
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(10);

fn key() -> Key {
    Key::new("the key of these tests")
}

fn server(name: &str, capacity: usize) -> QueueServer {
    let address = Address::Abstract(format!("rust-ipc-queue-{}-{name}", std::process::id()));
    QueueServer::start(&address, key(), NonZeroUsize::new(capacity)).unwrap()
}

fn producer(server: &QueueServer) -> Producer {
    Producer::connect(server.address(), &key()).unwrap()
}

fn consumer(server: &QueueServer) -> Consumer {
    Consumer::connect(server.address(), &key()).unwrap()
}

fn first(bytes: &[u8]) -> Option<Delivery> {
    Some(Delivery { bytes: bytes.into(), attempt: 1 })
}
