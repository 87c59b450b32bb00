//! A value as words, so that it can be copied by atomics, and words as a value.

use std::{arch::asm, mem::MaybeUninit, ptr};

use super::WORD;
use crate::safe::Plain;

/// The bytes of `value`, word by word; the last one filled up with zeros.
pub(super) fn words_of<T: Plain>(value: &T) -> impl Iterator<Item = u64> {
    (0..size_of::<T>()).step_by(WORD).map(move |at| {
        let mut word = MaybeUninit::new(0_u64);
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: `length` bytes are left in `value` behind `at`, and fit into a word.
        unsafe {
            let from = ptr::from_ref(value).cast::<u8>().add(at);
            ptr::copy_nonoverlapping(from, word.as_mut_ptr().cast(), length);
        }
        freeze(word)
    })
}

/// The value whose bytes `words` are.
pub(super) fn value_of<T: Plain>(words: impl Iterator<Item = u64>) -> MaybeUninit<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    for (at, word) in (0..size_of::<T>()).step_by(WORD).zip(words) {
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: there is room for `length` bytes in `value` behind `at`, and so many in a word.
        unsafe {
            let to = value.as_mut_ptr().cast::<u8>().add(at);
            ptr::copy_nonoverlapping(ptr::from_ref(&word).cast(), to, length);
        }
    }
    value
}

/// The same bytes, where padding between `T`'s fields becomes *some* number: Rust lets no one look at padding.
fn freeze(word: MaybeUninit<u64>) -> u64 {
    let number;
    // SAFETY: no instruction at all. The compiler must take it that any number may have come out of the register.
    unsafe {
        asm!("/* {0} */", inout(reg) word => number, options(pure, nomem, nostack, preserves_flags));
    }
    number
}
