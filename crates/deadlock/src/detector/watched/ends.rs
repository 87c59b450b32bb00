//! Who has which end of a channel: counted for all handles, known by thread for those that are bound.
//!
//! A handle that is moved to another thread does not tell anybody. So as long as one handle may be anywhere, a wait
//! on it counts as one that any thread could end. A handle that is bound to a thread cannot leave it (it is not
//! `Send`), so when all handles of an end are bound, those who could end a wait are known exactly.

use std::{marker::PhantomData, ops::Deref};

use super::{
    graph::{Graph, On},
    identity::Identity,
    local,
    object::Ends,
};

/// An end of a channel.
#[derive(Clone, Copy)]
pub enum Side {
    /// That sends.
    Send,
    /// That receives.
    Receive,
}

/// A handle of a channel; nobody else can implement it.
pub trait End {
    #[doc(hidden)]
    const SIDE: Side;

    #[doc(hidden)]
    fn identity(&self) -> &Identity;
}

/// A handle that stays with the thread that made this, so that the detector knows who could send, or receive.
///
/// ```
/// # #[cfg(feature = "detector")] {
/// use deadlock::detector::{Detector, RecvError, Recovery};
///
/// let detector = Detector::new(Recovery::Break);
/// let (sender, receiver) = detector.channel::<u32>("work", 1);
/// let (sender, receiver) = (sender.here(), receiver.here());
/// // Nobody but this thread could send, and it waits: found, whatever other threads do.
/// assert!(matches!(receiver.recv(), Err(RecvError::WouldDeadlock(_))));
/// # drop(sender); }
/// ```
///
/// ```compile_fail
/// let (sender, _receiver) = deadlock::detector::channel::<u32>(1);
/// let sender = sender.here();
/// std::thread::spawn(move || drop(sender)); // `*const ()` cannot be sent between threads safely
/// ```
#[derive(Debug)]
pub struct Here<E: End> {
    /// `None` only while it is released.
    end: Option<E>,
    thread: u64,
    stays: PhantomData<*const ()>,
}

impl<E: End> Here<E> {
    pub(super) fn new(end: E) -> Self {
        let thread = local::with(|local| {
            local.meet(end.identity());
            local.number()
        });
        let detector = end.identity().detector();
        let mut graph = detector.graph();
        let ends = ends(&mut graph, end.identity(), E::SIDE);
        ends.anywhere -= 1;
        ends.bound.push(thread);
        // Fewer than before could end a wait.
        detector.judge_all(graph);
        Self { end: Some(end), thread, stays: PhantomData }
    }

    /// The handle, free to go anywhere again.
    pub fn release(mut self) -> E {
        self.unbind();
        self.end.take().expect(PRESENT)
    }

    fn unbind(&self) {
        let Some(end) = &self.end else { return };
        let mut graph = end.identity().detector().graph();
        let ends = ends(&mut graph, end.identity(), E::SIDE);
        ends.unbind(self.thread);
        ends.anywhere += 1;
    }
}

const PRESENT: &str = "it has its handle until it is released";

impl<E: End> Deref for Here<E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.end.as_ref().expect(PRESENT)
    }
}

impl<E: End + Clone> Clone for Here<E> {
    fn clone(&self) -> Self {
        Self::new(E::clone(self))
    }
}

impl<E: End> Drop for Here<E> {
    fn drop(&mut self) {
        self.unbind();
    }
}

fn ends<'a>(graph: &'a mut Graph, identity: &Identity, side: Side) -> &'a mut Ends {
    let object = graph.object(identity.number());
    match side {
        Side::Send => &mut object.senders,
        Side::Receive => &mut object.receivers,
    }
}

/// One more handle, which may go anywhere.
pub(super) fn opened(identity: &Identity, side: Side) {
    identity.number();
    ends(&mut identity.detector().graph(), identity, side).anywhere += 1;
}

/// A handle that could have been anywhere is gone.
pub(super) fn left(identity: &Identity, side: Side) {
    let detector = identity.detector();
    let mut graph = detector.graph();
    let ends = ends(&mut graph, identity, side);
    ends.anywhere -= 1;
    if ends.count() == 0 {
        wake_others(&mut graph, identity.number(), side);
    }
    // Fewer than before could end a wait.
    detector.judge_all(graph);
}

/// Those at the other end have to see that nobody is left at this one.
fn wake_others(graph: &mut Graph, number: u64, gone: Side) {
    let wanted = match gone {
        Side::Send => On::Receive(number),
        Side::Receive => On::Send(number),
    };
    let queue = &mut graph.object(number).queue;
    let waiting: Vec<u64> = queue.iter().filter(|(_, on)| *on == wanted).map(|(thread, _)| *thread).collect();
    queue.retain(|(_, on)| *on != wanted);
    waiting.into_iter().for_each(|thread| graph.wake(thread));
}
