//! What the system says of processes: memory, state, written pages, groups.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    process,
};

use processes::{cgroup::CpuQuota, pages::Pages, proc, start::fork};

use crate::scenes::scene;

pub(crate) fn read_proc() {
    let own = proc::memory(process::id()).unwrap();
    assert!(own.rss >= own.pss && own.pss >= own.uss && own.uss > 0, "{own:?}");
    assert!(proc::status(process::id(), "VmSize").unwrap() > own.rss);
    assert_eq!(proc::parent(process::id()), Some(std::os::unix::process::parent_id()));
    assert_eq!(proc::state(process::id()), Some('R'));
    assert_eq!(proc::threads().unwrap(), 1);
    let file = fs::File::open("/dev/null").unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file).cast_unsigned();
    assert!(proc::descriptors().unwrap().contains(&(number, "/dev/null".to_owned())));
    // No process has a number so high: pid_max is at most 2^22.
    assert!(proc::memory(1 << 30).is_err());
    assert_eq!((proc::state(1 << 30), proc::parent(1 << 30)), (None, None));
}

pub(crate) fn counted() {
    let mut pages = Pages::touched(16).unwrap();
    assert_eq!((pages.count(), pages.exclusive().unwrap()), (16, 16));
    let (mut ours, mut its) = UnixStream::pair().unwrap();
    let child = fork(move || u8::from(its.read_exact(&mut [0]).is_err())).unwrap();
    assert_eq!(pages.exclusive().unwrap(), 0);
    pages.write(3);
    assert_eq!(pages.exclusive().unwrap(), 3);
    ours.write_all(&[0]).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(pages.exclusive().unwrap(), 16);
}

pub(crate) fn no_group_left() {
    // Where none can be made, that nothing is left has still to be true.
    let directory = match CpuQuota::new(1) {
        Ok(group) => {
            let output = group.holds(&mut scene("group")).unwrap().output().unwrap();
            let own = String::from_utf8(output.stdout).unwrap();
            assert!(own.contains(&format!("quota-{}", process::id())), "{own}");
            format!("{group:?}")
        }
        Err(error) => format!("skipped: {error}"),
    };
    if let Some(path) = directory.split('"').nth(1) {
        assert!(path.contains("quota-") && !fs::exists(path).unwrap(), "{path}");
    }
}
