//! The machine: a stack, marks on it, and a memo of what may be referred to again. It runs the words that make data.

use std::collections::HashMap;

use super::{
    Limits, PickleError,
    node::{Builder, Id, Node},
    opcode::{self as op, refusal},
};
use crate::python::Value;

/// The value that `pickle` describes.
///
/// # Errors
/// Any [`PickleError`]: for what is not a pickle, is not in the subset, or is too much.
pub fn loads(pickle: &[u8], limits: &Limits) -> Result<Value, PickleError> {
    if !matches!(pickle, [op::PROTO, 2..=5, ..]) {
        return Err(PickleError::Protocol);
    }
    let mut machine = Machine {
        input: pickle,
        at: 2,
        word: 0,
        limits: *limits,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    if machine.at < pickle.len() {
        return Err(PickleError::Trailing { offset: machine.at, bytes: pickle.len() - machine.at });
    }
    Builder { nodes: &machine.nodes, limits: *limits, values: 0, bytes: 0 }.value(root, 0)
}

struct Machine<'a> {
    input: &'a [u8],
    /// The next byte.
    at: usize,
    /// Where the word that is being done began: for errors.
    word: usize,
    limits: Limits,
    nodes: Vec<(usize, Node<'a>)>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Does word after word; what is on the stack at STOP.
    fn run(&mut self) -> Result<Id, PickleError> {
        loop {
            self.word = self.at;
            let [word] = *self.array::<1>()?;
            match word {
                op::STOP => return self.pop(),
                op::FRAME => self.frame()?,
                op::MARK => {
                    self.room(self.marks.len(), "marks")?;
                    self.marks.push(self.stack.len());
                }
                op::POP => drop(self.pop()?),
                op::POP_MARK => drop(self.above_mark()?),
                op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.remember(word)?,
                op::BINGET | op::LONG_BINGET => self.recall(word)?,
                op::TUPLE1 => self.tuple(1)?,
                op::TUPLE2 => self.tuple(2)?,
                op::TUPLE3 => self.tuple(3)?,
                op::LIST | op::TUPLE | op::DICT => self.marked(word)?,
                op::APPEND => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                op::APPENDS => {
                    let items = self.above_mark()?;
                    self.append(&items)?;
                }
                op::SETITEM => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set(&[key, value])?;
                }
                op::SETITEMS => {
                    let items = self.above_mark()?;
                    self.set(&items)?;
                }
                _ => {
                    let node = self.atom(word)?;
                    self.push(node)?;
                }
            }
        }
    }

    /// What needs nothing from the stack.
    fn atom(&mut self, word: u8) -> Result<Node<'a>, PickleError> {
        Ok(match word {
            op::NONE => Node::None,
            op::NEWTRUE => Node::Bool(true),
            op::NEWFALSE => Node::Bool(false),
            op::BININT => Node::Int(i32::from_le_bytes(*self.array()?).into()),
            op::BININT1 => Node::Int(u8::from_le_bytes(*self.array()?).into()),
            op::BININT2 => Node::Int(u16::from_le_bytes(*self.array()?).into()),
            op::LONG1 | op::LONG4 => self.long(word)?,
            op::BINFLOAT => Node::Float(f64::from_be_bytes(*self.array()?)),
            op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 => self.text(word)?,
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => Node::Bytes(self.counted(word)?),
            op::EMPTY_LIST => Node::List(Vec::new()),
            op::EMPTY_TUPLE => Node::Tuple(Vec::new()),
            op::EMPTY_DICT => Node::Dict(Vec::new()),
            other => return Err(refusal(other, self.word)),
        })
    }

    fn bytes(&mut self, count: u64) -> Result<&'a [u8], PickleError> {
        let ahead = &self.input[self.at..];
        let cut = PickleError::Cut { offset: self.at, need: count, have: ahead.len() };
        let bytes = usize::try_from(count).ok().and_then(|count| ahead.get(..count)).ok_or(cut)?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], PickleError> {
        let missing = PickleError::Cut { offset: self.at, need: N as u64, have: self.input.len() - self.at };
        self.bytes(N as u64)?.first_chunk().ok_or(missing)
    }

    /// A count in one, four or eight bytes, and that many bytes.
    fn counted(&mut self, word: u8) -> Result<&'a [u8], PickleError> {
        let count = match word {
            op::SHORT_BINUNICODE | op::SHORT_BINBYTES => u8::from_le_bytes(*self.array()?).into(),
            op::BINUNICODE | op::BINBYTES => u32::from_le_bytes(*self.array()?).into(),
            _ => u64::from_le_bytes(*self.array()?),
        };
        self.bytes(count)
    }

    /// A frame only says how much may be read at once; it must not promise what is not there.
    fn frame(&mut self) -> Result<(), PickleError> {
        let count = u64::from_le_bytes(*self.array()?);
        let start = self.at;
        self.bytes(count)?;
        self.at = start;
        Ok(())
    }

    fn text(&mut self, word: u8) -> Result<Node<'a>, PickleError> {
        let text = std::str::from_utf8(self.counted(word)?);
        text.map(Node::Str).map_err(|_| PickleError::Text { offset: self.word })
    }

    /// Two's complement, little-endian, as short as possible; no bytes at all are 0.
    fn long(&mut self, word: u8) -> Result<Node<'a>, PickleError> {
        let count = match word {
            op::LONG1 => u8::from_le_bytes(*self.array()?).into(),
            _ => u32::from_le_bytes(*self.array()?).into(),
        };
        let bytes = self.bytes(count)?;
        let negative = bytes.last().is_some_and(|last| *last >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        let too_large = PickleError::IntTooLarge { offset: self.word, bytes: bytes.len() };
        wide.get_mut(..bytes.len()).ok_or(too_large)?.copy_from_slice(bytes);
        Ok(Node::Int(i128::from_le_bytes(wide)))
    }

    fn tuple(&mut self, count: usize) -> Result<(), PickleError> {
        let mut items = vec![0; count];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.push(Node::Tuple(items))
    }

    /// A list, tuple or dict of all above the mark.
    fn marked(&mut self, word: u8) -> Result<(), PickleError> {
        let items = self.above_mark()?;
        self.push(match word {
            op::LIST => Node::List(items),
            op::TUPLE => Node::Tuple(items),
            _ => Node::Dict(self.in_pairs(&items)?),
        })
    }

    fn in_pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, PickleError> {
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(self.machine("a key without a value"));
        }
        Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
    }

    fn append(&mut self, more: &[Id]) -> Result<(), PickleError> {
        match self.top()? {
            (_, Node::List(items)) => items.extend_from_slice(more),
            _ => return Err(self.machine("items are added to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, more: &[Id]) -> Result<(), PickleError> {
        let more = self.in_pairs(more)?;
        match self.top()? {
            (_, Node::Dict(pairs)) => pairs.extend(more),
            _ => return Err(self.machine("keys are set in what is no dict")),
        }
        Ok(())
    }

    fn remember(&mut self, word: u8) -> Result<(), PickleError> {
        let number = match word {
            op::BINPUT => u8::from_le_bytes(*self.array()?).into(),
            op::LONG_BINPUT => u32::from_le_bytes(*self.array()?),
            _ => self.memo.len() as u32, // at most `Limits::values`, and those fit: see `room`
        };
        self.room(self.memo.len(), "memo entries")?;
        let id = *self.stack.last().ok_or(self.machine("too few values on the stack"))?;
        self.memo.insert(number, id);
        Ok(())
    }

    fn recall(&mut self, word: u8) -> Result<(), PickleError> {
        let number = match word {
            op::BINGET => u8::from_le_bytes(*self.array()?).into(),
            _ => u32::from_le_bytes(*self.array()?),
        };
        let id = *self.memo.get(&number).ok_or(self.machine("nothing is remembered by this number"))?;
        self.put(id)
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), PickleError> {
        self.room(self.nodes.len(), "values")?;
        self.nodes.push((self.word, node));
        self.put(self.nodes.len() as Id - 1)
    }

    fn put(&mut self, id: Id) -> Result<(), PickleError> {
        self.room(self.stack.len(), "values on the stack")?;
        self.stack.push(id);
        Ok(())
    }

    /// The topmost one above the last mark: what is below belongs to somebody else.
    fn pop(&mut self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let popped = if self.stack.len() > floor { self.stack.pop() } else { None };
        popped.ok_or(self.machine("too few values on the stack"))
    }

    fn top(&mut self) -> Result<&mut (usize, Node<'a>), PickleError> {
        let id = *self.stack.last().ok_or(self.machine("too few values on the stack"))?;
        Ok(&mut self.nodes[id as usize])
    }

    fn above_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop().ok_or(self.machine("no mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    /// One more of `what`, of which there are `there`: neither over the limit nor over what an [`Id`] can count.
    fn room(&self, there: usize, what: &'static str) -> Result<(), PickleError> {
        let limit = self.limits.values.min(Id::MAX as usize);
        if there < limit { Ok(()) } else { Err(PickleError::Limit { offset: self.word, what, limit }) }
    }

    fn machine(&self, what: &'static str) -> PickleError {
        PickleError::Machine { offset: self.word, what }
    }
}
