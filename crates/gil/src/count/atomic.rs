//! A count for any thread: an atomic integer. In Rust `Arc`.

use std::{marker::PhantomData, ops::Deref, ptr::NonNull};

use model::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// A share of a value on any thread.
pub struct Atomic<T> {
    object: NonNull<Object<T>>,
    /// We own a `T` and may drop it.
    _owns: PhantomData<T>,
}

struct Object<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: shares lead to `&T` on several threads (`Sync`), and the last one drops the `T` wherever it is (`Send`).
unsafe impl<T: Send + Sync> Send for Atomic<T> {}
// SAFETY: as above: through a `&Atomic` one can clone a share.
unsafe impl<T: Send + Sync> Sync for Atomic<T> {}

impl<T> Atomic<T> {
    /// A first share of `value`.
    pub fn new(value: T) -> Self {
        let object = Box::leak(Box::new(Object { count: AtomicUsize::new(1), value }));
        Self { object: NonNull::from(object), _owns: PhantomData }
    }

    fn object(&self) -> &Object<T> {
        // SAFETY: the object lives as long as there is a share, and this is one.
        unsafe { self.object.as_ref() }
    }
}

impl<T> Clone for Atomic<T> {
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed: the share that is cloned keeps the object alive, whatever the order.
        self.object().count.fetch_add(1, Relaxed);
        Self { object: self.object, _owns: PhantomData }
    }
}

impl<T> Drop for Atomic<T> {
    #[inline]
    fn drop(&mut self) {
        // Release: what this thread did with the value comes before the end, which pairs with the fence.
        if self.object().count.fetch_sub(1, Release) == 1 {
            fence(Acquire);
            // SAFETY: made by `Box`, and that was the last share.
            drop(unsafe { Box::from_raw(self.object.as_ptr()) });
        }
    }
}

impl<T> Deref for Atomic<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object().value
    }
}
