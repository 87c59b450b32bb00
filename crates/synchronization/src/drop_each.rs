//! Empties a container whose values may panic when dropped: each is dropped once, also those after the panic.

/// Drops every value that `next` gives until it gives `None`.
///
/// # Panics
/// When a value's drop does, after the others are dropped too. A second panic meanwhile aborts, as in std.
pub(crate) fn drop_each<T, N: FnMut() -> Option<T>>(next: N) {
    struct Rest<T, N: FnMut() -> Option<T>>(N);

    impl<T, N: FnMut() -> Option<T>> Rest<T, N> {
        fn empty(&mut self) {
            while let Some(value) = (self.0)() {
                drop(value);
            }
        }
    }

    impl<T, N: FnMut() -> Option<T>> Drop for Rest<T, N> {
        fn drop(&mut self) {
            self.empty(); // finds something only when the call below was cut short by a panic
        }
    }

    Rest(next).empty();
}
