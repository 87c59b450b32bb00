//! Runs a checked program, a bytecode at a time.

use std::{thread, time::Duration};

use super::{Object, Op, Program, Stopped, World};

/// More calls within calls than this are refused, as with Python's `sys.getrecursionlimit()`.
const DEEPEST: usize = 1_000;

/// Why a checked program ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It was called with too many arguments, or too few.
    #[error("the first function takes {takes} arguments, and was given {given}")]
    Arguments {
        /// How many it takes.
        takes: usize,
        /// How many there were.
        given: usize,
    },
    /// As Python's `RecursionError`.
    #[error("more than 1,000 calls within calls, the last of function {function}")]
    TooDeep {
        /// Which was called.
        function: String,
    },
    /// The world wanted it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Where a function that has called another one goes on.
struct Frame {
    function: usize,
    at: usize,
    base: usize,
}

/// Calls the program's first function.
///
/// # Errors
/// See [`Trouble`].
pub fn run<W: World>(program: &Program, arguments: &[i64], world: &mut W) -> Result<i64, Trouble> {
    let takes = program.functions[0].parameters;
    if arguments.len() != takes {
        return Err(Trouble::Arguments { takes, given: arguments.len() });
    }
    // Each function's locals, then the values it works with; then the same of the function it has called.
    let mut stack = arguments.to_vec();
    let mut callers: Vec<Frame> = Vec::new();
    let (mut function, mut at, mut base) = (0, 0, 0);
    stack.resize(program.functions[0].locals, 0);
    world.checkpoint()?;
    loop {
        let op = program.functions[function].code[at];
        at += 1;
        match op {
            Op::Push(value) => stack.push(value),
            Op::Load(local) => {
                world.count(Object::Own);
                stack.push(stack[base + local]);
            }
            Op::Store(local) => stack[base + local] = pop(&mut stack),
            Op::Get(global) => stack.push(world.load(global)),
            Op::Set(global) => world.store(global, pop(&mut stack)),
            Op::Add => {
                let right = pop(&mut stack);
                let left = pop(&mut stack);
                world.count(Object::Own);
                stack.push(left.wrapping_add(right));
            }
            Op::Less => {
                let right = pop(&mut stack);
                let left = pop(&mut stack);
                stack.push(i64::from(left < right));
            }
            Op::Unless(to) => {
                if pop(&mut stack) == 0 {
                    at = to;
                }
            }
            Op::Jump(to) => at = to,
            Op::JumpBack(to) => {
                at = to;
                world.checkpoint()?;
            }
            Op::Call(called) => {
                let callee = &program.functions[called];
                if callers.len() == DEEPEST {
                    return Err(Trouble::TooDeep { function: callee.name.clone() });
                }
                world.count(Object::Function(called));
                callers.push(Frame { function, at, base });
                base = stack.len() - callee.parameters;
                (function, at) = (called, 0);
                stack.resize(base + callee.locals, 0);
                world.checkpoint()?;
            }
            Op::Return => {
                let result = pop(&mut stack);
                let Some(caller) = callers.pop() else { return Ok(result) };
                stack.truncate(base);
                stack.push(result);
                Frame { function, at, base } = caller;
                world.checkpoint()?;
            }
            Op::Sleep => {
                let time = Duration::from_micros(pop(&mut stack).try_into().unwrap_or(0));
                world.without_lock(|| thread::sleep(time));
                stack.push(0);
                world.checkpoint()?;
            }
            Op::Native { function, keeps_lock } => {
                let argument = pop(&mut stack);
                let native = &program.natives[function];
                let result =
                    if keeps_lock { native(argument) } else { world.without_lock(|| native(argument)) };
                stack.push(result);
                world.checkpoint()?;
            }
        }
    }
}

/// A checked program never takes from an empty stack.
#[inline]
fn pop(stack: &mut Vec<i64>) -> i64 {
    stack.pop().unwrap_or_default()
}
