//! Counts the words of one stretch of a file, through a buffer that stays within the second-level cache.

use std::{
    cell::RefCell,
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

use super::{Counts, Stretch, tokens};

/// Read at a time. Smaller costs more system calls, larger falls out of the second-level cache.
const CHUNK: usize = 128 << 10;

/// What [`tokens`] and [`super::key`] want to find behind the last byte.
const PADDING: usize = tokens::BLOCK;

thread_local! {
    /// One for each thread, for as long as it lives: new pages cost more than counting what they hold.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK + PADDING]);
}

/// Counts the words that begin in `stretch`.
///
/// A file that has become shorter since it was cut counts as far as it goes.
///
/// # Errors
/// When it cannot be opened or read; also when it is no regular file any more.
pub(super) fn count(stretch: &Stretch, counts: &mut Counts) -> io::Result<()> {
    let file = open(stretch.file.path())?;
    if stretch.from >= stretch.to {
        return Ok(());
    }
    BUFFER.with_borrow_mut(|buffer| {
        let result = count_in(&file, stretch, buffer, counts);
        // A word longer than the buffer has made it grow.
        buffer.truncate(CHUNK + PADDING);
        buffer.shrink_to(CHUNK + PADDING);
        result
    })
}

fn open(path: &Path) -> io::Result<File> {
    // NONBLOCK: if someone has put a named pipe in the file's place, opening it would wait for a writer.
    // NOFOLLOW: if it is a link by now, it is treated like every link.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits() as i32).open(path)
}

fn count_in(file: &File, stretch: &Stretch, buffer: &mut Vec<u8>, counts: &mut Counts) -> io::Result<()> {
    // The byte before tells whether the stretch begins within a word: then that word is another's.
    let mut at = stretch.from.saturating_sub(1);
    let mut anothers = stretch.from > 0;
    // How many bytes in front of the buffer are the beginning of a word whose end was not read yet.
    let mut kept = 0;
    loop {
        // As much again as is kept: a word of many megabytes is not looked at over and over.
        let beyond = at >= stretch.to;
        let (least, until) = if beyond { (64, stretch.end) } else { (CHUNK, stretch.to) };
        let want = (until - at).min(least.max(kept) as u64) as usize;
        if buffer.len() < kept + want + PADDING {
            buffer.resize(kept + want + PADDING, 0);
        }
        let got = read_full(file, &mut buffer[kept..kept + want], at)?;
        at += got as u64;
        let filled = kept + got;
        let over = got < want || at == stretch.end;

        let begin = if anothers { letters_in_front(&buffer[..filled]) } else { 0 };
        anothers &= begin == filled;
        let unfinished = if beyond {
            // One word is left, and it goes on.
            let end = kept + letters_in_front(&buffer[kept..filled]);
            if end < filled {
                counts.add(buffer, 0, end);
                return Ok(());
            }
            0
        } else {
            let text = &buffer[begin..];
            begin + tokens::each_word(text, filled - begin, |start, end| counts.add(text, start, end))
        };
        kept = filled - unfinished;
        if over && kept > 0 {
            counts.add(buffer, unfinished, filled);
        }
        if over || (at == stretch.to && kept == 0) {
            return Ok(());
        }
        buffer.copy_within(unfinished..filled, 0);
    }
}

fn letters_in_front(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(bytes.len())
}

/// Reads until `part` is full or the file ends.
fn read_full(file: &File, part: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < part.len() {
        match file.read_at(&mut part[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
