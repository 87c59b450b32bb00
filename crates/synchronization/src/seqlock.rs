//! Readers that never block the writer: they copy, look whether someone wrote meanwhile, and if so copy again.
//!
//! A sequence number is odd while a writer is at work and grows by two with each write. A reader that sees the same
//! even number before and after its copy has a copy of one state. For small data that is written seldom and read
//! often (a clock, a position); Linux's `vgettimeofday` is the well-known one. After Hans Boehm, "Can seqlocks get
//! along with programming language memory models?" (2012).
//!
//! The data is kept as atomic words: a plain copy beside a writer would be a data race, undefined even though the
//! torn copy is thrown away. A reader writes nothing at all, so readers do not slow each other either. It costs a
//! reader two loads and a fence more than the copy; while writers write all the time, it may wait for ever.

use std::{
    arch::asm,
    fmt,
    marker::PhantomData,
    mem::{MaybeUninit, size_of},
    ptr,
};

use model::{
    hint,
    sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
    thread,
};

const WORD: usize = size_of::<usize>();
/// Attempts before a waiter gives its core away: a writer needs that core if it lost its own.
const SPINS: u32 = 64;

/// A value that is read without a lock.
///
/// `T` is plain data, as `Copy` says. A pointer in it would lose its provenance on the way: store an index instead.
///
/// ```
/// use synchronization::SeqLock;
///
/// let position = SeqLock::new((0.0, 0.0));
/// position.write((1.5, 2.5));
/// position.update(|(x, y)| (x + 1.0, y));
/// assert_eq!(position.read(), (2.5, 2.5));
/// ```
pub struct SeqLock<T: Copy> {
    /// Odd while a writer is at work.
    sequence: AtomicUsize,
    /// The value's bytes, the last word filled up with zeros.
    words: Box<[AtomicUsize]>,
    value: PhantomData<T>,
}

// SAFETY: all its memory is atomic; a value goes in on one thread and a copy comes out on another, which is sending.
unsafe impl<T: Copy + Send> Send for SeqLock<T> {}
// SAFETY: as above; no reference to a T is ever given out.
unsafe impl<T: Copy + Send> Sync for SeqLock<T> {}

impl<T: Copy> SeqLock<T> {
    /// A lock that holds `value`.
    pub fn new(value: T) -> Self {
        let words = words_of(&value).map(AtomicUsize::new).collect();
        Self { sequence: AtomicUsize::new(0), words, value: PhantomData }
    }

    /// A copy of the value as it was at one moment during the call; tries until no writer came between.
    pub fn read(&self) -> T {
        let mut tries = 0;
        loop {
            if let Some(value) = self.try_read() {
                return value;
            }
            pause(&mut tries);
        }
    }

    /// A copy of the value; `None` if a writer was at work meanwhile.
    pub fn try_read(&self) -> Option<T> {
        // Acquire: pairs with the Release in `Writing::drop`: all words of that write are seen.
        let before = self.sequence.load(Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let copy = value_of(self.words.iter().map(|word| word.load(Relaxed)));
        // Pairs with the Release fence in `begin`: if a word came from a later write, the load below sees that the
        // write had begun. (An Acquire on that load would order what comes after it, not the copy before it.)
        fence(Acquire);
        let after = self.sequence.load(Relaxed);
        // SAFETY: nobody wrote between the two loads, so the bytes are those of one value.
        (before == after).then(|| unsafe { copy.assume_init() })
    }

    /// Replaces the value; waits for other writers, never for readers.
    pub fn write(&self, value: T) {
        self.begin().store(value);
    }

    /// Replaces the value by what `change` makes of it, as one step: no other write comes between.
    ///
    /// A panic in `change` leaves the value as it was.
    pub fn update(&self, change: impl FnOnce(T) -> T) {
        let writing = self.begin();
        let value = value_of(self.words.iter().map(|word| word.load(Relaxed)));
        // SAFETY: other writers are excluded, so the bytes are those of one value.
        writing.store(change(unsafe { value.assume_init() }));
    }

    /// Makes the number odd, which excludes other writers and tells readers.
    fn begin(&self) -> Writing<'_, T> {
        let mut tries = 0;
        loop {
            let even = self.sequence.load(Relaxed) & !1;
            // Acquire: pairs with the Release in `Writing::drop`: this write comes after the one before.
            if self.sequence.compare_exchange_weak(even, even.wrapping_add(1), Acquire, Relaxed).is_ok() {
                // Pairs with the fence in `try_read`: whoever sees one of the words to be stored, sees the odd number.
                fence(Release);
                return Writing { lock: self, even };
            }
            pause(&mut tries);
        }
    }
}

/// A write in progress; dropped at its end, also when `update`'s closure panics.
struct Writing<'a, T: Copy> {
    lock: &'a SeqLock<T>,
    even: usize,
}

impl<T: Copy> Writing<'_, T> {
    fn store(&self, value: T) {
        for (word, bits) in self.lock.words.iter().zip(words_of(&value)) {
            word.store(bits, Relaxed);
        }
    }
}

impl<T: Copy> Drop for Writing<'_, T> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire loads in `try_read` and `begin`: the words come before the even number.
        self.lock.sequence.store(self.even.wrapping_add(2), Release);
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for SeqLock<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("SeqLock").field(&self.read()).finish()
    }
}

fn pause(tries: &mut u32) {
    *tries += 1;
    if *tries < SPINS { hint::spin_loop() } else { thread::yield_now() }
}

/// The bytes of `value`, word by word.
fn words_of<T: Copy>(value: &T) -> impl Iterator<Item = usize> {
    (0..size_of::<T>()).step_by(WORD).map(move |at| {
        let mut word = MaybeUninit::new(0_usize);
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: `length` bytes are left in `value` behind `at`, and fit into a word.
        unsafe {
            ptr::copy_nonoverlapping(
                ptr::from_ref(value).cast::<u8>().add(at),
                word.as_mut_ptr().cast(),
                length,
            )
        };
        freeze(word)
    })
}

/// The value whose bytes `words` are; what [`words_of`] gave, if they are of one write.
fn value_of<T: Copy>(words: impl Iterator<Item = usize>) -> MaybeUninit<T> {
    let mut value = MaybeUninit::<T>::uninit();
    for (at, word) in (0..size_of::<T>()).step_by(WORD).zip(words) {
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: there is room for `length` bytes in `value` behind `at`, and so many in a word.
        unsafe {
            ptr::copy_nonoverlapping(
                ptr::from_ref(&word).cast::<u8>(),
                value.as_mut_ptr().cast::<u8>().add(at),
                length,
            );
        }
    }
    value
}

/// The same bytes, where padding between `T`'s fields becomes *some* number: Rust lets no one look at padding.
fn freeze(word: MaybeUninit<usize>) -> usize {
    let number;
    // SAFETY: no instruction at all. The compiler must take it that any number may have come out of the register.
    unsafe { asm!("/* {0} */", inout(reg) word => number, options(pure, nomem, nostack, preserves_flags)) };
    number
}
