//! Descriptors and message queues where they refuse.

use std::{
    fs::File,
    io::{self, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::Duration,
};

use ipc::{
    descriptors::{self, DescriptorsError, MOST},
    message_queue::MessageQueue,
};

#[test]
fn every_number_of_descriptors_is_taken_or_refused() {
    let file = File::open("/dev/null").unwrap();
    for sent in [1, 2, 3, 4, 5, 64, MOST] {
        for room in [0, 1, 2, 3, 4, 63, 64, MOST] {
            let (ours, theirs) = UnixStream::pair().unwrap();
            descriptors::send(&ours, &vec![file.as_fd(); sent]).unwrap();
            match descriptors::receive(&theirs, room) {
                Ok(files) => assert_eq!((files.len(), sent <= room), (sent, true)),
                Err(DescriptorsError::Unexpected(most)) => {
                    assert!(most == room && sent > room, "{sent} into {room}")
                }
                Err(error) => panic!("{sent} into {room}: {error}"),
            }
        }
    }
}

#[test]
fn a_message_without_descriptors_and_the_end() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.write_all(&[0]).unwrap();
    assert!(descriptors::receive(&theirs, 3).unwrap().is_empty());
    drop(ours);
    assert!(matches!(
        descriptors::receive(&theirs, 3),
        Err(DescriptorsError::Socket(error)) if error.kind() == io::ErrorKind::UnexpectedEof
    ));
    assert!(matches!(descriptors::send(&theirs, &[theirs.as_fd()]), Err(DescriptorsError::Socket(_))));
}

#[test]
fn what_is_no_message_queue_is_refused() {
    let file = File::open("/dev/null").unwrap();
    assert!(MessageQueue::from_fd(file.into()).is_err());
    assert!(MessageQueue::create(1, usize::MAX).is_err());
    match MessageQueue::create(1, 8) {
        Ok(queue) => {
            queue.send(b"", 0, Duration::from_secs(10)).unwrap();
            let full = queue.send(b"", 0, Duration::from_millis(10)).unwrap_err();
            assert_eq!(full.kind(), io::ErrorKind::TimedOut);
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}"),
    }
}
