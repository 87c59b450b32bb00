//! A child has ended as Python counts, and its handle never reaches another process.

use std::{io, process::Stdio, time::Duration};

use processes::child;
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};

use testkit::trials::scene;

pub(crate) fn children() {
    use processes::child::{Child, End, Handle};
    let start = |how: &str| Child::spawn(scene("child").arg(how).stdout(Stdio::piped())).unwrap();
    assert_eq!((start("exit").join(), start("exit").join().exitcode()), (End::Exited(7), Some(7)));
    for (end, code) in [
        (Handle::terminate as fn(&Handle) -> io::Result<()>, -15),
        (Handle::kill, -9),
        (Handle::interrupt, -2),
    ] {
        let child = start("hang");
        assert_eq!(child.join_within(Duration::from_millis(1)), None);
        assert!(child.is_alive() && child.exitcode().is_none());
        assert_eq!(
            child::active_children().iter().map(|child| child.pid()).collect::<Vec<_>>(),
            [child.pid()]
        );
        end(&child).unwrap();
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::from_borrowed_fd(child.sentinel(), PollFlags::IN)], Some(&limit));
        assert_eq!((ready.unwrap(), child.exitcode(), child.is_alive()), (1, Some(code), false));
        // The number may be another process's by now; the descriptor never is.
        assert_eq!(child.terminate().unwrap_err().raw_os_error(), Some(3));
        assert!(child::active_children().is_empty());
    }
    let handle = start("hang").handle();
    // Its owner was dropped on that line.
    assert_eq!(handle.exitcode(), Some(-9));
}
