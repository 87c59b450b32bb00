//! The same server twice: it sends back what it gets. Once with a thread for each connection, once with a task.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    thread,
};

use tokio::{net::UnixListener, runtime::Builder, task::spawn_blocking};

use super::crowd::MESSAGE;
use crate::{Address, Listener, asynchronous::Connection, peer};

fn listen() -> Listener {
    let name = peer::word(0).expect("a name to listen at");
    let listener = Listener::bind(&Address::Abstract(name)).expect("nobody else has this name");
    peer::say("listening");
    listener
}

// ANCHOR: threads
/// A thread for each connection. If the system gives no more threads, the connection is closed.
pub(super) fn threads() {
    let listener = listen();
    // Without descriptors there is an error at each accept: that one is the end.
    while let Ok(connection) = listener.accept() {
        let stream = connection.as_fd().try_clone_to_owned().map(UnixStream::from);
        drop(connection);
        if let Ok(stream) = stream {
            // An error drops the stream, and so tells the client.
            let _ = thread::Builder::new().spawn(move || echo(stream));
        }
    }
}

fn echo(mut stream: UnixStream) -> io::Result<()> {
    let mut message = [0; MESSAGE];
    loop {
        stream.read_exact(&mut message)?;
        stream.write_all(&message)?;
    }
}
// ANCHOR_END: threads

// ANCHOR: tasks
/// A task for each connection, and one thread for all of them.
pub(super) fn tasks() {
    let runtime = Builder::new_current_thread().enable_io().build().expect("epoll");
    let ended: io::Result<()> = runtime.block_on(async {
        let socket = listen().as_fd().try_clone_to_owned()?;
        let listener = UnixListener::from_std(socket.into())?;
        loop {
            let (stream, _) = listener.accept().await?;
            let connection = Connection::new(OwnedFd::from(stream.into_std()?))?;
            tokio::spawn(async move {
                // An error is the end of this connection, and of nothing else.
                let _ = answer(connection).await;
            });
        }
    });
    drop(ended);
}

async fn answer(mut connection: Connection) -> Result<(), crate::frame::FrameError> {
    while let Some(message) = connection.receive().await? {
        let (first, message) = (message.first().copied(), message.to_vec());
        connection.send(&message).await?;
        match first {
            // Broken: the thread waits here, and all of its tasks with it.
            Some(b'B') => wait_for_input()?,
            Some(b'S') => spawn_blocking(wait_for_input).await.map_err(io::Error::from)??,
            _ => {}
        }
    }
    Ok(())
}

fn wait_for_input() -> io::Result<()> {
    io::stdin().read_exact(&mut [0])
}
// ANCHOR_END: tasks
