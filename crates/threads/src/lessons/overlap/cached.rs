//! Reading files that are in memory already: called I/O, and no waiting at all.

use std::{fs, io, path::PathBuf, thread, time::Instant};

use lesson::Story;
use tempfile::TempDir;

/// Files in a directory of their own, gone when dropped.
struct Files(TempDir);

impl Files {
    const COUNT: usize = 16;
    const SIZE: usize = 2 << 20;

    fn create() -> io::Result<Self> {
        let files = Self(tempfile::tempdir()?);
        for number in 0..Self::COUNT {
            fs::write(files.path(number), vec![number as u8; Self::SIZE])?;
        }
        Ok(files)
    }

    fn path(&self, number: usize) -> PathBuf {
        self.0.path().join(number.to_string())
    }

    /// Bytes read by so many threads, each its share of the files.
    fn read_by(&self, threads: usize) -> io::Result<usize> {
        let read = |number| fs::read(self.path(number)).map(|bytes| bytes.len());
        thread::scope(|scope| {
            let shares = (0..threads).map(|thread| {
                scope.spawn(move || {
                    let share = (thread..Self::COUNT).step_by(threads);
                    share.map(read).sum::<io::Result<usize>>()
                })
            });
            let shares: Vec<_> = shares.collect();
            shares.into_iter().map(|share| share.join().unwrap_or(Ok(0))).sum()
        })
    }
}

pub(super) fn tell(story: &mut Story) -> lesson::Result {
    let files = Files::create()?;
    let all = Files::COUNT * Files::SIZE;
    story.say(format!(
        "{} files of {} MiB that were written just now are read again.",
        Files::COUNT,
        Files::SIZE >> 20
    ));
    let before = from_storage();
    let mut read = vec![files.read_by(1)?];
    let after = from_storage();
    let text = "a file that was used lately is read from memory: the storage is not asked";
    match before.zip(after) {
        Some((before, after)) => {
            let asked = after.saturating_sub(before);
            story.claim(
                text,
                format!("below {} KiB of {} MiB", all >> 17, all >> 20),
                format!("{} KiB", asked >> 10),
                asked < all as u64 >> 7,
            );
        }
        None => {
            story.skip(text, format!("below {} KiB", all >> 17), "this system has no /proc/self/io to read")
        }
    }
    let mut table = String::from("threads     took\n");
    for threads in [1, 2, 16] {
        let start = Instant::now();
        read.push(files.read_by(threads)?);
        table.push_str(&format!("{threads:7} {:5.1} ms\n", start.elapsed().as_secs_f64() * 1e3));
    }
    story.equal("any number of threads reads all of it", vec![all; 4], read);
    if story.is_timed() {
        story.show(table);
    }
    Ok(())
}

/// Bytes that this process has had fetched from storage so far: `proc_pid_io(5)`.
fn from_storage() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}
