//! A guardian is a process that takes names away when the one who created them is gone, however that one ended.
//!
//! It reads names from a pipe. A pipe ends when its last writer is gone, which no process can prevent, SIGKILL or not: what
//! is then still on the list is removed. In Python `multiprocessing.resource_tracker` does this for every program, and also
//! for segments that merely were attached to (but for `track=False`, since 3.13), whose owner finds them gone.
//!
//! It has limits: whoever kills the guardian too has the name left, and so has the moment between creating a segment
//! and telling the guardian. So tell it **before** creating. Memory without a name has neither.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::segment::{self, Name};

/// Our end of the pipe to a guardian.
#[derive(Debug)]
pub struct Guardian {
    process: Child,
    orders: Option<ChildStdin>,
}

impl Guardian {
    /// Starts `command`, a program that calls [`guard`] on its standard input.
    ///
    /// It gets a process group of its own: Ctrl-C in a terminal reaches all of a group, and it has to be there after us.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut process = command.process_group(0).stdin(Stdio::piped()).spawn()?;
        let orders = process.stdin.take();
        Ok(Self { process, orders })
    }

    /// The guardian's process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// From now on the name is taken away when we are gone. To be called before the segment is created; if it turns out that
    /// the name is another's, [`forget`](Self::forget) it at once.
    ///
    /// # Errors
    /// `BrokenPipe` when the guardian is gone; `InvalidInput` when no segment can have this name.
    pub fn watch(&mut self, name: &str) -> io::Result<()> {
        self.order('+', name)
    }

    /// The name is gone already.
    ///
    /// # Errors
    /// As [`watch`](Self::watch).
    pub fn forget(&mut self, name: &str) -> io::Result<()> {
        self.order('-', name)
    }

    fn order(&mut self, sign: char, name: &str) -> io::Result<()> {
        let name = Name::new(name).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // One write, so that no order is ever half there. Zero ends it: no name has that byte, while the end of a line
        // may be in one.
        orders.write_all(format!("{sign}{name}\0").as_bytes())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // The end of the pipe is its sign to clean up and to go; then there is no zombie.
        self.orders = None;
        let _ = self.process.wait();
    }
}

// ANCHOR: guard
/// The guardian's life: reads names until the pipe ends, then removes those that are left. Returns which of them were there.
///
/// # Errors
/// When the pipe cannot be read.
pub fn guard(orders: impl BufRead) -> io::Result<Vec<String>> {
    let mut watched = BTreeSet::new();
    for order in orders.split(b'\0') {
        let order = order?;
        // What is no order is left alone: nothing that we could do would be right.
        let Ok(order) = str::from_utf8(&order) else { continue };
        if let Some(name) = order.strip_prefix('+') {
            watched.insert(name.to_owned());
        } else if let Some(name) = order.strip_prefix('-') {
            watched.remove(name);
        }
    }
    Ok(watched.into_iter().filter(|name| segment::remove(name).is_ok()).collect())
}
// ANCHOR_END: guard
