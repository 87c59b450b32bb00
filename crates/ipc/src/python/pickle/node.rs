//! What the machine works on: values that refer to each other by number, so that a list which is still being filled can
//! be referred to, as pickle's memo does.

use super::{Limits, PickleError};
use crate::python::Value;

/// The place of a node.
pub(super) type Id = u32;

/// A value whose parts are elsewhere. Text and bytes are still in the pickle.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
}

/// Makes the values, and counts what they take.
pub(super) struct Builder<'a> {
    /// Each with the offset of the opcode that made it.
    pub(super) nodes: &'a [(usize, Node<'a>)],
    pub(super) limits: Limits,
    pub(super) values: usize,
    pub(super) bytes: usize,
}

impl Builder<'_> {
    /// The value that begins with node `id`, which is `depth` levels down. What several refer to is copied for each.
    pub(super) fn value(&mut self, id: Id, depth: usize) -> Result<Value, PickleError> {
        let (offset, node) = &self.nodes[id as usize];
        let (offset, limits) = (*offset, self.limits);
        if depth > limits.depth {
            return Err(PickleError::TooDeep { offset, limit: limits.depth });
        }
        self.values += 1;
        if self.values > limits.values {
            return Err(PickleError::Limit { offset, what: "values", limit: limits.values });
        }
        self.bytes += match node {
            Node::Str(text) => text.len(),
            Node::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        if self.bytes > limits.bytes {
            return Err(PickleError::Limit { offset, what: "bytes", limit: limits.bytes });
        }
        Ok(match node {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Str(text) => Value::Str((*text).to_owned()),
            Node::Bytes(bytes) => Value::Bytes((*bytes).to_owned()),
            Node::List(items) => Value::List(self.all(items, depth)?),
            Node::Tuple(items) => Value::Tuple(self.all(items, depth)?),
            Node::Dict(pairs) => Value::Dict(self.pairs(pairs, offset, depth)?),
        })
    }

    fn all(&mut self, items: &[Id], depth: usize) -> Result<Vec<Value>, PickleError> {
        // Not reserved in advance: most of a long list may turn out to be beyond the limit.
        let mut values = Vec::new();
        for item in items {
            values.push(self.value(*item, depth + 1)?);
        }
        Ok(values)
    }

    fn pairs(
        &mut self,
        pairs: &[(Id, Id)],
        offset: usize,
        depth: usize,
    ) -> Result<Vec<(Value, Value)>, PickleError> {
        let mut values = Vec::new();
        for (key, value) in pairs {
            let key = self.value(*key, depth + 1)?;
            if !key.is_hashable() {
                return Err(PickleError::Key { offset });
            }
            values.push((key, self.value(*value, depth + 1)?));
        }
        Ok(values)
    }
}
