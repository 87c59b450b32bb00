//! An end of each way: it sends a message, and takes one of a known length.

use std::{fs::File, io::IoSlice, io::IoSliceMut, mem::MaybeUninit, os::fd::OwnedFd};

use ipc::{
    Connection,
    frame::{FrameReader, MAXIMUM, write_frame},
};
use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcReceiver, IpcSender, IpcSharedMemory};
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, recv, recvmsg, send, sendmsg,
};
use shared_memory::ring::{Consumer, Producer};

pub(crate) trait End {
    fn send(&mut self, message: &[u8]);
    /// Takes a message of `len` bytes. (Where the kernel or the library does not copy it into memory of our own, we do.)
    fn receive(&mut self, len: usize);
}

/// A stream: reads and writes until all of it is through.
pub(crate) struct Stream {
    pub(crate) into: OwnedFd,
    pub(crate) out: OwnedFd,
    pub(crate) room: Vec<u8>,
}

impl End for Stream {
    fn send(&mut self, message: &[u8]) {
        let mut left = message;
        while !left.is_empty() {
            left = &left[rustix::io::write(&self.out, left).expect("the other end is there")..];
        }
    }

    fn receive(&mut self, len: usize) {
        let mut done = 0;
        while done < len {
            match rustix::io::read(&self.into, &mut self.room[done..len]).expect("the other end is there") {
                // The other end has gone: so does this one, which is the peer.
                0 => std::process::exit(0),
                count => done += count,
            }
        }
    }
}

/// Whole messages, or none.
pub(crate) struct Seqpacket {
    pub(crate) socket: OwnedFd,
    pub(crate) room: Vec<u8>,
}

impl End for Seqpacket {
    fn send(&mut self, message: &[u8]) {
        let sent = send(&self.socket, message, SendFlags::NOSIGNAL).expect("the other end is there");
        assert_eq!(sent, message.len());
    }

    fn receive(&mut self, len: usize) {
        let (count, _) =
            recv(&self.socket, &mut self.room[..], RecvFlags::empty()).expect("the other end is there");
        if count == 0 {
            std::process::exit(0);
        }
        assert_eq!(count, len);
    }
}

/// The same calls as ipc-channel's: those that could carry descriptors too.
pub(crate) struct WithRoom(pub(crate) Seqpacket);

impl End for WithRoom {
    fn send(&mut self, message: &[u8]) {
        let Self(Seqpacket { socket, .. }) = self;
        let none = &mut SendAncillaryBuffer::default();
        let sent = sendmsg(socket, &[IoSlice::new(message)], none, SendFlags::NOSIGNAL);
        assert_eq!(sent.expect("the other end is there"), message.len());
    }

    fn receive(&mut self, len: usize) {
        let Self(Seqpacket { socket, room }) = self;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
        let mut descriptors = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(socket, &mut [IoSliceMut::new(room)], &mut descriptors, RecvFlags::CMSG_CLOEXEC);
        match got.expect("the other end is there").bytes {
            0 => std::process::exit(0),
            count => assert_eq!(count, len),
        }
    }
}

/// Our frames, through pipes.
pub(crate) struct FramedPipe {
    pub(crate) into: FrameReader<File>,
    pub(crate) out: File,
}

impl End for FramedPipe {
    fn send(&mut self, message: &[u8]) {
        write_frame(&mut self.out, message, MAXIMUM).expect("the other end is there");
    }

    fn receive(&mut self, len: usize) {
        match self.into.read_frame().expect("the other end is there") {
            Some(message) => assert_eq!(message.len(), len),
            None => std::process::exit(0),
        }
    }
}

/// Ours.
pub(crate) struct Framed(pub(crate) Connection);

impl End for Framed {
    fn send(&mut self, message: &[u8]) {
        self.0.send(message).expect("the other end is there");
    }

    fn receive(&mut self, len: usize) {
        match self.0.receive().expect("the other end is there") {
            Some(message) => assert_eq!(message.len(), len),
            None => std::process::exit(0),
        }
    }
}

pub(crate) struct Bytes(pub(crate) IpcBytesSender, pub(crate) IpcBytesReceiver);

impl End for Bytes {
    fn send(&mut self, message: &[u8]) {
        self.0.send(message).expect("the other end is there");
    }

    fn receive(&mut self, len: usize) {
        let Ok(message) = self.1.recv() else { std::process::exit(0) };
        assert_eq!(message.len(), len);
    }
}

/// A typed channel, whose type is bytes: serde writes them one by one.
pub(crate) struct Typed(pub(crate) IpcSender<Vec<u8>>, pub(crate) IpcReceiver<Vec<u8>>);

impl End for Typed {
    fn send(&mut self, message: &[u8]) {
        self.0.send(message.to_vec()).expect("the other end is there");
    }

    fn receive(&mut self, len: usize) {
        let Ok(message) = self.1.recv() else { std::process::exit(0) };
        assert_eq!(message.len(), len);
    }
}

/// New shared memory for each message.
pub(crate) struct Fresh {
    pub(crate) out: IpcSender<IpcSharedMemory>,
    pub(crate) into: IpcReceiver<IpcSharedMemory>,
    pub(crate) room: Vec<u8>,
}

impl End for Fresh {
    fn send(&mut self, message: &[u8]) {
        self.out.send(IpcSharedMemory::from_bytes(message)).expect("the other end is there");
    }

    fn receive(&mut self, len: usize) {
        let Ok(message) = self.into.recv() else { std::process::exit(0) };
        self.room[..len].copy_from_slice(&message);
    }
}

/// The same shared memory for each message, and a socket that says when. One message at a time: only there and back.
pub(crate) struct Region {
    pub(crate) socket: Stream,
    pub(crate) out: IpcSharedMemory,
    pub(crate) into: IpcSharedMemory,
    pub(crate) room: Vec<u8>,
}

impl End for Region {
    fn send(&mut self, message: &[u8]) {
        // SAFETY: this end alone writes there, and nobody reads: the other end reads between the word that we send below and
        // its answer, and no message is sent before that has come. Neither end clones it or sends it again.
        let region = unsafe { self.out.deref_mut() };
        region[..message.len()].copy_from_slice(message);
        self.socket.send(&message.len().to_le_bytes());
    }

    fn receive(&mut self, len: usize) {
        self.socket.receive(size_of::<usize>());
        self.room[..len].copy_from_slice(&self.into[..len]);
    }
}

/// Two rings that wait asleep, by futex.
pub(crate) struct Rings {
    pub(crate) out: Producer,
    pub(crate) into: Consumer,
    pub(crate) room: Vec<u8>,
}

impl End for Rings {
    fn send(&mut self, message: &[u8]) {
        let mut room = self.out.reserve(message.len()).expect("the other end is there");
        room.copy_from_slice(message);
        room.commit();
    }

    fn receive(&mut self, len: usize) {
        let message = self.into.peek().expect("the other end is there");
        self.room[..len].copy_from_slice(&message);
        message.release();
    }
}
