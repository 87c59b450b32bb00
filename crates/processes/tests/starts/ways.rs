//! Each way to start a process passes on what it should, and tells how it ended or why there is none.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::mpsc::channel,
    thread,
};

use processes::{
    proc,
    start::{ForkError, Image, fork, posix_spawn, vfork},
};

use testkit::trials::PART;

type Start = fn(&Image) -> io::Result<processes::start::Started>;
const WAYS: [(&str, Start); 2] = [("posix_spawn", posix_spawn), ("vfork", vfork)];

/// This program in a scene.
fn image(name: &str, argument: &[&OsStr]) -> Image {
    let part = OsString::from(format!("{PART}{name}"));
    Image::new("/proc/self/exe", [&[part.as_os_str()], argument].concat()).unwrap()
}

fn run(start: Start, name: &str) -> ExitStatus {
    start(&image(name, &[])).unwrap().wait().unwrap()
}

pub(crate) fn ends() {
    for (way, start) in WAYS {
        assert_eq!(run(start, "seven").code(), Some(7), "{way}");
        assert_eq!(run(start, "terminated").signal(), Some(15), "{way}");
    }
    assert_eq!(fork(|| 7).unwrap().wait().unwrap().code(), Some(7));
}

pub(crate) fn missing() {
    let (gone, text) = (Image::new("/no/such/program", [""; 0]), Image::new("/etc/passwd", [""; 0]));
    for (way, start) in WAYS {
        assert_eq!(start(gone.as_ref().unwrap()).unwrap_err().kind(), io::ErrorKind::NotFound, "{way}");
        let denied = start(text.as_ref().unwrap()).unwrap_err().kind();
        assert_eq!(denied, io::ErrorKind::PermissionDenied, "{way}");
    }
    assert!(Image::new("a zero\0byte", [""; 0]).is_err());
}

pub(crate) fn passed() {
    for (way, start) in WAYS {
        let directory = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
        let path = directory.path().join("told");
        let image = image("tell", &[path.as_os_str()]);
        assert_eq!(start(&image).unwrap().wait().unwrap().code(), Some(0), "{way}");
        let told = fs::read_to_string(path).unwrap();
        // Zero bytes between them: a value may hold anything else.
        let told: Vec<&str> = told.split('\0').collect();
        let ours: Vec<String> = env::vars().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(told, ours, "{way}");
    }
}

/// The signals that this process blocks, as the kernel writes them.
pub(crate) fn blocked() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap().to_owned()
}

pub(crate) fn masks() {
    let before = blocked();
    for (way, start) in WAYS {
        let image = image("blocks", &[before.as_ref()]);
        assert_eq!(start(&image).unwrap().wait().unwrap().code(), Some(0), "{way}");
        assert_eq!(blocked(), before, "{way}");
    }
}

pub(crate) fn dropped() {
    for (way, start) in WAYS {
        let child = start(&image("hang", &[])).unwrap();
        let id = child.id();
        assert!(proc::state(id).is_some(), "{way}");
        drop(child);
        assert_eq!(proc::state(id), None, "{way}");
    }
}

pub(crate) fn refused() {
    let (leave, stay) = channel::<()>();
    let other = thread::spawn(move || stay.recv());
    let error = fork(|| 0).unwrap_err();
    assert!(matches!(error, ForkError::Threads(2)), "{error}");
    drop(leave);
    assert!(other.join().unwrap().is_err());
    // The moment a thread has been joined it may be forked again.
    assert!(fork(|| 0).unwrap().wait().unwrap().success());
}

pub(crate) fn panicked() {
    let child = fork(|| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("in the child")
    });
    assert_eq!(child.unwrap().wait().unwrap().code(), Some(101));
}
