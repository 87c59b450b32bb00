//! The side that publishes: for each subscriber a bounded queue and a thread that empties it into its socket.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::net::{Shutdown, shutdown};

use super::{
    queue::{Next, Offered, Queue},
    wire::{SUBSCRIPTION, Told, decode_subscription},
};
use crate::{Connection, Sender, fields::FieldError, frame::FrameError, ready::deadline};

/// What happens when a subscriber is slower than what is published, and its queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The oldest message that waits is thrown away, and the subscriber is told how many it missed, and where.
    Drop,
    /// The publisher waits, at most for so long; then the subscriber is cut off. Each that is slow costs all the others.
    Block(Duration),
    /// The subscriber is cut off at once.
    Disconnect,
}

/// What the publisher keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages that wait for one subscriber, at most. (What its socket holds comes on top: some 200 KiB.)
    pub waiting: usize,
    /// Bytes of a message with its topic, at most.
    pub longest: usize,
}

/// At most 4 MiB wait; a message that waits for many is kept once.
impl Default for Limits {
    fn default() -> Self {
        Self { waiting: 64, longest: 64 << 10 }
    }
}

/// Why somebody was not subscribed, or something not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The stream failed, or no subscription came in time (`TimedOut`).
    #[error(transparent)]
    Stream(#[from] FrameError),
    /// It went before it had subscribed.
    #[error("it has gone without a subscription")]
    Gone,
    /// What came is no subscription.
    #[error("not a subscription: {0}")]
    Subscription(#[from] FieldError),
    /// No thread or descriptor left.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The topic is longer than 255 bytes, or the message longer than [`Limits::longest`].
    #[error("a message of {length} bytes (topic {topic}), where at most {longest} (255) are allowed")]
    TooLong {
        /// Bytes of all.
        length: usize,
        /// Bytes of the topic.
        topic: usize,
        /// What is allowed.
        longest: usize,
    },
}

/// What came of publishing one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Subscribers that will get it, unless they turn out to be too slow.
    pub to: usize,
    /// Of these, how many miss an older one instead.
    pub dropped: usize,
    /// Subscribers that were cut off, too slow, or had gone.
    pub cut: usize,
}

/// Sends what is published to all who want it.
#[derive(Debug)]
pub struct Publisher {
    limits: Limits,
    subscriptions: Mutex<Vec<Subscription>>,
}

#[derive(Debug)]
struct Subscription {
    prefixes: Vec<String>,
    policy: Policy,
    queue: Arc<Queue>,
    /// Only to be shut down, which ends a write that nobody reads.
    socket: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Nobody has subscribed yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, subscriptions: Mutex::default() }
    }

    /// Takes the subscription that comes over `connection`, and welcomes the subscriber: it gets what is published from
    /// now on. A policy is the publisher's choice; a subscriber must not be able to stop it.
    ///
    /// # Errors
    /// [`PublishError`]: nothing, too late or nonsense came.
    pub fn admit(
        &self,
        connection: Connection,
        policy: Policy,
        within: Duration,
    ) -> Result<(), PublishError> {
        let mut connection = connection.with_maximum(SUBSCRIPTION);
        let message = connection.receive_within(within)?.ok_or(PublishError::Gone)?;
        let prefixes = decode_subscription(message)?;
        let socket = connection.as_fd().try_clone_to_owned()?;
        let (sender, _) = connection.with_maximum(self.limits.longest.max(SUBSCRIPTION)).split();
        let queue = Arc::new(Queue::new(self.limits.waiting));
        let theirs = Arc::clone(&queue);
        let deliver = move || {
            // Whatever ended it, the subscriber sees the end of the stream, and the publisher a closed queue.
            let _ = deliver(&theirs, &mut { sender });
            theirs.close();
        };
        let thread = Some(thread::Builder::new().name("deliver".into()).spawn(deliver)?);
        let subscription = Subscription { prefixes, policy, queue, socket, thread };
        // Under the lock: who was welcomed is in the list before anything else is published.
        let mut subscriptions = self.lock();
        if let Some(welcome) = Told::Welcome.encode() {
            subscription.queue.offer_dropping(welcome.into());
        }
        subscriptions.push(subscription);
        Ok(())
    }

    // ANCHOR: publish
    /// Publishes `payload` to all whose prefixes `topic` begins with, in the order in which they came.
    ///
    /// Takes no longer than the longest [`Policy::Block`], however many are slow.
    ///
    /// # Errors
    /// [`PublishError::TooLong`]: nobody gets it.
    pub fn publish(&self, topic: &str, payload: &[u8]) -> Result<Published, PublishError> {
        let too_long =
            |length| PublishError::TooLong { length, topic: topic.len(), longest: self.limits.longest };
        let message = Told::News { topic, payload }.encode().ok_or(too_long(payload.len()))?;
        if message.len() > self.limits.longest {
            return Err(too_long(message.len()));
        }
        // One copy, however many wait for it.
        let message: Arc<[u8]> = message.into();
        let began = Instant::now();
        let mut published = Published::default();
        self.lock().retain(|subscription| {
            let wanted = subscription.prefixes.iter().any(|prefix| topic.starts_with(prefix));
            let offered = match subscription.policy {
                _ if !wanted => return !subscription.queue.is_closed(),
                Policy::Drop => subscription.queue.offer_dropping(Arc::clone(&message)),
                Policy::Block(limit) => {
                    subscription.queue.offer_until(Arc::clone(&message), began.checked_add(limit))
                }
                Policy::Disconnect => subscription.queue.offer_until(Arc::clone(&message), Some(began)),
            };
            match offered {
                Offered::Taken => published.to += 1,
                Offered::InPlaceOfTheOldest => {
                    published.to += 1;
                    published.dropped += 1;
                }
                Offered::Full | Offered::Closed => published.cut += 1,
            }
            // Out of the list is cut off: see its `Drop`.
            matches!(offered, Offered::Taken | Offered::InPlaceOfTheOldest)
        });
        Ok(published)
    }
    // ANCHOR_END: publish

    /// How many are subscribed. One that has gone counts until something was published.
    pub fn subscribers(&self) -> usize {
        self.lock().len()
    }

    /// Messages that wait for the slowest.
    pub fn waiting(&self) -> usize {
        self.lock().iter().map(|subscription| subscription.queue.len()).max().unwrap_or(0)
    }

    /// Tells all that nothing more will come, once they have what waits for them; who does not take it `within` this time
    /// is cut off. (To drop a publisher is to cut off everybody.)
    pub fn close(self, within: Duration) {
        let deadline = deadline(within);
        let subscriptions = self.lock();
        for subscription in subscriptions.iter() {
            subscription.queue.finish();
        }
        for subscription in subscriptions.iter() {
            subscription.queue.wait_closed(deadline);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a subscriber what waits for it, until there is nothing more or it does not take it any more.
fn deliver(queue: &Queue, sender: &mut Sender) -> Result<(), FrameError> {
    while let Some(next) = queue.next() {
        match next {
            Next::Message(message) => sender.send(&message)?,
            Next::Missed(count) => tell(sender, Told::Missed(count))?,
        }
    }
    // Without this last word the subscriber knows that it was cut off.
    if queue.is_closed() { Ok(()) } else { tell(sender, Told::End) }
}

fn tell(sender: &mut Sender, what: Told<'_>) -> Result<(), FrameError> {
    what.encode().map_or(Ok(()), |message| sender.send(&message))
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.queue.close();
        // A thread that waits for room in the socket wakes up; an error says that the socket is shut down already.
        let _ = shutdown(&self.socket, Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
