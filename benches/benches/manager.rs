//! How many calls a second does a manager answer, against CPython's `multiprocessing.Manager` in the same minutes?
//!
//! The server is this program again, in a process of its own. One client, first with both ends on one core, then wherever
//! the system puts them; then four clients. A call is one `get` from a dict, or one `add` to a counter; with `get_each` the
//! calls go one behind the other and are not waited for one by one. Python, which has no such thing, is not compared where
//! there is no python3.

use std::{
    env,
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    thread,
};

use benches::peers::Peer;
use ipc::{
    Address,
    auth::Key,
    manager::{Manager, ManagerServer},
};
use lesson::measure::{Samples, ratio, seconds};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const CLIENTS: usize = 4;

fn main() {
    if let Some("serve") = env::args().nth(1).as_deref() {
        return serve();
    }
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, calls) = if quick { (3, 2_000) } else { (7, 10_000) };
    let python = Peer::python("manager");
    if let Err(why) = &python {
        println!("CPython is not compared: {why}");
    }
    let all = sched_getaffinity(None).expect("own affinity");
    let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).expect("a core");
    let mut one = CpuSet::new();
    one.set(first);
    for (place, cores) in [("both ends on one core", &one), ("any core", &all)] {
        sched_setaffinity(None, cores).expect("cores that were allowed");
        compare(place, python.as_ref().ok(), rounds, calls);
    }
}

fn compare(place: &str, python: Option<&Peer>, rounds: usize, calls: usize) {
    let server = Server::start();
    let manager = server.client();
    let (values, counter) = (manager.dict::<String, i64>("values"), manager.counter("number"));
    let (values, counter) = (values.expect("a dict"), counter.expect("a counter"));
    let key = "key".to_owned();
    values.insert(&key, &7).expect("inserted");
    let [mut reads, mut adds, mut each, mut many] = [const { Vec::new() }; 4];
    let keys = vec![key.clone(); calls];
    let [mut python_reads, mut python_adds] = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        reads.push(seconds(|| (0..calls).for_each(|_| assert_eq!(values.get(&key).expect("read"), Some(7)))));
        adds.push(seconds(|| (0..calls).for_each(|_| assert!(counter.add(1).is_ok()))));
        each.push(seconds(|| assert_eq!(values.get_each(&keys).expect("read"), vec![Some(7); calls])));
        many.push(server.by_many(calls));
        if let Some(done) = python.and_then(|python| run(python, calls)) {
            python_reads.push(done.0);
            python_adds.push(done.1);
        }
    }
    let counted = usize::try_from(counter.get().expect("read")).expect("positive");
    assert_eq!(counted, rounds * calls * 2, "no call was lost");
    println!("{place}:");
    let samples = |figures: Vec<f64>| figures.into_iter().collect::<Samples>();
    let [reads, adds, each, many] = [reads, adds, each, many].map(samples);
    let [python_reads, python_adds] = [python_reads, python_adds].map(samples);
    for (name, own, other) in [
        ("dict get", &reads, &python_reads),
        ("dict get_each", &each, &python_reads),
        ("counter add", &adds, &python_adds),
    ] {
        let each = own.median() / calls as f64;
        print!("  {name:13} {:7.1} us a call, {:8.0} calls/s", each * 1e6, 1.0 / each);
        match other.is_empty() {
            true => println!(),
            false => println!(
                "; CPython {:7.1} us, {:6.0} calls/s: {:.1}x",
                other.median() / calls as f64 * 1e6,
                calls as f64 / other.median(),
                ratio(other, own),
            ),
        }
    }
    println!("  {CLIENTS} clients     {:8.0} calls/s in all", calls as f64 / many.median());
}

/// Seconds for reads and for adds.
fn run(python: &Peer, calls: usize) -> Option<(f64, f64)> {
    match python.run(&[&calls.to_string()]) {
        Ok(done) => Some((done.answer.last()?.parse().ok()?, done.seconds)),
        Err(why) => {
            println!("CPython: {why}");
            None
        }
    }
}

/// The other process. It ends when its standard input does.
struct Server {
    child: Child,
    line: UnixStream,
    address: Address,
    key: Key,
}

impl Server {
    fn start() -> Self {
        let (mut line, theirs) = UnixStream::pair().expect("descriptors");
        let key = Key::random().expect("random bytes");
        let address = Address::Abstract(format!("rust-ipc-bench-{}-{:p}", std::process::id(), &key));
        let child = Command::new(env::current_exe().expect("a path"))
            .args(["serve", &address.to_string()])
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .spawn()
            .expect("this program again");
        line.write_all(key.bytes()).expect("the key is told");
        line.read_exact(&mut [0]).expect("it serves");
        Self { child, line, address, key }
    }

    fn client(&self) -> Manager {
        Manager::connect(&self.address, &self.key).expect("it serves")
    }

    /// As many calls in all, by several clients at once: seconds.
    fn by_many(&self, calls: usize) -> f64 {
        let clients = [(); CLIENTS].map(|()| self.client());
        seconds(|| {
            thread::scope(|scope| {
                for client in clients {
                    scope.spawn(move || {
                        let counter = client.counter("number").expect("a counter");
                        for _ in 0..calls / CLIENTS {
                            counter.add(1).expect("added");
                        }
                    });
                }
            });
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.line.shutdown(Shutdown::Both);
        let _ = self.child.wait();
    }
}

fn serve() {
    let mut key = [0; 32];
    io::stdin().lock().read_exact(&mut key).expect("a key");
    let address = env::args().nth(2).expect("an address").parse().expect("an address");
    let _server = ManagerServer::start(&address, Key::new(key)).expect("an address of our own");
    let line = UnixStream::from(rustix::io::dup(rustix::stdio::stdin()).expect("a descriptor"));
    (&line).write_all(&[1]).expect("told");
    let _ = (&line).read(&mut [0]);
}
