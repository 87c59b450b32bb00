//! This program as its own child: how it is started, and how it ends when its parent is gone.

use std::{
    env,
    io::{self, Read},
    path::{Path, PathBuf},
    thread,
};

/// The file that this process was started from. On Linux by a name that stays right when the file is replaced.
pub(crate) fn program() -> io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() { Ok(own.to_owned()) } else { env::current_exe() }
}

/// Ends this process as soon as its standard input ends: when the parent has closed it, or is gone, however it went.
pub(crate) fn end_with_stdin() {
    thread::spawn(|| {
        let mut stdin = io::stdin().lock();
        while !matches!(stdin.read(&mut [0; 64]), Ok(0) | Err(_)) {}
        // At once, without a word: there is nobody left to hear it.
        signal_hook::low_level::exit(1);
    });
}
