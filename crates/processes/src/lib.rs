#![doc = include_str!("../README.md")]

#[cfg(target_os = "linux")]
pub mod cgroup;
pub mod child;
#[cfg(target_os = "linux")]
pub mod ended;
pub mod frame;
#[cfg(target_os = "linux")]
pub mod group;
pub mod lessons;
pub mod lines;
#[cfg(target_os = "linux")]
pub mod pages;
#[cfg(target_os = "linux")]
pub mod parent_death;
pub mod pool;
#[cfg(target_os = "linux")]
pub mod proc;
#[cfg(target_os = "linux")]
pub mod start;
pub mod worker;

mod crew;
mod job_name;
mod mark;
mod mechanisms;
mod member;
mod message;
mod point;
mod post;
mod program;

pub use crew::{Crew, Done};
pub use mechanisms::{mechanisms, process_dynamic, process_static};
pub use program::Program;
