//! Calls whose replies come in every order, late, twice, never, or are no replies; and a server that is told nonsense.

mod calls;
mod deadlines;
mod refusals;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use ipc::{
    Connection,
    rpc::{
        Client, Limits, Methods, ServeError, serve,
        wire::{Outcome, Reply, Request},
    },
};

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// A deadline that is to pass.
const SHORT: Duration = Duration::from_millis(20);

/// A client, and the other end, where the test plays the server.
fn played() -> (Client, Connection) {
    let (ours, theirs) = Connection::pair().unwrap();
    (Client::new(ours).unwrap(), theirs)
}

/// The number of the next call that comes; what else comes before it is passed over.
fn next_call(server: &mut Connection) -> u64 {
    loop {
        let request = server.receive_within(LONG).unwrap().expect("the client is there");
        if let Request::Call { id, .. } = Request::decode(request).unwrap() {
            return id;
        }
    }
}

fn reply(server: &mut Connection, id: u64, result: &[u8]) {
    server.send(&Reply { id, outcome: Outcome::Done(result) }.encode()).unwrap();
}

/// Serves `methods`, and gives a client to `act`; what `serve` returned.
fn served<T>(
    methods: &Methods,
    limits: Limits,
    act: impl FnOnce(Client) -> T,
) -> (T, Result<(), ServeError>) {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(theirs, methods, limits));
        let acted = act(Client::new(ours).unwrap());
        (acted, server.join().unwrap())
    })
}

/// A method `hold` that says when it has begun and ends when it is let go or nobody wants it, and a method `count`.
fn held() -> (Methods, mpsc::Receiver<()>, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel::<()>());
    let (goes, counted) = (std::sync::Mutex::new(goes), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&counted);
    let methods = Methods::new()
        .with("hold", move |_, context| {
            begun.send(()).unwrap();
            while context.is_wanted() {
                if goes.lock().unwrap().recv_timeout(Duration::from_millis(1)).is_ok() {
                    return Ok(b"let go".to_vec());
                }
            }
            Err("nobody waits".into())
        })
        .with("count", move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Vec::new())
        });
    (methods, begins, go, counted)
}
