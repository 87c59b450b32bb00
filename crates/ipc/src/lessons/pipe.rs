//! What does a pipe promise, and when does its reader see the end?
//!
//! A pipe is a buffer in the kernel with two ends: bytes go in at one and come out at the other, in order. That is all. It
//! knows no messages, only this: a write of at most PIPE_BUF bytes (4096 on Linux) goes in as a whole or not at all, so that
//! several writers do not mix; a longer one may be torn. A full pipe makes its writer wait.
//!
//! The reader sees the end when the **last** copy of the writing end is closed. Whoever forgets one (a child that inherited
//! it, the parent itself) makes the reader wait for ever. A writer whose last reader has gone gets EPIPE.
//!
//! A named pipe (fifo(7)) is the same with a name in the file system. In Python: `multiprocessing.Pipe(duplex=False)`,
//! `os.pipe`, `os.mkfifo`.

use std::{
    fs::{self, OpenOptions},
    io::{self, PipeReader, Read, Write, pipe},
    os::unix::fs::OpenOptionsExt,
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::{
    event::PollFlags,
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    io::{Errno, ioctl_fionbio},
    pipe::fcntl_getpipe_size,
};

use super::{LIMIT, MOMENT, temporary};
use crate::{
    peer::{self, Peer},
    ready::{deadline, ready},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "pipe",
    question: "What does a pipe promise, and when does its reader see the end?",
    python: &["multiprocessing.Pipe(duplex=False)", "os.pipe", "os.mkfifo"],
    run,
    scenes: &[("counter", counter), ("holder", holder)],
};

/// Bytes that one write puts in as a whole, or not at all (pipe(7)).
const PIPE_BUF: usize = 4096;

fn run(story: &mut Story) -> lesson::Result {
    to_a_child(story)?;
    full(story)?;
    torn(story)?;
    forgotten(story)?;
    named(story)
}

fn to_a_child(story: &mut Story) -> lesson::Result {
    let (reader, mut writer) = pipe()?;
    let mut child = Peer::start("pipe", "counter", reader, &[])?;
    for _ in 0..100 {
        writer.write_all(&[7; 1000])?;
    }
    drop(writer);
    story.say("A child inherits the reading end as its standard input and counts until the end.");
    story.equal("all bytes came out, then the end", "100000", child.line(LIMIT)?.as_str());
    child.end(LIMIT)?;

    let (reader, mut writer) = pipe()?;
    drop(reader);
    let refused = writer.write(b"?").map_err(|error| error.kind());
    story.equal("without a reader a write fails (EPIPE)", Err(io::ErrorKind::BrokenPipe), refused);
    Ok(())
}

fn full(story: &mut Story) -> lesson::Result {
    let (_reader, mut writer) = pipe()?;
    // So that a full pipe is an error (EAGAIN) and we need not wait.
    ioctl_fionbio(&writer, true)?;
    let mut taken = 0;
    while let Ok(count) = writer.write(&[0; PIPE_BUF]) {
        taken += count;
    }
    story.say(format!("Nobody reads: the pipe takes {taken} bytes, and then a writer would wait."));
    story.equal("full is what F_GETPIPE_SZ says", fcntl_getpipe_size(&writer)?, taken);
    Ok(())
}

// ANCHOR: torn
/// Two writers and one free page. The short message does not fit and does not go in; the long one goes in by half, and
/// what another one writes comes in between.
fn torn(story: &mut Story) -> lesson::Result {
    let (mut reader, mut writer) = pipe()?;
    ioctl_fionbio(&writer, true)?;
    let mut other = writer.try_clone()?;
    let mut filled = 0;
    while let Ok(count) = writer.write(&[b'.'; PIPE_BUF]) {
        filled += count;
    }
    reader.read_exact(&mut [0; PIPE_BUF])?;
    let long = writer.write(&[b'A'; 2 * PIPE_BUF])?;
    story.equal("a write of 2 PIPE_BUF into room for one is cut", PIPE_BUF, long);
    reader.read_exact(&mut [0; PIPE_BUF])?;
    other.write_all(b"BBBB")?;
    // The page of the B has room for all of it but one byte.
    let short = other.write(&[b'C'; PIPE_BUF - 3]).map_err(|error| error.kind());
    story.equal(
        "a write below PIPE_BUF that does not fit as a whole puts nothing in",
        Err(io::ErrorKind::WouldBlock),
        short,
    );
    other.write_all(&[b'C'; PIPE_BUF - 4])?;
    reader.read_exact(&mut vec![0; filled - 2 * PIPE_BUF])?;
    writer.write_all(&[b'A'; PIPE_BUF])?;
    drop((writer, other));
    let seen = runs(reader)?;
    story.equal(
        "the long message is torn: another writer's bytes are in its middle",
        "4096 A, 4 B, 4092 C, 4096 A",
        seen.as_str(),
    );
    Ok(())
}
// ANCHOR_END: torn

fn forgotten(story: &mut Story) -> lesson::Result {
    let (mut reader, writer) = pipe()?;
    let mut holder = Peer::start("pipe", "holder", &writer, &[])?;
    holder.line(LIMIT)?;
    drop(writer);
    let ended = ready(&reader, PollFlags::IN, deadline(MOMENT))?;
    story.say("Broken: we have closed our writing end, and a child still has the copy that it inherited.");
    story.equal("the reader does not see the end", false, ended);
    holder.kill()?;
    let ended = ready(&reader, PollFlags::IN, deadline(LIMIT))?;
    story.equal("when the last copy goes, it does", (true, 0), (ended, reader.read(&mut [0])?));
    story.say("Cured: a descriptor made by std closes itself at exec (O_CLOEXEC), and is inherited only if one says so.");
    Ok(())
}

fn named(story: &mut Story) -> lesson::Result {
    let path = temporary("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let open = |write: bool| {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        OpenOptions::new().read(!write).write(write).custom_flags(flags).open(&path)
    };
    let nobody = open(true).map(drop).map_err(|error| error.raw_os_error());
    let mut reader = open(false)?;
    let mut writer = open(true)?;
    fs::remove_file(&path)?;
    writer.write_all(b"through a name")?;
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    story.equal(
        "a named pipe without a reader cannot be written to (ENXIO)",
        Err(Some(Errno::NXIO.raw_os_error())),
        nobody,
    );
    story.equal(
        "both ends were found by name, and outlive it",
        ("through a name", false),
        (text.as_str(), path.exists()),
    );
    Ok(())
}

/// What comes out, as lengths of the same letter.
fn runs(mut reader: PipeReader) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let runs = bytes.chunk_by(|left, right| left == right);
    Ok(runs.map(|run| format!("{} {}", run.len(), char::from(run[0]))).collect::<Vec<_>>().join(", "))
}

/// Counts what comes in, to the end.
fn counter() {
    peer::say(io::copy(&mut io::stdin().lock(), &mut io::sink()).expect("a pipe"));
}

/// Has the writing end as its standard input, does nothing with it, and is killed.
fn holder() {
    peer::say("holding");
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}
