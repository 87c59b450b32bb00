//! Both robust locks: who holds one is killed, the next repairs, and nobody waits for ever.

use std::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Relaxed, SeqCst},
        compiler_fence,
    },
    thread,
    time::{Duration, Instant},
};

use shared_memory::{
    Memfd, PlainCell, Shared,
    lock::{Holder, Life, LockError, Processes, RawLock, Taken, pthread::Robust},
    peer, shared,
};

use crate::{
    LIMIT, Random, cast,
    ledger::{ACCOUNTS, Ledger},
    must_die,
};

/// Rounds after which a victim that should be dead is not.
const ROUNDS: u64 = 2_000_000;

shared! {
    struct Own { lock: RawLock, ledger: PlainCell<Ledger> }
}
shared! {
    /// How far each survivor is; and whether to stop.
    struct Progress { rounds: [AtomicU64; 2], stop: AtomicU64 }
}

/// A lock of either kind, in front of the same ledger.
enum Lock {
    Own(Shared<Own>),
    Pthread(Robust<Ledger>),
}

/// The world, with points at which to die.
struct Points(Processes);

impl Life for Points {
    fn is_alive(&self, holder: Holder) -> bool {
        self.0.is_alive(holder)
    }
    fn nap(&self) -> Option<Duration> {
        self.0.nap()
    }
    fn is_late(&self) -> bool {
        self.0.is_late()
    }
    fn at(&self, point: &'static str) {
        peer::at(point);
    }
}

impl Lock {
    fn create(kind: &str) -> (Memfd, Self) {
        match kind {
            "own" => {
                let memory = Memfd::create("rust-kills", Shared::<Own>::size(0)).unwrap();
                let own = Shared::<Own>::create(&memory, |own, _| own.ledger.get_mut().begin()).unwrap();
                (memory, Self::Own(own))
            }
            _ => {
                let memory = Memfd::create("rust-kills", Robust::<Ledger>::size()).unwrap();
                // SAFETY: only this test has the memory.
                let lock = unsafe { Robust::<Ledger>::create(&memory) }.unwrap();
                lock.lock().unwrap().begin();
                (memory, Self::Pthread(lock))
            }
        }
    }

    fn attach(kind: &str, memory: &Memfd) -> Self {
        match kind {
            "own" => Self::Own(Shared::attach(memory).unwrap()),
            // SAFETY: only this test has the memory.
            _ => Self::Pthread(unsafe { Robust::attach(memory) }.unwrap()),
        }
    }

    /// Does this with the lock held, within the limit. Whether it was an heir, which repairs first.
    fn with(&self, work: impl FnOnce(&mut Ledger)) -> bool {
        match self {
            Self::Own(own) => {
                let (me, life) = (Holder::current().unwrap(), Points(Processes::within(LIMIT)));
                let taken = own.lock.lock(me, &life).unwrap();
                // SAFETY: the lock is held.
                let ledger = unsafe { &mut *own.ledger.get() };
                if taken == Taken::OwnerDied {
                    ledger.repair();
                }
                ledger.check();
                work(ledger);
                compiler_fence(SeqCst);
                own.lock.unlock(&life);
                taken == Taken::OwnerDied
            }
            Self::Pthread(lock) => {
                let (mut guard, is_heir) = match lock.lock_within(LIMIT) {
                    Ok(guard) => (guard, false),
                    Err(LockError::OwnerDied(mut guard)) => {
                        guard.repair();
                        guard.make_consistent().unwrap();
                        (guard, true)
                    }
                    Err(other) => panic!("{other}"),
                };
                guard.check();
                peer::at("taken");
                work(&mut guard);
                drop(guard);
                peer::at("unlocked");
                is_heir
            }
        }
    }
}

fn some_transfer(random: &mut Random) -> impl FnOnce(&mut Ledger) + use<> {
    let from = random.below(ACCOUNTS as u64) as usize;
    let to = (from + 1 + random.below(ACCOUNTS as u64 - 1) as usize) % ACCOUNTS;
    move |ledger| ledger.transfer(from, to)
}

/// The other process: words are the kind, a seed, and for a survivor its number.
pub(crate) fn play() {
    let word = |index| peer::word(index).unwrap();
    let lock = Lock::attach(&word(0), &peer::memory().unwrap());
    let random = &mut Random(word(1).parse().unwrap());
    peer::say("begun");
    match peer::word(2) {
        None => {
            for _ in 0..ROUNDS {
                lock.with(some_transfer(random));
            }
        }
        Some(index) => {
            // Its own memory has come as a second descriptor, whose number is a word.
            let progress = progress(&word(3));
            let mine = &progress.rounds[index.parse::<usize>().unwrap()];
            while progress.stop.load(Relaxed) == 0 {
                lock.with(some_transfer(random));
                mine.fetch_add(1, Relaxed);
                // With a lock that is free for a moment only, on one core, nobody else would ever get in.
                thread::yield_now();
            }
        }
    }
}

/// Opens the memory of another process by its path in /proc.
fn progress(path: &str) -> Shared<Progress> {
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    Shared::attach(Memfd::from_fd(file.into()).unwrap()).unwrap()
}

/// Each point in turn; where it is killed decides what the next one is told.
pub(crate) fn named(kind: &str, random: &mut Random, kills: u64) {
    let (memory, lock) = Lock::create(kind);
    let own = ["marked", "woken", "taken over"];
    let both =
        ["taken", "journalled", "open", "half", "written", "closed", "unlocked", "half repaired", "repaired"];
    let points = [&both[..], if kind == "own" { &own[..] } else { &[] }].concat();
    let (mut done, mut turn) = (0, random.below(points.len() as u64) as usize);
    let start = |point: &str, nth: u64, seed: u64| {
        let cast = cast("victim", &memory, &[kind, &seed.to_string()]).killed_at(point, nth);
        cast.start().unwrap()
    };
    while done < kills {
        let point = points[turn % points.len()];
        turn += 1;
        let told = format!("{kind}, {point}, kill {done}");
        let heir = match point {
            // It must find the lock taken.
            "marked" | "woken" => {
                lock.with(|_| must_die(&mut start(point, 1, random.below(u64::MAX)), &told));
                false
            }
            // It must find a dead holder.
            "taken over" | "half repaired" | "repaired" => {
                must_die(&mut start("half", 1, random.below(u64::MAX)), &told);
                must_die(&mut start(point, 1, random.below(u64::MAX)), &told);
                done += 1;
                true
            }
            _ => {
                let nth = 1 + random.below(40);
                must_die(&mut start(point, nth, random.below(u64::MAX)), &told);
                point != "unlocked"
            }
        };
        done += 1;
        assert_eq!(lock.with(|ledger| ledger.check()), heir, "{told}: what the next is told");
        assert!(!lock.with(some_transfer(random)), "{told}: it is repaired, and as before");
    }
}

/// Two work on while one after the other is killed, wherever it is.
pub(crate) fn random(kind: &str, random: &mut Random, kills: u64) {
    let (memory, lock) = Lock::create(kind);
    let beside = Memfd::create("rust-kills-progress", Shared::<Progress>::size(0)).unwrap();
    let progress = Shared::<Progress>::create(&beside, |_, _| ()).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&beside));
    let path = format!("/proc/{}/fd/{number}", std::process::id());
    let mut survivors = ["0", "1"].map(|index| {
        let mut survivor = cast("survivor", &memory, &[kind, index, index, &path]).start().unwrap();
        assert_eq!(survivor.line(LIMIT).unwrap(), "begun");
        survivor
    });
    for done in 0..kills {
        let seed = random.below(u64::MAX).to_string();
        let mut victim = cast("victim", &memory, &[kind, &seed]).start().unwrap();
        assert_eq!(victim.line(LIMIT).unwrap(), "begun");
        // Not to wait for anything: to kill at another moment each time.
        thread::sleep(Duration::from_micros(random.below(2_000)));
        victim.kill().unwrap();
        let before = progress.rounds.each_ref().map(|rounds| rounds.load(Relaxed));
        let deadline = Instant::now() + LIMIT;
        for (index, before) in before.into_iter().enumerate() {
            while progress.rounds[index].load(Relaxed) == before {
                assert!(Instant::now() < deadline, "{kind}: kill {done}: survivor {index} stands still");
                thread::yield_now();
            }
        }
    }
    progress.stop.store(1, Relaxed);
    for survivor in &mut survivors {
        assert!(survivor.end(LIMIT).unwrap().success(), "{kind}: a survivor failed");
    }
    lock.with(|ledger| ledger.check());
}
