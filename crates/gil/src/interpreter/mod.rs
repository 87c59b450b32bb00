//! An interpreter that is just large enough for the question where the lock may change hands: fourteen bytecodes, and
//! a checkpoint where CPython (3.10 and later) has one: at the end of a loop, where a function begins, after a call.
//!
//! What is *not* in between is as important: from a load to the store after it there is no checkpoint, unless
//! something is called.
//!
//! ```
//! use gil::{Gil, interpreter::{Program, run}, regime::{Globals, UnderGil}};
//!
//! let program = Program::assemble("
//!     global total
//!     def main n
//!         push 0
//!         store i
//!     next:
//!         load i
//!         load n
//!         less
//!         unless done        # to the label, if what was on the stack is 0
//!         get total
//!         load i
//!         add
//!         set total
//!         load i
//!         push 1
//!         add
//!         store i
//!         jump next          # backwards: here is a checkpoint
//!     done:
//!         get total
//!         return
//! ", &[])?;
//! let (gil, globals) = (Gil::default(), Globals::of(&program));
//! let mut world = UnderGil::attach(&gil, &globals);
//! assert_eq!(run(&program, &[5], &mut world)?, 0 + 1 + 2 + 3 + 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assemble;
mod machine;
mod program;
mod verify;

pub use machine::{Trouble, run};
pub use program::{Flaw, Function, Malformed, Native, Op, Place, Program};

/// What the interpreter asks of the world around it; each regime is one.
pub trait World {
    /// Here the lock may change hands, and a running program may be stopped.
    ///
    /// # Errors
    /// [`Stopped`] ends the program.
    fn checkpoint(&mut self) -> Result<(), Stopped>;

    /// Reads a global variable.
    fn load(&mut self, global: usize) -> i64;

    /// Writes a global variable.
    fn store(&mut self, global: usize, value: i64);

    /// Does `work`, which needs no interpreter, without the lock.
    fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R;

    /// A reference to an object is taken, and given back after use: what that costs is the regime's affair.
    fn count(&mut self, object: Object);
}

/// Whose references are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A value that only the running thread uses.
    Own,
    /// A function, by its number: all threads that call it use the same object.
    Function(usize),
}

/// The world wants the program to end: Python would raise `KeyboardInterrupt`, at a checkpoint too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped at a checkpoint")]
pub struct Stopped;
