//! The other direction is easy: no frames, no memo, each value where it belongs. Python reads that as it reads its own.

use super::{PickleError, opcode as op};
use crate::python::Value;

/// The protocol that is written: the first with text and bytes of any length.
const PROTOCOL: u8 = 4;

/// Levels that Python's own limit of recursion certainly allows.
const DEPTH: usize = 200;

/// `value` as a pickle of protocol 4.
///
/// # Errors
/// [`PickleError::Key`] for a dict with a key that Python could not hash, [`PickleError::TooDeep`] beyond 200 levels.
/// Their offset counts what was written until then.
pub fn dumps(value: &Value) -> Result<Vec<u8>, PickleError> {
    let mut out = vec![op::PROTO, PROTOCOL];
    put(&mut out, value, 0)?;
    out.push(op::STOP);
    Ok(out)
}

fn put(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), PickleError> {
    if depth > DEPTH {
        return Err(PickleError::TooDeep { offset: out.len(), limit: DEPTH });
    }
    match value {
        Value::None => out.push(op::NONE),
        Value::Bool(true) => out.push(op::NEWTRUE),
        Value::Bool(false) => out.push(op::NEWFALSE),
        Value::Int(value) => put_int(out, *value),
        Value::Float(value) => put_bytes(out, op::BINFLOAT, &value.to_be_bytes()),
        Value::Str(text) => {
            put_counted(out, [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8], text.as_bytes())
        }
        Value::Bytes(bytes) => put_counted(out, [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8], bytes),
        Value::List(items) => {
            out.push(op::EMPTY_LIST);
            if !items.is_empty() {
                out.push(op::MARK);
                items.iter().try_for_each(|item| put(out, item, depth + 1))?;
                out.push(op::APPENDS);
            }
        }
        Value::Tuple(items) if items.is_empty() => out.push(op::EMPTY_TUPLE),
        Value::Tuple(items) => {
            out.push(op::MARK);
            items.iter().try_for_each(|item| put(out, item, depth + 1))?;
            out.push(op::TUPLE);
        }
        Value::Dict(pairs) => put_dict(out, pairs, depth)?,
    }
    Ok(())
}

fn put_dict(out: &mut Vec<u8>, pairs: &[(Value, Value)], depth: usize) -> Result<(), PickleError> {
    let offset = out.len();
    out.push(op::EMPTY_DICT);
    if pairs.is_empty() {
        return Ok(());
    }
    out.push(op::MARK);
    for (key, value) in pairs {
        // First: a key that is too deep to be written is also too deep to be looked through.
        put(out, key, depth + 1)?;
        if !key.is_hashable() {
            return Err(PickleError::Key { offset });
        }
        put(out, value, depth + 1)?;
    }
    out.push(op::SETITEMS);
    Ok(())
}

fn put_int(out: &mut Vec<u8>, value: i128) {
    if let Ok(byte) = u8::try_from(value) {
        put_bytes(out, op::BININT1, &[byte]);
    } else if let Ok(short) = u16::try_from(value) {
        put_bytes(out, op::BININT2, &short.to_le_bytes());
    } else if let Ok(int) = i32::try_from(value) {
        put_bytes(out, op::BININT, &int.to_le_bytes());
    } else {
        // As many bytes as the number and its sign need.
        let magnitude = if value < 0 { !value } else { value };
        let bits = i128::BITS - magnitude.leading_zeros() + 1;
        let bytes = bits.div_ceil(8) as u8;
        put_bytes(out, op::LONG1, &[bytes]);
        out.extend_from_slice(&value.to_le_bytes()[..usize::from(bytes)]);
    }
}

/// In the shortest of three forms: a count in one, four or eight bytes.
fn put_counted(out: &mut Vec<u8>, [short, middle, long]: [u8; 3], bytes: &[u8]) {
    if let Ok(count) = u8::try_from(bytes.len()) {
        put_bytes(out, short, &[count]);
    } else if let Ok(count) = u32::try_from(bytes.len()) {
        put_bytes(out, middle, &count.to_le_bytes());
    } else {
        put_bytes(out, long, &(bytes.len() as u64).to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

fn put_bytes(out: &mut Vec<u8>, word: u8, bytes: &[u8]) {
    out.push(word);
    out.extend_from_slice(bytes);
}
