//! Memory without a name: sealed, passed on in three ways, refused when it could shrink.

use std::{
    fs::File,
    io::Write,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Command, Stdio},
};

use rustix::{
    fs::{Mode, OFlags, SealFlags, fcntl_add_seals, ftruncate, open},
    io::Errno,
};
use shared_memory::{
    MapError, Mapping, Memfd, MemfdError,
    memfd::{Unsealed, inherit},
    pass::{self, PassError},
};

fn memory() -> Memfd {
    Memfd::create("test", 4096).unwrap()
}

#[test]
fn nobody_can_change_its_size() {
    let memory = memory();
    assert_eq!(ftruncate(&memory, 100), Err(Errno::PERM));
    assert_eq!(ftruncate(&memory, 10_000), Err(Errno::PERM));
    let clone = memory.try_clone().unwrap();
    assert_eq!(ftruncate(&clone, 0), Err(Errno::PERM));
    assert_eq!(
        fcntl_add_seals(&memory, SealFlags::WRITE),
        Err(Errno::PERM),
        "a seal more would stop the writers"
    );
    assert_eq!((memory.size(), memory.map().unwrap().len()), (4096, 4096));
}

#[test]
fn what_may_be_made_shorter_is_refused() {
    let unsealed = Unsealed::create("test", 4096).unwrap();
    let file: OwnedFd = unsealed.into();
    assert_eq!(Memfd::from_fd(file.try_clone().unwrap()).unwrap_err(), MemfdError::NotSealed);
    // Against growing only: it may still shrink.
    fcntl_add_seals(&file, SealFlags::GROW).unwrap();
    assert_eq!(Memfd::from_fd(file.try_clone().unwrap()).unwrap_err(), MemfdError::NotSealed);
    fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    assert_eq!(Memfd::from_fd(file).unwrap().size(), 4096);
}

#[test]
fn what_is_no_memory_is_refused() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let (pipe, _end) = std::io::pipe().unwrap();
    let files: [OwnedFd; 4] = [
        socket.into(),
        pipe.into(),
        File::open("/dev/null").unwrap().into(),
        open("/", OFlags::RDONLY, Mode::empty()).unwrap(),
    ];
    for file in files {
        assert_eq!(Memfd::from_fd(file).unwrap_err(), MemfdError::NoMemfd);
    }
    assert_eq!(Memfd::create("test", 0).unwrap_err(), MemfdError::Map(MapError::Empty));
}

#[test]
fn a_mapping_outlives_the_descriptor() {
    let memory = memory();
    let (one, two) = (memory.map().unwrap(), memory.map().unwrap());
    drop(memory);
    assert_ne!(one.as_ptr(), two.as_ptr());
    one.write(4000, b"seen by both").unwrap();
    let mut seen = [0; 12];
    two.read(4000, &mut seen).unwrap();
    assert_eq!(&seen, b"seen by both");
}

#[test]
fn no_access_leaves_the_mapping() {
    let mapping = memory().map().unwrap();
    for (offset, bytes) in
        [(4096, 1), (4095, 2), (0, 4097), (usize::MAX, 1), (usize::MAX, usize::MAX), (4097, 0)]
    {
        let expected = MapError::OutOfBounds { offset, bytes, len: 4096 };
        assert_eq!(mapping.slice::<std::sync::atomic::AtomicU8>(offset, bytes).unwrap_err(), expected);
    }
    assert_eq!(
        mapping.write(4090, b"too long"),
        Err(MapError::OutOfBounds { offset: 4090, bytes: 8, len: 4096 })
    );
    let mut seen = [1; 6];
    mapping.read(4090, &mut seen).unwrap();
    assert_eq!(seen, [0; 6], "a refused write has written a part");
    assert_eq!(
        mapping.at::<std::sync::atomic::AtomicU64>(4).unwrap_err(),
        MapError::Misaligned { offset: 4, align: 8 }
    );
}

#[test]
fn a_mapping_longer_than_the_file_is_refused() {
    let memory = memory();
    assert_eq!(Mapping::of(&memory, 4097).unwrap_err(), MapError::TooSmall { has: 4096, needed: 4097 });
    assert_eq!(Mapping::of(&memory, 0).unwrap_err(), MapError::Empty);
}

/// What a shell finds in the file behind a descriptor with this number.
fn shell_reads(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim_matches('\0').to_owned()
}

#[test]
fn a_child_inherits_it() {
    let memory = memory();
    memory.map().unwrap().write(0, b"inherited").unwrap();
    let mut shell = Command::new("sh");
    let number = inherit(&mut shell, memory.as_fd().try_clone_to_owned().unwrap());
    shell.args(["-c", &format!("cat /proc/self/fd/{number}")]);
    assert_eq!(shell_reads(&mut shell), "inherited");
    // Another child does not.
    let shown = Command::new("sh")
        .args(["-c", &format!("cat /proc/self/fd/{number}")])
        .stderr(Stdio::null())
        .output();
    assert!(!shown.unwrap().status.success());
}

#[test]
fn a_process_of_the_same_user_opens_it_through_proc() {
    use std::os::fd::AsRawFd;
    let memory = memory();
    memory.map().unwrap().write(0, b"opened").unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_fd().as_raw_fd());
    assert_eq!(shell_reads(Command::new("cat").arg(path)), "opened");
}

#[test]
fn a_socket_carries_it() {
    let (here, there) = UnixStream::pair().unwrap();
    let memory = memory();
    pass::send(&here, &memory).unwrap();
    let came = pass::receive(&there).unwrap();
    came.map().unwrap().write(7, b"sent").unwrap();
    let mut seen = [0; 4];
    memory.map().unwrap().read(7, &mut seen).unwrap();
    assert_eq!(&seen, b"sent");
}

#[test]
fn what_comes_through_a_socket_is_not_believed() {
    let (mut here, there) = UnixStream::pair().unwrap();
    here.write_all(b"x").unwrap();
    assert!(matches!(pass::receive(&there), Err(PassError::Descriptors(0))));
    pass::send(&here, File::open("/dev/null").unwrap()).unwrap();
    assert!(matches!(pass::receive(&there), Err(PassError::Memfd(MemfdError::NoMemfd))));
    pass::send(&here, Unsealed::create("test", 1).unwrap()).unwrap();
    assert!(matches!(pass::receive(&there), Err(PassError::Memfd(MemfdError::NotSealed))));
    drop(here);
    assert!(matches!(pass::receive(&there), Err(PassError::Socket(_))));
}
