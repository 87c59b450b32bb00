//! Messages of bytes: every size, a hundred thousand of them, both forms of the header.

use std::{
    io::Write,
    os::{fd::AsFd, unix::net::UnixStream},
};

use ipc::python::{Connection, ConnectionError, Value, header};

use super::{bytes, support::converse};

#[test]
fn bytes_of_every_size_come_back_as_they_were() {
    let sizes = [0, 1, 2, 255, 4096, 16_384, 16_385, 65_536, 1 << 20, 64 << 20];
    converse("echo", |connection, peer| {
        for size in sizes {
            let message = bytes(size);
            connection.send_bytes(&message).unwrap();
            let back = connection.recv_bytes().unwrap().unwrap();
            assert!(back == message, "{size} bytes: {} came back", back.len());
        }
        // To Python the end is an EOFError between messages.
        *connection = Connection::new(UnixStream::pair().unwrap().0);
        assert_eq!(peer.line(), "end");
        assert_eq!(peer.ended(), 0);
    });
}

#[test]
fn a_hundred_thousand_small_messages_in_each_direction() {
    const COUNT: i64 = 100_000;
    converse("small", |connection, _| {
        for number in 0..COUNT {
            connection.send_bytes(number.to_string().as_bytes()).unwrap();
        }
        connection.send_bytes(b"").unwrap();
        let told = connection.recv().unwrap().unwrap();
        assert_eq!(told, Value::Tuple(vec![COUNT.into(), (COUNT * (COUNT - 1) / 2).into()]));
        for number in 0..COUNT {
            let message = connection.recv_bytes().unwrap().unwrap();
            assert_eq!(message, number.to_string().as_bytes());
        }
        assert_eq!(connection.recv_bytes().unwrap(), None);
    });
}

#[test]
fn the_long_form_of_the_header_is_read_by_both() {
    converse("long_form", |connection, _| {
        let mut raw = UnixStream::from(connection.as_fd().try_clone_to_owned().unwrap());
        raw.write_all(&[&(-1_i32).to_be_bytes()[..], &5_u64.to_be_bytes(), b"hello"].concat()).unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"hello");
    });
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_any_room_is_made() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&[&(-1_i32).to_be_bytes()[..], &u64::MAX.to_be_bytes()].concat()).unwrap();
    let mut connection = Connection::new(ours);
    let refused = connection.recv_bytes();
    let expected = header::HeaderError::TooLong { length: u64::MAX, max: Connection::MAX };
    assert!(matches!(refused, Err(ConnectionError::Header(why)) if why == expected), "{refused:?}");
    // We send no longer ones either, and nothing of them.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut sender, mut receiver) = (Connection::new(ours), Connection::new(theirs));
    sender.set_max(10);
    assert!(matches!(sender.send_bytes(&[0; 11]), Err(ConnectionError::Header(_))));
    sender.send_bytes(&[0; 10]).unwrap();
    assert_eq!(receiver.recv_bytes().unwrap().unwrap(), [0; 10]);
}
