//! Producers, consumers, holders of locks, strangers and servers killed at random moments: the others go on, nothing that was
//! accepted is lost, each error comes at once, and nothing is left.
//!
//! `cargo test -p ipc --test shared_kills -- --ignored` kills a thousand. The other processes are this binary again.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Read,
    num::NonZeroUsize,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection, Listener,
    auth::{Door, Key, prove},
    manager::{Manager, ManagerError, ManagerServer},
    queue::{Consumer, Producer, QueueError, QueueServer},
};
use processes::child::{Child, End};
use testkit::LeakGuard;

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
const ITEMS: u32 = 200;
const PART: &str = "IPC_KILLS_PART";

fn key() -> Key {
    Key::new("the key of these tests")
}

/// A directory of our own: whoever replaces a stale socket locks its directory, and others work in the common one.
fn directory() -> PathBuf {
    env::temp_dir().join(format!("rust-ipc-kills-{}", std::process::id()))
}

fn path(name: &str) -> PathBuf {
    directory().join(name)
}

/// A process that plays a part of [`peer`].
struct Peer(Child);

impl Peer {
    fn start(part: &str, address: &Address) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["peer", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(PART, format!("{part} {address}")).stdin(Stdio::null());
        let child = Child::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
        let mut peer = Self(child);
        peer.begins();
        peer
    }

    /// It says a zero byte when it has connected, or serves.
    fn begins(&mut self) {
        let mut byte = [1];
        while byte != [0] {
            self.0.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        }
    }

    fn kill(&self) {
        self.0.kill().unwrap();
    }

    /// All numbers that it has said by its end, each in whole.
    fn said(mut self) -> (End, Vec<u32>) {
        let mut text = Vec::new();
        self.0.stdout.take().unwrap().read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let numbers =
            text.lines().filter_map(|line| line.strip_prefix("N ")?.strip_suffix('.')?.parse().ok());
        (self.0.join(), numbers.collect())
    }
}

fn begun() {
    use std::io::Write;
    std::io::stdout().write_all(&[0, b'\n']).unwrap();
    std::io::stdout().flush().unwrap();
}

fn say(number: u32) {
    println!("N {number}.");
}

/// What the other process does.
#[test]
#[ignore = "another process of the tests here: alone it does nothing"]
fn peer() {
    let Ok(part) = env::var(PART) else { return };
    let (part, address) = part.split_once(' ').unwrap();
    let address: Address = address.parse().unwrap();
    match part {
        "producer" => {
            let mut queue = Producer::connect(&address, &key()).unwrap();
            begun();
            for number in 0..ITEMS {
                queue.put_within(&number.to_be_bytes(), LONG).unwrap();
                say(number);
            }
            queue.close(LONG).unwrap();
        }
        "consumer" => {
            let mut queue = Consumer::connect(&address, &key()).unwrap();
            begun();
            // The work is done when the number is said; the next `get` reports it.
            while let Some(item) = queue.get().unwrap() {
                say(u32::from_be_bytes(item.bytes[..].try_into().unwrap()));
            }
        }
        "locker" => {
            let manager = Manager::connect(&address, &key()).unwrap();
            begun();
            for number in 0.. {
                add_to_both(&manager);
                say(number);
            }
        }
        "stranger" => {
            begun();
            loop {
                let _ = prove(Connection::connect(&address).unwrap(), &key(), LONG).unwrap();
            }
        }
        "servers" => {
            let _manager = ManagerServer::start(&address, key()).unwrap();
            let Address::Path(path) = address else { panic!("a path") };
            let _queue =
                QueueServer::start(&Address::Path(path.with_extension("queue")), key(), None).unwrap();
            begun();
            thread::sleep(LONG);
        }
        other => panic!("no such part: {other}"),
    }
}

/// Two numbers that are equal whenever nobody holds the lock: whoever gets it after a death makes them so.
fn add_to_both(manager: &Manager) -> i64 {
    let both = manager.dict::<u8, i64>("both").unwrap();
    let lock = manager.lock("lock").unwrap();
    let held = lock.acquire_within(LONG).unwrap();
    let [mut first, mut second] = [0, 1].map(|which| both.get(&which).unwrap().unwrap_or_default());
    if held.is_after_death() {
        second = first;
    }
    assert_eq!(first, second, "half done, and nobody has been told");
    first += 1;
    second += 1;
    both.insert(&0, &first).unwrap();
    both.insert(&1, &second).unwrap();
    held.release().unwrap();
    first
}

/// A moment between 0 and 3 ms, another one each time.
fn a_moment(time: u64) {
    thread::sleep(Duration::from_nanos(testkit::mix(time) % 3_000_000));
}

fn queue(name: &str) -> QueueServer {
    QueueServer::start(&Address::Path(path(name)), key(), NonZeroUsize::new(8)).unwrap()
}

fn producer_killed(time: u64) {
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

fn consumer_killed(time: u64) {
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

fn holder_killed(time: u64) {
    let server = ManagerServer::start(&Address::Path(path("holder")), key()).unwrap();
    let [victim, other] = [(); 2].map(|()| Peer::start("locker", server.address()));
    a_moment(time);
    victim.kill();
    let manager = Manager::connect(server.address(), &key()).unwrap();
    for _ in 0..3 {
        add_to_both(&manager);
    }
    other.kill();
    let added = victim.said().1.len() + other.said().1.len() + 3;
    // Both are dead; each may have added once more than it lived to say.
    let sum = add_to_both(&manager) - 1;
    assert!((added..=added + 2).contains(&(sum as usize)), "{added} said, {sum} counted");
}

fn stranger_killed(time: u64) {
    let mut door = Door::new(Listener::bind(&Address::Path(path("door"))).unwrap(), key());
    let address = door.address().clone();
    let stranger = thread::scope(|scope| {
        let started = scope.spawn(|| Peer::start("stranger", &address));
        let _ = door.accept_within(LONG).unwrap();
        started.join().unwrap()
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            a_moment(time);
            stranger.kill();
            // What it left unsaid is no matter to the next.
            prove(Connection::connect(&address).unwrap(), &key(), LONG).unwrap().send(b"me").unwrap();
        });
        let me = std::process::id();
        let mut ours = loop {
            let inside = door.accept_within(LONG).unwrap();
            // A dead one may be let in: it had proven itself.
            if ipc::auth::credentials(&inside).unwrap().pid == me {
                break inside;
            }
        };
        assert_eq!(ours.receive_within(LONG).unwrap(), Some(&b"me"[..]));
    });
}

fn servers_killed(time: u64) {
    let (at, queue_at) = (path("servers"), path("servers").with_extension("queue"));
    let (address, queue_address) = (Address::Path(at.clone()), Address::Path(queue_at.clone()));
    let server = Peer::start("servers", &address);
    let manager = Manager::connect(&address, &key()).unwrap();
    let mut producer = Producer::connect(&queue_address, &key()).unwrap();
    let mut consumer = Consumer::connect(&queue_address, &key()).unwrap();
    let mut idle = Consumer::connect(&queue_address, &key()).unwrap();
    thread::scope(|scope| {
        let calls = scope.spawn(move || {
            loop {
                if let Err(error) = manager.counter("n").and_then(|counter| counter.add(1)) {
                    return error;
                }
            }
        });
        let puts = scope.spawn(move || {
            loop {
                if let Err(error) = producer.put_within(b"item", LONG) {
                    return error;
                }
            }
        });
        let gets = scope.spawn(move || {
            loop {
                if let Err(error) = consumer.get() {
                    return error;
                }
            }
        });
        a_moment(time);
        server.kill();
        assert!(matches!(calls.join().unwrap(), ManagerError::Gone));
        assert!(matches!(puts.join().unwrap(), QueueError::Gone { .. }));
        assert!(matches!(gets.join().unwrap(), QueueError::Gone { .. }));
        assert!(matches!(idle.get(), Err(QueueError::Gone { .. })));
    });
    // Its connections may end before its listeners do.
    assert_eq!(server.0.join(), End::Killed(9));
    // What it has left in the file system is in nobody's way, and goes with the next one.
    assert!(at.exists() && queue_at.exists());
    drop(ManagerServer::start(&address, key()).unwrap());
    drop(QueueServer::start(&queue_address, key(), None).unwrap());
    assert!(!at.exists() && !queue_at.exists());
}

fn kill(times: u64) {
    let guard = LeakGuard::new("rust-ipc-kills");
    fs::create_dir_all(directory()).unwrap();
    for time in 0..times {
        match time % 5 {
            0 => producer_killed(time),
            1 => consumer_killed(time),
            2 => holder_killed(time),
            3 => stranger_killed(time),
            _ => servers_killed(time),
        }
    }
    // Only if it is empty.
    fs::remove_dir(directory()).unwrap();
    guard.check().unwrap();
}

#[test]
fn fifty_are_killed() {
    kill(50);
}

#[test]
#[ignore = "takes a minute: just chaos"]
fn a_thousand_are_killed() {
    kill(1_000);
}
