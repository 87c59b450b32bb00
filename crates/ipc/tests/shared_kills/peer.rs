//! The other process: this binary again, in one of the parts.

use std::{
    env,
    io::Read,
    process::{Command, Stdio},
    thread,
};

use ipc::{
    Address, Connection,
    auth::prove,
    manager::{Manager, ManagerServer},
    queue::{Consumer, Producer, QueueServer},
};
use processes::child::{Child, End};

use super::{ITEMS, LONG, key, locks::add_to_both};

const PART: &str = "IPC_KILLS_PART";

/// A process that plays a part of [`play`].
pub(crate) struct Peer(pub(crate) Child);

impl Peer {
    pub(crate) fn start(part: &str, address: &Address) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["other_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
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

    pub(crate) fn kill(&self) {
        self.0.kill().unwrap();
    }

    /// All numbers that it has said by its end, each in whole.
    pub(crate) fn said(mut self) -> (End, Vec<u32>) {
        let mut text = Vec::new();
        self.0.stdout.take().unwrap().read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let numbers =
            text.lines().filter_map(|line| line.strip_prefix("N ")?.strip_suffix('.')?.parse().ok());
        (self.0.join(), numbers.collect())
    }
}

/// What the other process does.
pub(crate) fn play() {
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

fn begun() {
    use std::io::Write;
    std::io::stdout().write_all(&[0, b'\n']).unwrap();
    std::io::stdout().flush().unwrap();
}

fn say(number: u32) {
    println!("N {number}.");
}
