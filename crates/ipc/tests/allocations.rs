//! What a peer announces is given no memory: every allocation is seen, and none is larger than what came allows.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use ipc::{
    frame::{FrameReader, MAXIMUM},
    manager,
    pubsub::wire::{SUBSCRIPTION, Told, decode_subscription},
    python, queue,
    rpc::wire::{Outcome, Reply, Request},
};

/// The system's, which remembers this thread's largest allocation.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn see(size: usize) {
    LARGEST.set(LARGEST.get().max(size));
}

// SAFETY: everything is handed to the system's allocator as it came; a `Cell` without a destructor allocates nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        see(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        see(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        see(size);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The largest allocation, in bytes, while `act` runs on this thread.
fn largest(act: impl FnOnce()) -> usize {
    LARGEST.set(0);
    act();
    LARGEST.get()
}

/// Gives at most so many bytes a read.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let most = room.len().min(self.1);
        self.0.read(&mut room[..most])
    }
}

#[test]
fn it_sees_a_large_allocation() {
    assert_eq!(largest(|| drop(std::hint::black_box(vec![0u8; 12_345]))), 12_345);
}

#[test]
fn a_frame_that_is_only_promised_is_given_little_room() {
    for came in [0, 1, 100, 10_000, 1 << 20] {
        let mut stream = (MAXIMUM as u32).to_be_bytes().to_vec();
        stream.resize(stream.len() + came, 7);
        let most = largest(|| {
            assert!(FrameReader::new(Slow(&stream, 4 << 10), MAXIMUM).read_frame().is_err());
        });
        assert!(most <= 2 * stream.len() + (16 << 10), "{most} bytes for {} that came", stream.len());
    }
}

#[test]
fn a_python_message_that_is_only_promised_is_given_little_room() {
    for came in [0, 1, 100, 10_000, 100_000] {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let long = [&(-1_i32).to_be_bytes()[..], &(MAXIMUM as u64).to_be_bytes()].concat();
        for header in [&(MAXIMUM as u32).to_be_bytes()[..], &long] {
            let mut connection = python::Connection::new(theirs.try_clone().unwrap());
            ours.write_all(header).unwrap();
            ours.write_all(&vec![7; came]).unwrap();
            connection.set_limit(Some(std::time::Duration::from_millis(20)));
            let most = largest(|| assert!(connection.recv_bytes().is_err()));
            // A first step of 1 MiB, then twice what came.
            assert!(most <= 2 * came + (1 << 20), "{most} bytes for {came} that came");
        }
    }
}

#[test]
fn decoding_a_call_a_reply_or_news_allocates_nothing() {
    let call = Request::Call {
        id: 1,
        within: std::time::Duration::MAX,
        method: &"m".repeat(255),
        argument: &[0; 10_000],
    };
    let reply = Reply { id: 1, outcome: Outcome::Failed(&"why".repeat(1000)) };
    let news = Told::News { topic: &"t".repeat(255), payload: &[0; 10_000] };
    let messages = [call.encode().unwrap(), reply.encode(), news.encode().unwrap()];
    for message in &messages {
        // Cut anywhere, too, and taken for each of the three.
        for end in (0..=message.len()).step_by(97).chain([message.len()]) {
            let most = largest(|| {
                let _ = Request::decode(&message[..end]);
                let _ = Reply::decode(&message[..end]);
                let _ = Told::decode(&message[..end]);
            });
            assert_eq!(most, 0);
        }
    }
}

#[test]
fn a_subscription_is_bounded_by_its_length() {
    // The most prefixes that fit: empty ones.
    let mut message = vec![0; SUBSCRIPTION];
    message[0] = 1;
    let most = largest(|| assert_eq!(decode_subscription(&message).unwrap().len(), SUBSCRIPTION - 1));
    assert!(most <= SUBSCRIPTION * size_of::<String>(), "{most}");
}

#[test]
fn a_put_is_bounded_by_its_length() {
    use queue::wire::{Answer, Request};
    for count in [0, 1, 10, 1_000, 100_000] {
        // The most items that fit: empty ones.
        let message = Request::Put { limit: None, items: vec![b""; count] }.encode();
        let most = largest(|| match Request::decode(&message) {
            Ok(Request::Put { items, .. }) => assert_eq!(items.len(), count),
            other => panic!("{other:?}"),
        });
        assert!(most <= 8 * message.len(), "{most} bytes for {}", message.len());
        // One length that promises more than there is: what came before it is all that there is room for.
        let promises = [&message[..], &[0xff; 4]].concat();
        let most = largest(|| assert!(Request::decode(&promises).is_err()));
        assert!(most <= 8 * promises.len(), "{most} bytes for {}", promises.len());
        assert_eq!(largest(|| assert!(Answer::decode(&message).is_err())), 0);
    }
}

#[test]
fn a_managers_answer_is_bounded_by_its_length() {
    use manager::wire::{Answer, Call, Request};
    let request = Request { object: "dict", call: Call::Insert(&[1; 300], &[2; 10_000]) };
    let message = request.encode(Vec::new()).unwrap();
    assert_eq!(largest(|| assert_eq!(Request::decode(&message), Ok(request))), 0);
    for count in [0, 1, 10, 1_000, 100_000] {
        // The most keys that fit: empty ones.
        let message = Answer::Keys(vec![b""; count]).encode(Vec::new()).unwrap();
        let most = largest(|| {
            assert!(matches!(Answer::decode(&message), Ok(Answer::Keys(keys)) if keys.len() == count))
        });
        assert!(most <= 32 * message.len(), "{most} bytes for {}", message.len());
    }
    // Keys, 2^63 of them, and a text of 2^63 bytes: promised, and not there.
    for kind in [&b"\x02"[..], b"\x06\x00"] {
        let promises = [kind, &[0x80; 9], &[1]].concat();
        let most = largest(|| assert!(Answer::decode(&promises).is_err()));
        assert!(most <= 32 * promises.len(), "{most} bytes for {}", promises.len());
    }
}
