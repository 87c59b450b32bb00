//! Looks at every bytecode once before the first one runs: indices, jumps, and how many values are on the stack.
//!
//! The stack's height at a place must not depend on the way there. Then one pass over all ways is enough.

use super::{Flaw, Function, Malformed, Op, Place, Program};

/// No function has more local variables, or more values on the stack.
const MOST: usize = 10_000;

pub(super) fn verify(program: &Program) -> Result<(), Malformed> {
    if program.functions.is_empty() {
        return Err(Malformed { place: Place::Program, flaw: Flaw::NoFunction });
    }
    for function in &program.functions {
        check(program, function).map_err(|(at, flaw)| Malformed {
            place: Place::Code { function: function.name.clone(), at },
            flaw,
        })?;
    }
    Ok(())
}

fn check(program: &Program, function: &Function) -> Result<(), (usize, Flaw)> {
    let (parameters, locals, code) = (function.parameters, function.locals, &function.code);
    if parameters > locals {
        return Err((0, Flaw::TooFewLocals { parameters, locals }));
    }
    if locals > MOST {
        return Err((0, Flaw::TooLarge { most: MOST }));
    }
    for (at, op) in code.iter().enumerate() {
        indices(program, function, at, *op).map_err(|flaw| (at, flaw))?;
    }
    // The stack's height before each bytecode, where a way there is known already.
    let mut heights: Vec<Option<usize>> = vec![None; code.len()];
    let mut ways = vec![(0, 0, 0)];
    while let Some((from, at, height)) = ways.pop() {
        let Some(known) = heights.get_mut(at) else { return Err((from, Flaw::NoEnd)) };
        match *known {
            Some(other) if other == height => continue,
            Some(other) => return Err((at, Flaw::StackDiffers { one: height, other })),
            None => *known = Some(height),
        }
        let (takes, leaves) = effect(program, code[at]);
        let Some(rest) = height.checked_sub(takes) else {
            return Err((at, Flaw::StackTooLow { needs: takes, has: height }));
        };
        let height = rest + leaves;
        if height > MOST {
            return Err((at, Flaw::TooLarge { most: MOST }));
        }
        match code[at] {
            Op::Return => {}
            Op::Jump(to) | Op::JumpBack(to) => ways.push((at, to, height)),
            Op::Unless(to) => ways.extend([(at, to, height), (at, at + 1, height)]),
            _ => ways.push((at, at + 1, height)),
        }
    }
    Ok(())
}

fn indices(program: &Program, function: &Function, at: usize, op: Op) -> Result<(), Flaw> {
    let (what, index, of) = match op {
        Op::Load(index) | Op::Store(index) => ("local variable", index, function.locals),
        Op::Get(index) | Op::Set(index) => ("global variable", index, program.globals),
        Op::Call(index) => ("function", index, program.functions.len()),
        Op::Native { function: index, .. } => ("native function", index, program.natives.len()),
        Op::Unless(to) | Op::Jump(to) if to <= at => {
            return Err(Flaw::WrongWay { to, wanted: "further on: only `JumpBack` goes back" });
        }
        Op::JumpBack(to) if to > at => return Err(Flaw::WrongWay { to, wanted: "further back" }),
        Op::Unless(to) | Op::Jump(to) => ("bytecode", to, function.code.len()),
        _ => return Ok(()),
    };
    if index < of { Ok(()) } else { Err(Flaw::NoSuch { what, index, of }) }
}

/// How many values are taken from the stack, and how many left there.
fn effect(program: &Program, op: Op) -> (usize, usize) {
    match op {
        Op::Push(_) | Op::Load(_) | Op::Get(_) => (0, 1),
        Op::Store(_) | Op::Set(_) | Op::Unless(_) | Op::Return => (1, 0),
        Op::Add | Op::Less => (2, 1),
        Op::Jump(_) | Op::JumpBack(_) => (0, 0),
        Op::Sleep | Op::Native { .. } => (1, 1),
        Op::Call(function) => (program.functions[function].parameters, 1),
    }
}
