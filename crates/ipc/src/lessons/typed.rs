//! Can a channel between processes be as handy as one between threads?
//!
//! The crate ipc-channel (made for the Servo browser) has typed channels: whatever serde can write is sent, a channel can be
//! sent through a channel, a one-shot server makes the first one, a receiver set waits for many, and a region of shared memory
//! goes as a descriptor. On Linux each channel is a seqpacket socket, and a value is postcard.
//!
//! It has limits that its documentation does not tell; each is shown here in a process of its own, with a deadline, and beside
//! it how to live with it. `accept` hangs when the child dies before it connects. `send` has no time limit, and waits when
//! nobody reads. Two who both send 1 MiB first wait for each other. More than 64 channels in one message panic. There is no
//! type on the wire. Its directory in /tmp stays after a kill.
//!
//! In Python: `multiprocessing.Pipe()`, with pickle.

mod limits;

use std::{fs::File, io, thread};

use ipc_channel::{
    IpcError,
    ipc::{
        IpcOneShotServer, IpcReceiver, IpcReceiverSet, IpcSelectionResult, IpcSender, IpcSharedMemory,
        channel,
    },
};
use lesson::{Lesson, Story};
use processes::ended::ended_within;
use serde::{Deserialize, Serialize};

use super::LIMIT;
use crate::peer::{self, Peer};

pub(super) const LESSON: Lesson = Lesson {
    name: "typed",
    question: "Can a channel between processes be as handy as one between threads, and where are its limits?",
    python: &["multiprocessing.Pipe()", "Connection.send", "multiprocessing.connection.wait"],
    run,
    scenes: &[
        ("client", client),
        ("dies", dies),
        ("accept", limits::accept),
        ("unread", limits::unread),
        ("both", limits::both),
        ("many", limits::many),
    ],
};

const MIB: usize = 1 << 20;

/// The first message through a one-shot server: the channels for all others; or the news that none will come.
#[derive(Debug, Serialize, Deserialize)]
enum Hello {
    Here(IpcSender<String>, IpcReceiver<String>),
    Gone,
}

fn run(story: &mut Story) -> lesson::Result {
    handy(story)?;
    limits::first_contact(story)?;
    limits::waiting(story)?;
    limits::too_many(story)
}

fn handy(story: &mut Story) -> lesson::Result {
    let heard = greeted("client")?;
    story.equal(
        "one-shot server: a child sends us two channels, and we talk through them",
        Some("there and back"),
        heard.as_deref(),
    );

    let ((one, first), (two, second)) = (channel::<u64>()?, channel::<u64>()?);
    let mut set = IpcReceiverSet::new()?;
    set.add(first)?;
    set.add(second)?;
    one.send(1)?;
    two.send(20)?;
    drop((one, two));
    let (mut sum, mut closed) = (0, 0);
    while closed < 2 {
        for event in set.select()? {
            match event {
                IpcSelectionResult::MessageReceived(_, message) => sum += message.to::<u64>()?,
                IpcSelectionResult::ChannelClosed(_) => closed += 1,
            }
        }
    }
    story.equal("receiver set: messages of both, and both ends", (21, 2), (sum, closed));

    let (send, receive) = channel::<IpcSharedMemory>()?;
    send.send(IpcSharedMemory::from_byte(7, MIB))?;
    let region = receive.recv()?;
    story.equal(
        "shared memory goes as a descriptor: the region is there",
        (MIB, true),
        (region.len(), region.iter().all(|byte| *byte == 7)),
    );
    drop(send);
    story.equal(
        "a dead peer is an error at once",
        true,
        matches!(receive.recv(), Err(IpcError::Disconnected)),
    );

    let (send, receive) = channel::<u32>()?;
    send.send(7)?;
    let other: IpcReceiver<i32> = receive.to_opaque().to();
    story.equal(
        "no type on the wire: 7, sent as u32, is received as i32 without an error",
        -4,
        other.recv()?,
    );
    Ok(())
}

// ANCHOR: greeted
/// Starts a child that is to connect, and talks with it; `None` if it has died before. A thread watches the child's end.
fn greeted(scene: &str) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let (server, name) = IpcOneShotServer::<Hello>::new()?;
    let mut child = Peer::start("typed", scene, File::open("/dev/null")?, &[&name])?;
    let id = child.id();
    let heard = thread::scope(|scope| {
        scope.spawn(|| {
            // Too late (or after its limit) nobody listens at that name any more: an error, and all is well.
            let _ = ended_within(id, LIMIT);
            IpcSender::connect(name).and_then(|instead| instead.send(Hello::Gone).map_err(io::Error::other))
        });
        match server.accept()?.1 {
            Hello::Gone => Ok(None),
            Hello::Here(questions, answers) => {
                questions.send("there".into())?;
                Ok::<_, IpcError>(Some(answers.recv()?))
            }
        }
    })?;
    child.end(LIMIT)?;
    Ok(heard)
}
// ANCHOR_END: greeted

/// Connects to the name that it was told, sends the channels to talk through, and answers until the other side is gone.
fn client() {
    let server = IpcSender::connect(peer::word(0).expect("a name")).expect("a server");
    let (questions, asked) = channel::<String>().expect("a channel");
    let (answered, answers) = channel::<String>().expect("a channel");
    server.send(Hello::Here(questions, answers)).expect("sent");
    while let Ok(question) = asked.recv() {
        answered.send(question + " and back").expect("somebody listens");
    }
}

/// Dies before it connects.
fn dies() {}
