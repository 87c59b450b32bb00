//! Work that does everything wrong, one thing at a time.

use std::{
    env,
    fs::File,
    path::PathBuf,
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize};
use workload::{PieceError, Workload};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Habit {
    Counts,
    Fails,
    Panics,
    Hangs,
    /// Tells its process id before.
    SaysAndHangs,
    /// Says why before.
    Aborts,
    Exits,
    ChangesDirectory,
    /// And waits.
    Prints,
    NeedsMemory,
    /// 4 GiB at once.
    NeedsTooMuch,
    Waits,
    CannotBeCut,
    /// When two threads of a process do pieces at once.
    HangsInCompany,
    /// One thread of a process at a time.
    WaitsLocked,
    /// In any thread but the main one.
    DiesInThreads,
}

/// So many pieces, with a habit that shows at piece `at`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Strange {
    pub(crate) habit: Habit,
    pub(crate) pieces: u32,
    pub(crate) at: u32,
}

/// Eight pieces, of which the sixth has the habit.
pub(crate) fn strange(habit: Habit) -> Strange {
    Strange { habit, pieces: 8, at: 5 }
}

impl Workload for Strange {
    const NAME: &'static str = "strange";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        match self.habit {
            Habit::CannotBeCut => Err(PieceError::new("no scissors")),
            _ => Ok((0..self.pieces).collect()),
        }
    }

    fn run(&self, &piece: &u32) -> Result<u64, PieceError> {
        if piece == self.at {
            self.habit.show()?;
        }
        Ok(u64::from(piece))
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

impl Habit {
    fn show(self) -> Result<(), PieceError> {
        match self {
            Habit::Fails => return Err(PieceError::new("the input is broken")),
            Habit::Panics => panic!("out of cheese"),
            Habit::Hangs => hang(),
            Habit::SaysAndHangs => {
                println!("{}", process::id());
                hang();
            }
            Habit::Aborts => {
                eprintln!("this cannot be\n");
                process::abort();
            }
            Habit::Exits => process::exit(7),
            Habit::ChangesDirectory => env::set_current_dir("/").map_err(PieceError::new)?,
            Habit::Prints => {
                println!("\u{0}{{\"Rows\":[]}}\nand no end of line");
                wait();
            }
            Habit::NeedsMemory => assert_eq!(std::hint::black_box(vec![1_u8; 64 << 20])[7], 1),
            Habit::NeedsTooMuch => assert_eq!(std::hint::black_box(vec![1_u8; 4 << 30])[7], 1),
            Habit::Waits => wait(),
            Habit::WaitsLocked => {
                static ONE: Mutex<()> = Mutex::new(());
                let _one_at_a_time = ONE.lock().unwrap_or_else(PoisonError::into_inner);
                wait();
            }
            Habit::HangsInCompany => hang_in_company(),
            Habit::DiesInThreads if thread::current().name() != Some("main") => process::abort(),
            Habit::Counts | Habit::CannotBeCut | Habit::DiesInThreads => {}
        }
        Ok(())
    }
}

fn wait() {
    thread::sleep(Duration::from_millis(3));
}

fn hang() -> ! {
    loop {
        thread::park();
    }
}

fn hang_in_company() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    INSIDE.fetch_add(1, Ordering::SeqCst);
    wait();
    if INSIDE.load(Ordering::SeqCst) > 1 {
        // For ever, so that whoever comes hangs, too.
        hang();
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// The same piece so many times.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Many(pub(crate) Strange, pub(crate) u32);

/// A piece with this habit, so many times.
pub(crate) fn many(habit: Habit, times: u32) -> Many {
    Many(Strange { habit, pieces: 1, at: 0 }, times)
}

impl Workload for Many {
    const NAME: &'static str = "many";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        Ok((0..self.1).collect())
    }

    fn run(&self, _: &u32) -> Result<u64, PieceError> {
        self.0.run(&0)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

/// Work that waits, and that a worker process cannot read: it panics over what is no text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unreadable(pub(crate) u32);

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        assert!(from.is_human_readable(), "this is no text");
        u32::deserialize(from).map(Self)
    }
}

impl Workload for Unreadable {
    const NAME: &'static str = "unreadable";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        Ok((0..self.0).collect())
    }

    fn run(&self, _: &u32) -> Result<u64, PieceError> {
        wait();
        Ok(1)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

/// Pieces that can be done once: each leaves a file, and whoever finds it there gives up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Once(pub(crate) PathBuf);

impl Workload for Once {
    const NAME: &'static str = "once";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        Ok((0..8).collect())
    }

    fn run(&self, piece: &u32) -> Result<u64, PieceError> {
        if File::create_new(self.0.join(piece.to_string())).is_err() {
            process::abort();
        }
        Ok(1)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}
