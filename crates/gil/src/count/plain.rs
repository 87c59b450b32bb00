//! A count for one thread: an integer. What CPython has under the GIL; in Rust `Rc`.

use std::{cell::Cell, marker::PhantomData, ops::Deref, ptr::NonNull};

/// A share of a value on one thread. Not `Send`: two threads that count at once would lose a count.
///
/// ```compile_fail,E0277
/// let value = gil::count::Plain::new(1);
/// std::thread::spawn(move || drop(value));
/// ```
pub struct Plain<T> {
    object: NonNull<Object<T>>,
    /// We own a `T` and may drop it.
    _owns: PhantomData<T>,
}

struct Object<T> {
    count: Cell<usize>,
    value: T,
}

impl<T> Plain<T> {
    /// A first share of `value`.
    pub fn new(value: T) -> Self {
        let object = Box::leak(Box::new(Object { count: Cell::new(1), value }));
        Self { object: NonNull::from(object), _owns: PhantomData }
    }

    fn object(&self) -> &Object<T> {
        // SAFETY: the object lives as long as there is a share, and this is one.
        unsafe { self.object.as_ref() }
    }
}

impl<T> Clone for Plain<T> {
    #[inline]
    fn clone(&self) -> Self {
        let count = &self.object().count;
        count.set(count.get() + 1);
        Self { object: self.object, _owns: PhantomData }
    }
}

impl<T> Drop for Plain<T> {
    #[inline]
    fn drop(&mut self) {
        let count = &self.object().count;
        count.set(count.get() - 1);
        if count.get() == 0 {
            // SAFETY: made by `Box`, and that was the last share.
            drop(unsafe { Box::from_raw(self.object.as_ptr()) });
        }
    }
}

impl<T> Deref for Plain<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object().value
    }
}
