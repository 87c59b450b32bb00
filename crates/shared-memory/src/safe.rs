//! What may live in memory that other processes map, as two traits that the compiler checks field by field.
//!
//! Another process has another address space and may be another build of the program. So:
//! - **no pointers**, hence no `Vec`, `String`, `Box`, `&`: the address means nothing over there. An offset does.
//! - **any bytes are a value**, hence no `bool`, `char`, enum: nobody knows what the others have written.
//! - **a layout that is agreed upon**: `#[repr(C)]`. Rust's own may differ from build to build.
//! - **changed only by atomics, or under a lock that all of them take**: [`PlainCell`] is for the second.

use std::{cell::UnsafeCell, sync::atomic};

/// May live in memory that other processes map. [`shared!`](crate::shared) implements it for a struct of such fields.
///
/// ```compile_fail,E0277
/// // A `Vec` is a pointer to somewhere else.
/// shared_memory::shared! { struct Names { all: Vec<u8> } }
/// ```
///
/// ```compile_fail
/// // So is a reference.
/// shared_memory::shared! { struct Name { first: &'static std::sync::atomic::AtomicU8 } }
/// ```
///
/// ```compile_fail,E0277
/// // Of 256 bytes two are a bool, and to look at another one is undefined behaviour.
/// shared_memory::shared! { struct Flag { raised: std::sync::atomic::AtomicBool } }
/// ```
///
/// ```compile_fail,E0277
/// // Others change it while it is borrowed here: only atomics allow that.
/// shared_memory::shared! { struct Count { so_far: u64 } }
/// ```
///
/// # Safety
/// - It holds no pointer, reference, descriptor or process-local handle.
/// - Any bytes of its size are a valid value, zeros too. Padding there may be.
/// - Its layout is fixed (`repr(C)` or `repr(transparent)`), and [`LAYOUT`](Self::LAYOUT) says which.
/// - Through `&Self` it is changed, here and in any process, only by atomics, or through [`PlainCell`].
/// - It needs no drop.
pub unsafe trait SharedSafe: Send + Sync + 'static {
    /// A fingerprint of the layout: two programs that differ in it must not use one segment together.
    const LAYOUT: u64;
    /// False for what has a model checker's atomics in it, which are larger than the words they stand for.
    const MAPPABLE: bool = true;
}

/// Plain data: any bytes are a value, and there is no pointer in it. For messages that are copied, and for what a lock
/// guards.
///
/// # Safety
/// As [`SharedSafe`], except that it is not changed through `&Self` at all.
pub unsafe trait Plain: Copy + Send + Sync + 'static {
    /// As [`SharedSafe::LAYOUT`].
    const LAYOUT: u64;
}

/// Plain data in shared memory, guarded by a protocol among all processes: a lock, an index that was published.
///
/// To touch it is `unsafe`, because that protocol is kept by people and not by the compiler.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct PlainCell<T: Plain>(UnsafeCell<T>);

// SAFETY: safe code cannot read or write it through `&self`.
unsafe impl<T: Plain> Sync for PlainCell<T> {}

impl<T: Plain> PlainCell<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Where the value is. It may be read or written only while no other thread of any process can write or use it.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }

    /// The value, for whoever has the cell alone.
    pub const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

// SAFETY: transparent over plain data, changed only by callers who promise to keep to a protocol.
unsafe impl<T: Plain> SharedSafe for PlainCell<T> {
    const LAYOUT: u64 = mix(name("cell"), T::LAYOUT);
}

// SAFETY: an array has the layout of its elements in a row.
unsafe impl<T: SharedSafe, const N: usize> SharedSafe for [T; N] {
    const LAYOUT: u64 = mix(mix(name("array"), T::LAYOUT), N as u64);
    const MAPPABLE: bool = T::MAPPABLE;
}

// SAFETY: as above.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    const LAYOUT: u64 = mix(mix(name("array"), T::LAYOUT), N as u64);
}

// SAFETY: nothing.
unsafe impl SharedSafe for () {
    const LAYOUT: u64 = name("nothing");
}

macro_rules! numbers {
    ($($plain:ty: $atomic:ident),*) => { $(
        // SAFETY: an atomic number has the layout of the number, and every pattern of bits is one.
        unsafe impl SharedSafe for atomic::$atomic {
            const LAYOUT: u64 = mix(name(stringify!($atomic)), size_of::<$plain>() as u64);
        }
        // SAFETY: every pattern of bits is a number.
        unsafe impl Plain for $plain {
            const LAYOUT: u64 = mix(name(stringify!($plain)), size_of::<$plain>() as u64);
        }
        // SAFETY: never mapped: `MAPPABLE` is false.
        #[cfg(any(feature = "loom", feature = "shuttle"))]
        unsafe impl SharedSafe for model::sync::atomic::$atomic {
            const LAYOUT: u64 = mix(name(stringify!($atomic)), size_of::<$plain>() as u64);
            const MAPPABLE: bool = false;
        }
    )* };
}

numbers!(u8: AtomicU8, u16: AtomicU16, u32: AtomicU32, u64: AtomicU64, usize: AtomicUsize);
numbers!(i8: AtomicI8, i16: AtomicI16, i32: AtomicI32, i64: AtomicI64, isize: AtomicIsize);

// SAFETY: every pattern of bits is a number or a NaN.
unsafe impl Plain for f32 {
    const LAYOUT: u64 = name("f32");
}

// SAFETY: as above.
unsafe impl Plain for f64 {
    const LAYOUT: u64 = name("f64");
}

/// The fingerprint of a name (FNV-1a, RFC 9923).
pub const fn name(name: &str) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325, 0);
    while at < name.len() {
        hash = (hash ^ name.as_bytes()[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The fingerprint of two things in a row.
pub const fn mix(left: u64, right: u64) -> u64 {
    let (mut hash, mut at) = (left, 0);
    while at < 8 {
        hash = (hash ^ (right >> (8 * at) & 0xff)).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// A struct for shared memory: adds `#[repr(C)]` and implements [`SharedSafe`], if each field does.
///
/// Names, order, types and offsets of the fields go into its fingerprint. `plain struct` implements [`Plain`] instead
/// (and `Clone`, `Copy`).
///
/// ```
/// use std::sync::atomic::{AtomicU32, AtomicU64};
///
/// shared_memory::shared! {
///     /// A sum and how many were added.
///     pub struct Mean { sum: AtomicU64, count: AtomicU32 }
/// }
/// shared_memory::shared! {
///     /// A point.
///     #[derive(Debug, PartialEq)]
///     pub plain struct Point { x: f64, y: f64 }
/// }
/// ```
#[macro_export]
macro_rules! shared {
    ($(#[$meta:meta])* $vis:vis plain struct $name:ident { $($(#[$doc:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $vis struct $name { $($(#[$doc])* $field_vis $field: $type),* }
        // SAFETY: repr(C); each field is plain itself, or naming its LAYOUT does not compile.
        unsafe impl $crate::safe::Plain for $name {
            const LAYOUT: u64 = $crate::shared!(@layout Plain, $name { $($field: $type),* });
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        $vis struct $name { $($(#[$doc])* $field_vis $field: $type),* }
        // SAFETY: repr(C); each field may be there itself, or naming its LAYOUT does not compile.
        unsafe impl $crate::safe::SharedSafe for $name {
            const LAYOUT: u64 = $crate::shared!(@layout SharedSafe, $name { $($field: $type),* });
            const MAPPABLE: bool = true $(&& <$type as $crate::safe::SharedSafe>::MAPPABLE)*;
        }
    };
    (@layout $trait:ident, $name:ident { $($field:ident: $type:ty),* }) => {{
        let whole = $crate::safe::name(stringify!($name));
        $(
            let whole = $crate::safe::mix(whole, $crate::safe::name(stringify!($field)));
            let whole = $crate::safe::mix(whole, <$type as $crate::safe::$trait>::LAYOUT);
            let whole = $crate::safe::mix(whole, ::std::mem::offset_of!($name, $field) as u64);
        )*
        $crate::safe::mix(whole, ::std::mem::size_of::<$name>() as u64)
    }};
}
