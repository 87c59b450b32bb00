//! Open files go to another process through a Unix socket: SCM_RIGHTS, unix(7).
//!
//! What arrives is another descriptor of the same open file (with its position), whatever number it gets. In Python:
//! `socket.send_fds`, `socket.recv_fds`, `multiprocessing.reduction.send_handle`.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// As many as the kernel takes in one message (SCM_MAX_FD).
pub const MOST: usize = 253;

/// Why no descriptors came, or went.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorsError {
    /// The socket failed; `UnexpectedEof` when the other side has closed it.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// More than [`MOST`] were to be sent.
    #[error("{0} descriptors, where a message takes at most {MOST}")]
    TooMany(usize),
    /// More came than were expected: what did not fit is lost, the rest was closed.
    #[error("more descriptors than the {0} that were expected")]
    Unexpected(usize),
    /// More came than this process may have (RLIMIT_NOFILE): what did not fit is lost, the rest was closed.
    #[error("this process may have no more descriptors: only {0} of those that came could be taken")]
    NoRoom(usize),
}

// ANCHOR: send
/// Sends copies of `files`; ours stay. They go with one byte, since a stream carries no descriptor without.
///
/// # Errors
/// [`DescriptorsError::TooMany`], and those of sendmsg(2).
pub fn send(socket: impl AsFd, files: &[BorrowedFd<'_>]) -> Result<(), DescriptorsError> {
    if files.len() > MOST {
        return Err(DescriptorsError::TooMany(files.len()));
    }
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(files.len()))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(DescriptorsError::TooMany(files.len()));
    }
    sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL).map_err(io::Error::from)?;
    Ok(())
}
// ANCHOR_END: send

/// Receives a message of at most `most` descriptors, in the order in which they were sent. Waits for it, unless the socket
/// has a time limit. They are closed by exec, so that a child which another thread starts at this moment gets none.
///
/// # Errors
/// [`DescriptorsError::Unexpected`], [`DescriptorsError::NoRoom`] and [`DescriptorsError::Socket`].
pub fn receive(socket: impl AsFd, most: usize) -> Result<Vec<OwnedFd>, DescriptorsError> {
    // Room for one more: the kernel rounds up, and that one too many must be seen and not be taken for expected.
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(most.min(MOST) + 1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let got = recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    let got = got.map_err(io::Error::from)?;
    let mut files = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            files.extend(rights);
        }
    }
    match got.bytes {
        _ if files.len() > most => Err(DescriptorsError::Unexpected(most)),
        // Cut off, though there was room for all that were expected and for one more: not by us.
        _ if got.flags.contains(ReturnFlags::CTRUNC) => Err(DescriptorsError::NoRoom(files.len())),
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Ok(files),
    }
}
