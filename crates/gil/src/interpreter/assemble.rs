//! Text to program: an instruction a line, names in the place of numbers.
//!
//! ```text
//! global NAME          a global variable
//! def NAME PARAMETERS  a function begins; the first one is where the program begins
//! LABEL:               a place to jump to
//! push NUMBER   load LOCAL   store LOCAL   get GLOBAL   set GLOBAL   add   less
//! unless LABEL  jump LABEL   call FUNCTION return       sleep
//! native NAME          without the lock
//! native NAME keeps    with the lock
//! # to the end of the line is for people
//! ```

use std::collections::HashMap;

use super::{Flaw, Function, Malformed, Native, Op, Place, Program};

/// An instruction whose names are looked up at the end, when all are known.
struct Line<'a> {
    number: usize,
    words: Vec<&'a str>,
}

struct Draft<'a> {
    name: &'a str,
    locals: Vec<&'a str>,
    parameters: usize,
    labels: HashMap<&'a str, usize>,
    lines: Vec<Line<'a>>,
    line: usize,
}

impl Program {
    /// Assembles `text`, which may call `natives` by name. A local variable is there once something is stored in it
    /// anywhere in its function.
    ///
    /// # Errors
    /// The first thing that is wrong, and in which line.
    pub fn assemble(text: &str, natives: &[(&str, Native)]) -> Result<Self, Malformed> {
        let (globals, drafts) = read(text)?;
        let names: Vec<&str> = drafts.iter().map(|draft| draft.name).collect();
        let native_names: Vec<&str> = natives.iter().map(|(name, _)| *name).collect();
        let mut functions = Vec::new();
        for draft in &drafts {
            let code = draft.lines.iter().enumerate().map(|(at, line)| {
                op(draft, at, &line.words, &globals, &names, &native_names)
                    .map_err(|flaw| Malformed { place: Place::Line(line.number), flaw })
            });
            functions.push(Function {
                name: draft.name.to_owned(),
                parameters: draft.parameters,
                locals: draft.locals.len(),
                code: code.collect::<Result<_, _>>()?,
            });
        }
        let natives = natives.iter().map(|(_, native)| Native::clone(native)).collect();
        let mut program = Program::new(functions, globals.len(), natives)
            .map_err(|malformed| located(&drafts, malformed))?;
        program.source = Some(text.into());
        Ok(program)
    }
}

/// Of the place in the code, the line.
fn located(drafts: &[Draft<'_>], malformed: Malformed) -> Malformed {
    let Place::Code { function, at } = &malformed.place else { return malformed };
    let Some(draft) = drafts.iter().find(|draft| draft.name == function) else { return malformed };
    let line = draft.lines.get(*at).map_or(draft.line, |line| line.number);
    Malformed { place: Place::Line(line), flaw: malformed.flaw }
}

fn read(text: &str) -> Result<(Vec<&str>, Vec<Draft<'_>>), Malformed> {
    let (mut globals, mut drafts) = (Vec::new(), Vec::<Draft<'_>>::new());
    for (line, text) in (1..).zip(text.lines()) {
        let words: Vec<&str> = text.split('#').next().unwrap_or_default().split_whitespace().collect();
        let refuse = |flaw| Err(Malformed { place: Place::Line(line), flaw });
        let twice = |what, name: &str| refuse(Flaw::Twice { what, name: name.to_owned() });
        match words[..] {
            [] => {}
            ["global", name] if globals.contains(&name) => return twice("global variable", name),
            ["global", name] => globals.push(name),
            ["def", name, ref parameters @ ..] => {
                if drafts.iter().any(|draft| draft.name == name) {
                    return twice("function", name);
                }
                for (at, parameter) in parameters.iter().enumerate() {
                    if parameters[..at].contains(parameter) {
                        return twice("parameter", parameter);
                    }
                }
                drafts.push(Draft {
                    name,
                    locals: parameters.to_vec(),
                    parameters: parameters.len(),
                    labels: HashMap::new(),
                    lines: Vec::new(),
                    line,
                });
            }
            _ => {
                let Some(draft) = drafts.last_mut() else { return refuse(Flaw::Outside) };
                if let [label] = words[..]
                    && let Some(label) = label.strip_suffix(':')
                {
                    if draft.labels.insert(label, draft.lines.len()).is_some() {
                        return twice("label", label);
                    }
                    continue;
                }
                if let ["store", local] = words[..]
                    && !draft.locals.contains(&local)
                {
                    draft.locals.push(local);
                }
                draft.lines.push(Line { number: line, words });
            }
        }
    }
    Ok((globals, drafts))
}

fn op(
    draft: &Draft<'_>,
    at: usize,
    words: &[&str],
    globals: &[&str],
    functions: &[&str],
    natives: &[&str],
) -> Result<Op, Flaw> {
    let find = |what, among: &[&str], name: &str| {
        let found = among.iter().position(|known| *known == name);
        found.ok_or_else(|| Flaw::Unknown { what, name: name.to_owned() })
    };
    let label = |name: &str| {
        let place = draft.labels.get(name).copied();
        place.ok_or_else(|| Flaw::Unknown { what: "label", name: name.to_owned() })
    };
    let operand = |wanted| Flaw::Operand { instruction: words[0].to_owned(), wanted };
    Ok(match *words {
        ["push", number] => Op::Push(number.parse().map_err(|_| operand("a whole number"))?),
        ["load", name] => Op::Load(find("local variable", &draft.locals, name)?),
        ["store", name] => Op::Store(find("local variable", &draft.locals, name)?),
        ["get", name] => Op::Get(find("global variable", globals, name)?),
        ["set", name] => Op::Set(find("global variable", globals, name)?),
        ["add"] => Op::Add,
        ["less"] => Op::Less,
        ["unless", name] => Op::Unless(label(name)?),
        ["jump", name] => match label(name)? {
            to if to <= at => Op::JumpBack(to),
            to => Op::Jump(to),
        },
        ["call", name] => Op::Call(find("function", functions, name)?),
        ["return"] => Op::Return,
        ["sleep"] => Op::Sleep,
        ["native", name] => {
            Op::Native { function: find("native function", natives, name)?, keeps_lock: false }
        }
        ["native", name, "keeps"] => {
            Op::Native { function: find("native function", natives, name)?, keeps_lock: true }
        }
        ["add" | "less" | "return" | "sleep", ..] => return Err(operand("nothing")),
        ["push" | "load" | "store" | "get" | "set" | "unless" | "jump" | "call", ..] => {
            return Err(operand("one word"));
        }
        ["native", ..] => return Err(operand("a name, and `keeps` if it keeps the lock")),
        ["global", ..] => return Err(operand("one name")),
        _ => return Err(Flaw::NoInstruction(words.join(" "))),
    })
}
