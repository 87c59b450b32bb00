//! What it costs to send a message to a thread, and to a process, and get it back: a word, and a table of 8 MiB.
//!
//! A thread gets a pointer: `mpsc::channel` moves the vector, and its bytes stay where they are. A process gets a copy,
//! through a pipe, and sends one back.

use std::{
    io::{self, Read, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::channel,
    thread,
};

use lesson::measure::{Samples, seconds};

use crate::own;

/// Bytes of a table.
const TABLE: usize = 8 << 20;
/// Words a round: one alone is over before a clock can tell.
const WORDS: usize = 200;

/// Seconds there and back: medians.
pub(super) struct Costs {
    pub(super) word_thread: f64,
    pub(super) word_process: f64,
    pub(super) table_thread: f64,
    pub(super) table_process: f64,
}

pub(super) fn costs(rounds: usize) -> io::Result<Costs> {
    let program = own::program()?;
    let mut child = Command::new(program).arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut there = child.stdin.take().ok_or_else(missing)?;
    let mut back = child.stdout.take().ok_or_else(missing)?;
    let (to_thread, orders) = channel::<Vec<u8>>();
    let (answer, from_thread) = channel();
    let echo = thread::spawn(move || orders.into_iter().try_for_each(|table| answer.send(table)));
    let mut samples: [Samples; 4] = Default::default();
    let mut by_thread = |table: Vec<u8>| -> Option<Vec<u8>> {
        to_thread.send(table).ok()?;
        from_thread.recv().ok()
    };
    let mut measured = || -> io::Result<()> {
        // One round more than is counted: the first pays for pages that nobody has touched yet.
        for round in 0..=rounds {
            let mut word = Some(vec![0; 8]);
            let mut table = Some(vec![1; TABLE]);
            let took = [
                seconds(|| (0..WORDS).for_each(|_| word = word.take().and_then(&mut by_thread)))
                    / WORDS as f64,
                by_process(&mut there, &mut back, &mut [0; 8], WORDS)? / WORDS as f64,
                seconds(|| table = table.take().and_then(&mut by_thread)),
                by_process(&mut there, &mut back, &mut vec![1; TABLE], 1)?,
            ];
            if word.is_none() || table.is_none() {
                return Err(io::Error::other("the thread that echoes has gone"));
            }
            if round > 0 {
                samples.iter_mut().zip(took).for_each(|(samples, took)| samples.push(took));
            }
        }
        Ok(())
    };
    let outcome = measured();
    // The ends of their inputs end both.
    drop((there, to_thread));
    let ended = child.wait();
    // What it could not send, nobody waits for any more.
    let _ = echo.join();
    outcome.and(ended)?;
    let [word_thread, word_process, table_thread, table_process] = samples.map(|samples| samples.median());
    Ok(Costs { word_thread, word_process, table_thread, table_process })
}

/// Seconds for `times` the message there and back.
fn by_process(
    there: &mut ChildStdin,
    back: &mut ChildStdout,
    message: &mut [u8],
    times: usize,
) -> io::Result<f64> {
    let sent = message.to_vec();
    let mut outcome = Ok(());
    let took = seconds(|| {
        for _ in 0..times {
            outcome = if message.len() <= 512 {
                // POSIX's least PIPE_BUF: it goes in at once.
                there.write_all(&sent).and_then(|()| back.read_exact(message))
            } else {
                // More than a pipe holds: someone has to read while we write.
                thread::scope(|scope| {
                    let writing = scope.spawn(|| there.write_all(&sent));
                    let read = back.read_exact(message);
                    writing.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).and(read)
                })
            };
            if outcome.is_err() {
                return;
            }
        }
    });
    outcome.map(|()| took)
}

/// The other side: copies standard input to standard output, as it comes, until it ends.
///
/// # Errors
/// What reading and writing say.
pub fn echo() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        output.write_all(&buffer[..count])?;
        output.flush()?;
    }
}
