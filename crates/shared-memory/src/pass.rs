//! A descriptor goes to a process that is no child through a Unix socket: SCM_RIGHTS, unix(7).
//!
//! What arrives is another descriptor of the same open file, whatever number it gets. In Python:
//! `socket.send_fds`, `multiprocessing.reduction.DupFd`.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{fd::AsFd, unix::net::UnixStream},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::memfd::{Memfd, MemfdError};

/// Why no memory came through a socket.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The socket failed, or the other side has closed it.
    #[error("the socket: {0}")]
    Socket(#[from] io::Error),
    /// A message came without exactly one descriptor.
    #[error("the message brought {0} descriptors and not one")]
    Descriptors(usize),
    /// What came is no memory to be trusted.
    #[error(transparent)]
    Memfd(#[from] MemfdError),
}

/// Sends a descriptor of `memory`; ours stays.
///
/// # Errors
/// Those of sendmsg(2).
pub fn send(socket: &UnixStream, memory: impl AsFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files = [memory.as_fd()];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    // A stream carries no descriptor without a byte.
    sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a descriptor, if the memory behind it is sealed. Waits for it, unless the socket has a time limit.
///
/// # Errors
/// When the other side has gone, sent none or several, or one that is refused by [`Memfd::from_fd`].
pub fn receive(socket: &UnixStream) -> Result<Memfd, PassError> {
    // Room for more than one: what does not fit would be dropped without a word.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    // CMSG_CLOEXEC: a child that another thread starts at this moment does not get it.
    let got = recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    let got = got.map_err(io::Error::from)?;
    let mut files = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            files.extend(rights);
        }
    }
    if got.bytes == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    match (files.len(), files.pop()) {
        (1, Some(file)) if !got.flags.contains(ReturnFlags::CTRUNC) => Ok(Memfd::from_fd(file)?),
        (count, _) => Err(PassError::Descriptors(count)),
    }
}
