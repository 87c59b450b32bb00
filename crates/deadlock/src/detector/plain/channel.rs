//! std's bounded channel under the detector's names.

use std::{
    ops::Deref,
    sync::mpsc::{self, Receiver as StdReceiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError},
    time::Duration,
};

use crate::detector::{RecvError, SendError};

/// `std::sync::mpsc::SyncSender`.
#[derive(Debug)]
pub struct Sender<T>(SyncSender<T>);

/// `std::sync::mpsc::Receiver`.
#[derive(Debug)]
pub struct Receiver<T>(StdReceiver<T>);

/// A handle that stays with its thread; here it only keeps the types alike.
#[derive(Clone, Debug)]
pub struct Here<E>(E, std::marker::PhantomData<*const ()>);

/// `std::sync::mpsc::sync_channel`.
#[inline]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(capacity);
    (Sender(sender), Receiver(receiver))
}

impl<T> Clone for Sender<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Sender<T> {
    /// As std's.
    ///
    /// # Errors
    /// [`SendError::Disconnected`] only.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value).map_err(|mpsc::SendError(value)| SendError::Disconnected(value))
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(value)
    }

    /// Keeps it with this thread.
    #[inline]
    pub fn here(self) -> Here<Self> {
        Here(self, std::marker::PhantomData)
    }
}

impl<T> Receiver<T> {
    /// As std's.
    ///
    /// # Errors
    /// [`RecvError::Disconnected`] only.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.0.recv().map_err(|mpsc::RecvError| RecvError::Disconnected)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.0.recv_timeout(timeout)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// As std's.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter()
    }

    /// Keeps it with this thread.
    #[inline]
    pub fn here(self) -> Here<Self> {
        Here(self, std::marker::PhantomData)
    }
}

impl<E> Here<E> {
    /// The handle, free to go anywhere again.
    #[inline]
    pub fn release(self) -> E {
        self.0
    }
}

impl<E> Deref for Here<E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        &self.0
    }
}
