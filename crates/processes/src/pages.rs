//! Memory whose pages can be counted: which of them this process alone has (`/proc/self/pagemap`; Linux).

use std::{
    ffi::c_void,
    fs::File,
    io,
    os::unix::fs::FileExt,
    ptr::{self, NonNull},
};

use rustix::{
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap},
    param::page_size,
};

/// Private memory in whole pages. After a fork both processes have the same pages, until one of them writes.
#[derive(Debug)]
pub struct Pages {
    start: NonNull<u8>,
    count: usize,
}

impl Pages {
    /// So many pages, each written once, so that it is really there.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn touched(count: usize) -> io::Result<Self> {
        let length = count * page_size();
        let (both, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the kernel chooses an address at which nothing is.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), length, both, private)? };
        let start = NonNull::new(start.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut pages = Self { start, count };
        // Huge pages would be copied 512 at a time. A kernel that has none refuses, which is as good.
        // SAFETY: the range was just mapped, and the advice changes nothing in what it holds.
        let _ = unsafe { madvise(start.as_ptr().cast::<c_void>(), length, Advice::LinuxNoHugepage) };
        pages.write(count);
        Ok(pages)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds one to the first byte of each of the first `count` pages.
    pub fn write(&mut self, count: usize) {
        for page in 0..count.min(self.count) {
            // SAFETY: inside of the mapping, which is ours alone (`&mut`), readable and writable.
            unsafe {
                let byte = self.start.add(page * page_size());
                byte.write_volatile(byte.read_volatile().wrapping_add(1));
            }
        }
    }

    /// How many of them are in memory and mapped by this process alone.
    ///
    /// # Errors
    /// When `/proc/self/pagemap` cannot be read.
    pub fn exclusive(&self) -> io::Result<usize> {
        // One word of 64 bits a page: bit 63 says that it is in memory, bit 56 that nobody else maps it.
        const EXCLUSIVE: u64 = 1 << 63 | 1 << 56;
        let mut words = vec![0; 8 * self.count];
        let first = self.start.addr().get() / page_size();
        File::open("/proc/self/pagemap")?.read_exact_at(&mut words, 8 * first as u64)?;
        let (words, _) = words.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        Ok(words.filter(|word| word & EXCLUSIVE == EXCLUSIVE).count())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing points into it any more. It can only fail for a wrong range.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.count * page_size()) };
    }
}
