//! Each piece is taken by one worker, and who sees a piece done sees what was done: under every schedule and ordering.

use model::{Explore, cell::UnsafeCell, sync::Arc, thread};
use shared_memory::board::{Entry, Head, Pieces};

const PIECES: usize = 2;

/// A board, and what becomes of each piece.
#[derive(Default)]
struct Site {
    head: Head,
    entries: [Entry; PIECES],
    parts: [UnsafeCell<u32>; PIECES],
}

// SAFETY: a part is written by whoever has taken the piece, and read when it is done.
unsafe impl Sync for Site {}

impl Site {
    fn pieces(&self) -> Pieces<'_> {
        Pieces::new(&self.head, &self.entries)
    }

    fn work(&self, worker: u32, take: impl Fn(&Self, u32) -> Option<usize>) {
        while let Some(place) = take(self, worker) {
            // SAFETY: taken by this worker alone.
            self.parts[place].with_mut(|part| unsafe { *part += 1 });
            self.pieces().done(place, worker);
        }
    }

    fn look(&self) {
        for (place, part) in self.parts.iter().enumerate() {
            if self.pieces().is_done(place) {
                // SAFETY: nobody writes to it any more.
                part.with(|part| assert_eq!(unsafe { *part }, 1, "done once"));
            }
        }
    }
}

fn two_work_and_one_looks(take: impl Fn(&Site, u32) -> Option<usize> + Copy + Send + 'static) {
    let site = Arc::new(Site::default());
    let workers = [0, 1].map(|worker| {
        let site = Arc::clone(&site);
        thread::spawn(move || site.work(worker, take))
    });
    site.look();
    for worker in workers {
        worker.join().unwrap();
    }
    assert!((0..PIECES).all(|place| site.pieces().is_done(place)), "a piece is left");
    site.look();
}

#[test]
fn each_piece_is_taken_once_and_seen_when_done() {
    model::explore(&Explore::named("board").preemptions(2).floor(100), || {
        two_work_and_one_looks(|site, worker| site.pieces().take(worker));
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    /// Looks whether a piece is taken, then takes it by being done with it: a look and a store.
    fn look_only(site: &Site, worker: u32) -> Option<usize> {
        let mine = |place: &usize| {
            !site.pieces().is_done(*place) && !site.pieces().owed(worker).any(|it| it == *place)
        };
        (0..PIECES).find(mine)
    }

    #[test]
    fn two_do_one_piece() {
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "done once" };
        must_find("board: looked, then took", expected, || {
            model::explore(&Explore::named("board: looked, then took"), || two_work_and_one_looks(look_only));
        });
    }
}
