//! A program that has been checked: whatever is in it can be run without looking again.

use std::{fmt, sync::Arc};

/// A function written in Rust: from an integer to an integer.
pub type Native = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// One bytecode. Values are integers; `stack: a b -> c` says what it takes from the stack and leaves there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `stack: -> value`
    Push(i64),
    /// `stack: -> value` of a local variable.
    Load(usize),
    /// `stack: value ->` into a local variable.
    Store(usize),
    /// `stack: -> value` of a global variable; so is an attribute read.
    Get(usize),
    /// `stack: value ->` into a global variable; so is an attribute written.
    Set(usize),
    /// `stack: a b -> a+b`, wrapping around.
    Add,
    /// `stack: a b -> 1` if a < b, else 0.
    Less,
    /// `stack: value ->` and on at a later position if it is 0.
    Unless(usize),
    /// On at a later position.
    Jump(usize),
    /// On at this position or an earlier one: **a checkpoint**.
    JumpBack(usize),
    /// `stack: arguments -> result` of a function: **a checkpoint** where it begins and one when it is back.
    Call(usize),
    /// `stack: result ->` back to the caller.
    Return,
    /// `stack: microseconds -> 0` after that time, slept through without the lock; then **a checkpoint**.
    Sleep,
    /// `stack: argument -> result` of a native function; then **a checkpoint**.
    Native {
        /// Which.
        function: usize,
        /// Whether it keeps the lock, or lets it go meanwhile.
        keeps_lock: bool,
    },
}

/// A function's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// For error messages.
    pub name: String,
    /// The first locals are the arguments.
    pub parameters: usize,
    /// Local variables, the parameters among them; the others are 0 to begin with.
    pub locals: usize,
    /// What it does.
    pub code: Vec<Op>,
}

/// A checked program. It begins with the first function.
#[derive(Clone)]
pub struct Program {
    pub(super) functions: Vec<Function>,
    pub(super) globals: usize,
    pub(super) natives: Vec<Native>,
    pub(super) source: Option<Arc<str>>,
}

impl Program {
    /// Checks `functions`, which use so many `globals` and these `natives`.
    ///
    /// # Errors
    /// The first thing found that could not be run, and where it stands.
    pub fn new(functions: Vec<Function>, globals: usize, natives: Vec<Native>) -> Result<Self, Malformed> {
        let program = Self { functions, globals, natives, source: None };
        super::verify::verify(&program)?;
        Ok(program)
    }

    /// How many functions it has.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// How many global variables it has.
    pub fn globals(&self) -> usize {
        self.globals
    }

    /// The text that it was assembled from.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Program")
            .field("functions", &self.functions)
            .field("globals", &self.globals)
            .field("natives", &self.natives.len())
            .finish()
    }
}

/// Why a program is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {flaw}")]
pub struct Malformed {
    /// Where.
    pub place: Place,
    /// Why.
    pub flaw: Flaw,
}

/// Where in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In no function: there is none.
    Program,
    /// At a bytecode, counted from 0.
    Code {
        /// Which function.
        function: String,
        /// Which bytecode.
        at: usize,
    },
    /// In a line of the text, counted from 1.
    Line(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Program => out.write_str("the program"),
            Place::Code { function, at } => write!(out, "function {function}, bytecode {at}"),
            Place::Line(line) => write!(out, "line {line}"),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Flaw {
    #[error("there is no function")]
    NoFunction,
    #[error("{parameters} parameters, but only {locals} local variables")]
    TooFewLocals { parameters: usize, locals: usize },
    #[error("{what} {index} does not exist: there are {of}")]
    NoSuch { what: &'static str, index: usize, of: usize },
    #[error("it needs {needs} values on the stack, and there are {has}")]
    StackTooLow { needs: usize, has: usize },
    #[error("{one} values are on the stack if one comes from here, {other} if from elsewhere")]
    StackDiffers { one: usize, other: usize },
    #[error("more than {most} values on the stack, or local variables")]
    TooLarge { most: usize },
    #[error("a jump to {to}, which is not {wanted}")]
    WrongWay { to: usize, wanted: &'static str },
    #[error("the function goes on behind its end")]
    NoEnd,
    #[error("{0:?} is no instruction")]
    NoInstruction(String),
    #[error("{instruction} takes {wanted}")]
    Operand { instruction: String, wanted: &'static str },
    #[error("{what} {name:?} is unknown")]
    Unknown { what: &'static str, name: String },
    #[error("{what} {name:?} is there already")]
    Twice { what: &'static str, name: String },
    #[error("an instruction outside of a function")]
    Outside,
}
