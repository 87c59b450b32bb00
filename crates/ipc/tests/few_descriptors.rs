//! A process that may have no more descriptors is told so, and not that too many were sent.

use std::{
    fs::File,
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::UnixStream,
    },
};

use ipc::descriptors::{self, DescriptorsError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The only test of this binary: the limit is the whole process's.
#[test]
fn a_process_at_its_limit_is_told_so() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let file = File::open("/dev/null").unwrap();
    descriptors::send(&ours, &[file.as_fd(); 5]).unwrap();
    // It has the lowest number that was free, so two more can be had at most.
    let two_more = u64::from(file.as_raw_fd().cast_unsigned()) + 3;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(two_more), maximum: before.maximum }).unwrap();
    let refused = descriptors::receive(&theirs, 5);
    setrlimit(Resource::Nofile, before).unwrap();
    assert!(matches!(refused, Err(DescriptorsError::NoRoom(0..=2))), "{refused:?}");
}
