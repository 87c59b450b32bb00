//! Pickle is a language for a small stack machine, and some of its words call functions; here are the words that only
//! make data, and no bytes whatever can make the reader call, panic, or keep more than its limits allow.
//!
//! Read: protocols 2 to 5. Written: protocol 4, which every Python since 3.4 reads. Two things that Python's pickler
//! writes for plain data are refused all the same, because they are calls: `bytes` in protocol 2 (`_codecs.encode`)
//! and sets below protocol 4.
//!
//! The language: CPython's `Lib/pickletools.py`, which documents each opcode, and PEP 307, 3154 and 574.
//!
//! ```
//! use ipc::python::{Value, pickle};
//!
//! let value = Value::Tuple(vec![Value::from("π"), Value::from(2.5)]);
//! assert_eq!(pickle::loads(&pickle::dumps(&value)?, &pickle::Limits::default())?, value);
//! // What `pickle.loads` would do with these 30 bytes is to run a program.
//! let evil = b"\x80\x02cos\nsystem\nX\x09\x00\x00\x00echo oops\x85R.";
//! let why = pickle::loads(evil, &pickle::Limits::default()).unwrap_err();
//! assert_eq!(why.to_string(), "at byte 2: GLOBAL is refused: it could call something");
//! # Ok::<(), pickle::PickleError>(())
//! ```

mod error;
mod limits;
mod node;
mod opcode;
mod read;
mod write;

pub use error::PickleError;
pub use limits::Limits;
pub use read::loads;
pub use write::dumps;
