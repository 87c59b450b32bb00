//! How does an open file get into another process, and who closes it if nobody takes it?
//!
//! A message over a Unix socket may carry descriptors (SCM_RIGHTS). The receiver gets descriptors of the same *open files*:
//! with their position, their permissions, though it could never have opened them by name. So a server opens for those who may
//! not, a parent hands on connections, and memory without a name is shared.
//!
//! On the way the files are open too. If nobody takes them (a plain `read`, no room, the socket closed) the kernel closes them:
//! nothing leaks, and nobody is told. So a receiver says how much room it has, and looks whether it was too little.
//!
//! In Python: `socket.send_fds`, `multiprocessing.reduction.send_handle`.

use std::{
    fs::{self, File},
    io::{PipeReader, Read, Seek, Write, pipe},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use lesson::{Lesson, Story};
use rustix::event::PollFlags;

use super::{LIMIT, MOMENT, temporary};
use crate::{
    descriptors::{self, DescriptorsError, MOST},
    peer::{self, Peer},
    ready::{deadline, ready},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "descriptors",
    question: "How does an open file get into another process, and who closes it if nobody takes it?",
    python: &["socket.send_fds", "socket.recv_fds", "multiprocessing.reduction.send_handle"],
    run,
    scenes: &[("reader", reader)],
};

fn run(story: &mut Story) -> lesson::Result {
    handed_over(story)?;
    several(story)?;
    nobody(story)
}

fn handed_over(story: &mut Story) -> lesson::Result {
    let path = temporary("handed");
    fs::write(&path, "0123456789")?;
    let mut file = File::open(&path)?;
    fs::remove_file(&path)?;
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Peer::start("descriptors", "reader", &theirs, &[])?;
    drop(theirs);
    descriptors::send(&ours, &[file.as_fd()])?;
    story.say("A file without a name any more goes to a child, which reads four bytes of it.");
    story.equal("the child reads it", "0123", child.line(LIMIT)?.as_str());
    child.end(LIMIT)?;
    story.equal("it is the same open file: our position has moved too", 4, file.stream_position()?);
    Ok(())
}

fn several(story: &mut Story) -> lesson::Result {
    let (ours, theirs) = UnixStream::pair()?;
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (reader, writer) = pipe()?;
        readers.push(reader);
        writers.push(writer);
    }
    descriptors::send(&ours, &readers.iter().map(AsFd::as_fd).collect::<Vec<_>>())?;
    for (number, writer) in writers.iter_mut().enumerate() {
        writer.write_all(&[number as u8])?;
    }
    let mut numbers = Vec::new();
    for file in descriptors::receive(&theirs, 3)? {
        let mut byte = [9];
        PipeReader::from(file).read_exact(&mut byte)?;
        numbers.push(byte[0]);
    }
    story.equal("three at once come in the order in which they went", vec![0, 1, 2], numbers);
    let file = File::open("/dev/null")?;
    descriptors::send(&ours, &vec![file.as_fd(); MOST])?;
    match descriptors::receive(&theirs, MOST) {
        Err(why @ DescriptorsError::NoRoom(_)) => story.skip("a message takes 253", "253", why.to_string()),
        files => story.equal("a message takes 253", MOST, files?.len()),
    }
    let refused = descriptors::send(&ours, &vec![file.as_fd(); MOST + 1]).map_err(|error| error.to_string());
    story.equal(
        "and one more is refused",
        Err("254 descriptors, where a message takes at most 253".to_owned()),
        refused,
    );
    Ok(())
}

// ANCHOR: nobody
/// The writing end of a pipe goes on its way and ours is closed: its reader sees the end as soon as the last copy is gone.
fn nobody(story: &mut Story) -> lesson::Result {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    let on_its_way = |socket: &UnixStream| -> Result<PipeReader, Box<dyn std::error::Error>> {
        let (reader, writer) = pipe()?;
        descriptors::send(socket, &[writer.as_fd()])?;
        Ok(reader)
    };
    let reader = on_its_way(&ours)?;
    story.equal(
        "on its way it is open, though no process has it",
        false,
        ready(&reader, PollFlags::IN, deadline(MOMENT))?,
    );
    theirs.read_exact(&mut [0])?;
    story.equal("a plain read takes the byte, and the kernel closes the descriptor", true, closed(&reader)?);

    let reader = on_its_way(&ours)?;
    let refused =
        descriptors::receive(&theirs, 0).map(|files| files.len()).map_err(|error| error.to_string());
    story.equal(
        "more than were expected: an error",
        Err("more descriptors than the 0 that were expected".to_owned()),
        refused,
    );
    story.equal("and what came is closed", true, closed(&reader)?);

    let reader = on_its_way(&ours)?;
    drop(theirs);
    story.equal("the socket is closed with the message unread: so is the descriptor", true, closed(&reader)?);
    story.equal("and the sender learns it at its next write only", true, ours.write_all(&[0]).is_err());
    Ok(())
}
// ANCHOR_END: nobody

fn closed(mut reader: &PipeReader) -> std::io::Result<bool> {
    Ok(ready(reader, PollFlags::IN, deadline(LIMIT))? && reader.read(&mut [0])? == 0)
}

/// Takes a file from the socket that it was given, and reads four bytes of it.
fn reader() {
    let socket: OwnedFd = peer::given().expect("a socket");
    let file = descriptors::receive(socket, 1).expect("a message").pop().expect("a file");
    let mut bytes = [0; 4];
    File::from(file).read_exact(&mut bytes).expect("four bytes");
    peer::say(String::from_utf8_lossy(&bytes));
}
