//! A count for any thread that costs its owner hardly more than a plain one.
//!
//! The thread that makes an object owns it. Most objects are never seen by another thread, so nearly all counting is
//! the owner's: a look at who one is and an addition.

mod counts;

use std::{marker::PhantomData, ops::Deref, ptr::NonNull};

use model::{
    sync::{Arc, Mutex, MutexGuard},
    thread_local,
};

pub use counts::{Counts, Dropped};

/// A share of a value on any thread, cheap on the one that made the value.
///
/// The value may be dropped later than its last share: when its owner, to whom that share was handed over, calls
/// [`collect`] or ends.
pub struct Biased<T: 'static> {
    object: NonNull<Object<T>>,
    /// We own a `T` and may drop it.
    _owns: PhantomData<T>,
}

struct Object<T> {
    counts: Counts,
    owner: Arc<Home>,
    value: T,
}

// SAFETY: shares lead to `&T` on several threads (`Sync`), and the last one drops the `T` wherever it is (`Send`).
unsafe impl<T: Send + Sync> Send for Biased<T> {}
// SAFETY: as above: through a `&Biased` one can clone a share.
unsafe impl<T: Send + Sync> Sync for Biased<T> {}

/// Where the shares that are handed over to a thread wait for it.
struct Home {
    queue: Mutex<Queue>,
}

struct Queue {
    /// The thread has ended: nobody will come for what is put here.
    closed: bool,
    waiting: Vec<Waiting>,
}

/// A share that was handed over: its object, and how to merge it.
struct Waiting {
    object: NonNull<()>,
    merge: unsafe fn(NonNull<()>),
}

// SAFETY: only a `Biased<T>` that may be sent can be dropped away from its owner and end up here.
unsafe impl Send for Waiting {}

thread_local! {
    static HERE: Resident = Resident(Arc::new(Home {
        queue: Mutex::new(Queue { closed: false, waiting: Vec::new() }),
    }));
}

/// A thread's hold on its home: when the thread ends, the home is closed.
struct Resident(Arc<Home>);

impl Drop for Resident {
    fn drop(&mut self) {
        let waiting = {
            let mut queue = self.0.lock();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        waiting.into_iter().for_each(Waiting::merge);
    }
}

impl Home {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing can panic between two steps of a change, so a poisoned queue is whole.
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether this thread lives here. No thread that is ending does.
    #[inline]
    fn is_here(home: &Arc<Self>) -> bool {
        HERE.try_with(|here| Arc::ptr_eq(&here.0, home)).unwrap_or(false)
    }
}

impl Waiting {
    fn merge(self) {
        // SAFETY: the share that was handed over keeps the object alive, and it is used up here. Whoever calls is the
        // owner, or holds the lock of a home whose owner has ended.
        unsafe { (self.merge)(self.object) }
    }
}

/// Drops the shares of this thread's objects that other threads have handed over; how many there were.
///
/// To be called now and then: CPython does it at the checkpoints of its interpreter.
pub fn collect() -> usize {
    // A thread that is ending has nothing left to collect.
    let waiting = HERE.try_with(|here| std::mem::take(&mut here.0.lock().waiting)).unwrap_or_default();
    let many = waiting.len();
    waiting.into_iter().for_each(Waiting::merge);
    many
}

impl<T: 'static> Biased<T> {
    /// A first share of `value`, owned by this thread.
    pub fn new(value: T) -> Self {
        let owner = HERE.with(|here| Arc::clone(&here.0));
        let object = Box::leak(Box::new(Object { counts: Counts::new(), owner, value }));
        Self { object: NonNull::from(object), _owns: PhantomData }
    }

    fn object(&self) -> &Object<T> {
        // SAFETY: the object lives as long as there is a share, and this is one.
        unsafe { self.object.as_ref() }
    }

    /// Gives the share of `object` to its owner, or, if that has ended, merges in its place.
    #[cold]
    fn hand_over(object: NonNull<Object<T>>) {
        let waiting = Waiting { object: object.cast(), merge: merge::<T> };
        // SAFETY: the share that is handed over keeps the object alive.
        let owner = Arc::clone(unsafe { &object.as_ref().owner });
        let mut queue = owner.lock();
        if queue.closed {
            // Closed by the owner at its end, under this lock: all that it did comes before. And no other thread comes
            // here for the same object: it was queued only once.
            drop(queue);
            waiting.merge();
        } else {
            queue.waiting.push(waiting);
        }
    }
}

/// Drops the share that was handed over.
///
/// # Safety
/// As [`Counts::merge`]'s, with the `T` of the object.
unsafe fn merge<T>(object: NonNull<()>) {
    let object = object.cast::<Object<T>>();
    // SAFETY: the caller's promise; the share that is dropped here has kept the object alive.
    if unsafe { object.as_ref().counts.merge() } == Dropped::Free {
        // SAFETY: made by `Box`, and that was the last share.
        drop(unsafe { Box::from_raw(object.as_ptr()) });
    }
}

// ANCHOR: counting
impl<T: 'static> Clone for Biased<T> {
    #[inline]
    fn clone(&self) -> Self {
        let object = self.object();
        // SAFETY: `own` is called only at home, with this share.
        if !(Home::is_here(&object.owner) && unsafe { object.counts.own() }) {
            object.counts.share();
        }
        Self { object: self.object, _owns: PhantomData }
    }
}

impl<T: 'static> Drop for Biased<T> {
    #[inline]
    fn drop(&mut self) {
        let object = self.object();
        let dropped = if Home::is_here(&object.owner) {
            // SAFETY: called at home, for this share.
            unsafe { object.counts.drop_own() }
        } else {
            object.counts.drop_shared()
        };
        match dropped {
            Dropped::Nothing => {}
            // SAFETY: made by `Box`, and that was the last share.
            Dropped::Free => drop(unsafe { Box::from_raw(self.object.as_ptr()) }),
            Dropped::Queue => Self::hand_over(self.object),
        }
    }
}
// ANCHOR_END: counting

impl<T: 'static> Deref for Biased<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object().value
    }
}
