#![doc = include_str!("../README.md")]

pub mod frame;
pub mod lessons;
pub mod lines;
pub mod worker;

mod crew;
mod mark;
mod mechanisms;
mod member;
mod message;
mod program;

pub use crew::{Crew, Done};
pub use mechanisms::{mechanisms, process_dynamic, process_static};
pub use program::Program;
