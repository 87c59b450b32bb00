//! Producers and consumers of a queue.

use std::{collections::BTreeSet, num::NonZeroUsize, thread};

use ipc::{
    Address,
    queue::{Consumer, Producer, QueueServer},
};
use processes::child::End;

use super::{ITEMS, LONG, a_moment, key, path, peer::Peer};

fn queue(name: &str) -> QueueServer {
    QueueServer::start(&Address::Path(path(name)), key(), NonZeroUsize::new(8)).unwrap()
}

pub(crate) fn producer_killed(time: u64) {
    let server = queue("producer");
    let consumer = Peer::start("consumer", server.address());
    let producer = Peer::start("producer", server.address());
    a_moment(time);
    producer.kill();
    let accepted = producer.said().1.len() as u32;
    // One may be in that its producer did not live to hear of. It is there as soon as its connection was read to the end;
    // so the end comes last: another producer's item, put behind it or before, is no matter, but closing is.
    Producer::connect(server.address(), &key()).unwrap().put_within(&u32::MAX.to_be_bytes(), LONG).unwrap();
    server.close();
    let (end, mut taken) = consumer.said();
    assert_eq!(end, End::Exited(0));
    taken.retain(|number| *number != u32::MAX);
    assert_eq!(taken, (0..taken.len() as u32).collect::<Vec<_>>(), "each once, in order");
    assert!((accepted..=accepted + 1).contains(&(taken.len() as u32)), "{accepted} accepted, {taken:?}");
}

pub(crate) fn consumer_killed(time: u64) {
    let server = queue("consumer");
    let consumer = Peer::start("consumer", server.address());
    let producer = Peer::start("producer", server.address());
    a_moment(time);
    consumer.kill();
    let (_, done) = consumer.said();
    let mut again = BTreeSet::new();
    let mut taken = Vec::new();
    thread::scope(|scope| {
        let drains = scope.spawn(|| {
            let mut queue = Consumer::connect(server.address(), &key()).unwrap();
            while let Some(item) = queue.get().unwrap() {
                let number = u32::from_be_bytes(item.bytes[..].try_into().unwrap());
                again.extend((item.attempt == 2).then_some(number));
                taken.push(number);
            }
        });
        assert_eq!(producer.said().0, End::Exited(0));
        server.close();
        drains.join().unwrap();
    });
    let all: BTreeSet<u32> = done.iter().chain(&taken).copied().collect();
    assert_eq!(all, (0..ITEMS).collect(), "none is lost");
    let twice: BTreeSet<u32> = done.iter().filter(|number| taken.contains(number)).copied().collect();
    assert!(
        twice.len() <= 1 && twice.is_subset(&again) && again.len() <= 1,
        "{twice:?} twice, {again:?} again"
    );
}
