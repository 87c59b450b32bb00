//! How fast memory is read, and how fast bytes get from one side to the other.

use std::{
    hint::black_box,
    io::{Read, Write, pipe},
    thread,
    time::Instant,
};

use lesson::measure::{Samples, in_turn, seconds};

/// More than caches hold, on most machines; little enough to be there.
const BYTES: usize = 64 << 20;

/// Bytes a second that one thread reads, and that `threads` read together.
pub(super) fn reading(threads: usize) -> [f64; 2] {
    let words = vec![1_u64; BYTES / 8];
    let sum = |part: &[u64]| {
        black_box(part.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word)));
    };
    let together = || {
        thread::scope(|scope| {
            for part in words.chunks(words.len().div_ceil(threads)) {
                scope.spawn(move || sum(part));
            }
        });
    };
    let [one, all] = in_turn(5, [&mut || sum(&words), &mut { together }]);
    [one, all].map(|times| BYTES as f64 / times.median())
}

/// Bytes a second through a pipe, from one thread to another. `None` where there is no pipe to be had.
pub(super) fn pipe_rate() -> Option<f64> {
    const PIECE: usize = 256 << 10;
    const PIECES: usize = 128;
    let (mut reader, mut writer) = pipe().ok()?;
    let start = Instant::now();
    let read = thread::scope(|scope| {
        scope.spawn(move || {
            let piece = vec![1; PIECE];
            // It fails only if the reader has gone, which it tells by itself.
            (0..PIECES).all(|_| writer.write_all(&piece).is_ok())
        });
        let (mut piece, mut read) = (vec![0; PIECE], 0);
        while let Ok(count) = reader.read(&mut piece) {
            if count == 0 {
                break;
            }
            read += count;
        }
        read
    });
    (read == PIECE * PIECES).then(|| read as f64 / start.elapsed().as_secs_f64())
}

/// Bytes a second copied into memory that other processes see too. `None` where there is none to be had.
pub(super) fn shared_rate() -> Option<f64> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    let source = vec![1_u8; BYTES / 4];
    // SAFETY: a new mapping, at a place that the system chooses, touches nobody's memory.
    let start = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            source.len(),
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED,
        )
    }
    .ok()?;
    // The first copy pays for the pages: it is not counted.
    let copies: Samples = (0..6)
        .map(|_| {
            seconds(|| {
                // SAFETY: both are as long as `source`, do not overlap, and nobody else knows the mapping.
                unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), start.cast::<u8>(), source.len()) };
                black_box(start);
            })
        })
        .skip(1)
        .collect();
    // SAFETY: mapped above with this length, and not used any more. Should it fail, it stays until the end.
    let _ = unsafe { munmap(start, source.len()) };
    Some(source.len() as f64 / copies.median())
}
