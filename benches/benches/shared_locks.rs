//! What does it cost that a lock outlives its holder? Uncontended, ratios to a plain pthread mutex in the same round, and to the
//! robust one as the C library has it, without our guards, naps and checks; contended by two processes' worth of threads; and
//! how long after a kill the next one has it.
//!
//! Takes 11 s, with `--quick` 1 s.

use std::{
    cell::UnsafeCell,
    env,
    hint::black_box,
    mem::MaybeUninit,
    process::Command,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use benches::own_core;
use lesson::measure::{self, Samples, gain, in_turn, ratio};
use shared_memory::{
    Memfd, Shared,
    lock::{LockError, Mutex, pthread::Robust},
    peer::{self, Cast},
};

const LIMIT: Duration = Duration::from_secs(20);

/// A lock and its value in one cache line of their own.
#[repr(align(128))]
struct InOneLine<T>(T);

fn main() {
    if env::args().nth(1).as_deref() == Some("holder") {
        return holder();
    }
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, times, kills) = if quick { (7, 300_000, 10) } else { (31, 2_000_000, 100) };
    // Before this thread is pinned: those that it starts would be so too.
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), gain(2));
    own_core(0);
    // While a process has one thread only, glibc locks a private mutex without an atomic step: not what is asked here.
    thread::spawn(|| {
        loop {
            thread::park();
        }
    });

    let plain = InOneLine(Plain::new(Kind::Plain));
    let [bare, timed] = [Kind::Robust, Kind::RobustTimed].map(|kind| InOneLine(Plain::new(kind)));
    let std = InOneLine(StdMutex::new(0_u64));
    let memory = Memfd::create("rust-bench", Robust::<u64>::size()).expect("memory");
    // SAFETY: this program and its child are all who have it.
    let robust = unsafe { Robust::<u64>::create(&memory) }.expect("built");
    let our_memory = Memfd::create("rust-bench", Shared::<Mutex<u64>>::size(0)).expect("memory");
    let ours = Shared::<Mutex<u64>>::create(&our_memory, |_, _| ()).expect("built");
    let add = |guard: &mut u64| *guard = black_box(*guard + 1);
    let samples = in_turn(
        rounds,
        [
            &mut || (0..times).for_each(|_| plain.0.with(add)),
            &mut || (0..times).for_each(|_| add(&mut std.0.lock().expect("no panic"))),
            &mut || (0..times).for_each(|_| bare.0.with(add)),
            &mut || (0..times).for_each(|_| timed.0.with(add)),
            &mut || (0..times).for_each(|_| add(&mut robust.lock().expect("alone"))),
            &mut || (0..times).for_each(|_| add(&mut ours.lock().expect("alone"))),
        ],
    );
    println!("uncontended, lock, add, unlock:");
    let names = [
        "pthread, plain",
        "std::sync::Mutex",
        "pthread, robust, as in C",
        "  by pthread_mutex_timedlock",
        "pthread, robust, as here",
        "ours, shared and robust",
    ];
    for (name, own) in names.iter().zip(&samples) {
        let each = own.median() / f64::from(times) * 1e9;
        println!("  {name:30} {each:6.2} ns, {:.2}x of plain pthread", ratio(own, &samples[0]));
    }

    println!("two threads, one core each:");
    let contended = in_turn(
        rounds.min(11),
        [
            &mut || both(times / 10, || plain.0.with(add)),
            &mut || both(times / 10, || add(&mut std.0.lock().expect("no panic"))),
            &mut || both(times / 10, || add(&mut ours.lock().expect("nobody dies"))),
        ],
    );
    for (name, own) in [names[0], names[1], names[5]].iter().zip(&contended) {
        let each = own.median() / f64::from(times / 5) * 1e9;
        println!("  {name:30} {each:6.1} ns, {:.2}x of plain pthread", ratio(own, &contended[0]));
    }

    println!(
        "a holder is killed (SIGKILL) while another one waits; from the kill to the lock, {kills} times:"
    );
    let death = |name: &str, memory: &Memfd, next: &(dyn Fn() + Sync)| {
        let figures: Samples = (0..kills).map(|_| recovery(name, memory, next)).collect();
        let [median, most] = [0.5, 1.0].map(|share| figures.quantile(share) * 1e3);
        println!("  {name:30} median {median:.2} ms, longest {most:.2} ms");
    };
    death("ours", &our_memory, &|| match ours.lock_within(LIMIT) {
        Err(LockError::OwnerDied(mut guard)) => guard.make_consistent(),
        other => panic!("no death: {other:?}"),
    });
    thread::scope(|scope| {
        // A thread attaches for itself.
        scope.spawn(|| {
            death("pthread", &memory, &|| {
                // SAFETY: as above.
                let robust = unsafe { Robust::<u64>::attach(&memory) }.expect("built");
                match robust.lock_within(LIMIT) {
                    Err(LockError::OwnerDied(mut guard)) => guard.make_consistent().expect("its owner died"),
                    other => panic!("no death: {other:?}"),
                };
            });
        });
    });
}

/// Seconds from the kill until the one who waits has the lock.
fn recovery(name: &str, memory: &Memfd, next: &(dyn Fn() + Sync)) -> f64 {
    let program = Command::new(env::current_exe().expect("this program"));
    let cast = Cast::program(program, &["holder"]).with_memory(memory).expect("a descriptor").with_word(name);
    let mut holder = cast.start().expect("started");
    holder.line(LIMIT).expect("it holds the lock");
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            next();
            Instant::now()
        });
        // Long enough to be asleep: some 10 ms, another moment of the nap each time.
        static TURN: AtomicU64 = AtomicU64::new(0);
        thread::sleep(Duration::from_micros(10_000 + TURN.fetch_add(1, Relaxed) * 1_370 % 10_000));
        let killed = Instant::now();
        holder.kill().expect("it lives");
        waits.join().expect("no panic").duration_since(killed).as_secs_f64()
    })
}

/// In another process: takes the lock and waits to be killed.
fn holder() {
    let memory = peer::memory().expect("given");
    let wait = || -> ! {
        peer::say("held");
        loop {
            thread::park();
        }
    };
    if peer::word(0).as_deref() == Some("ours") {
        let lock = Shared::<Mutex<u64>>::attach(&memory).expect("built");
        let _guard = lock.lock().expect("free");
        wait()
    } else {
        // SAFETY: as above.
        let lock = unsafe { Robust::<u64>::attach(&memory) }.expect("built");
        let _guard = lock.lock().expect("free");
        wait()
    }
}

fn both(times: i32, turn: impl Fn() + Sync) {
    let begun = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            own_core(1);
            begun.store(true, Relaxed);
            (0..times).for_each(|_| turn());
        });
        while !begun.load(Relaxed) {
            std::hint::spin_loop();
        }
        (0..times).for_each(|_| turn());
    });
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Private and normal.
    Plain,
    /// Shared, robust and checked for errors, as ours is.
    Robust,
    /// The same, locked with a limit, as ours is: else it might sleep through a wake-up that a kill has cost.
    RobustTimed,
}

/// The mutex of C, as it comes.
struct Plain(UnsafeCell<libc::pthread_mutex_t>, UnsafeCell<u64>, Kind);

// SAFETY: the value is reached under the mutex only.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(kind: Kind) -> Self {
        let mut mutex = libc::PTHREAD_MUTEX_INITIALIZER;
        if kind != Kind::Plain {
            let mut attributes = MaybeUninit::uninit();
            let attributes = attributes.as_mut_ptr();
            // SAFETY: attributes are made before they are used; a mutex that nobody has locked may be moved in glibc and musl.
            let outcome = unsafe {
                libc::pthread_mutexattr_init(attributes)
                    | libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED)
                    | libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST)
                    | libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK)
                    | libc::pthread_mutex_init(&raw mut mutex, attributes)
            };
            assert_eq!(outcome, 0);
        }
        Self(UnsafeCell::new(mutex), UnsafeCell::new(0), kind)
    }

    fn with(&self, work: impl FnOnce(&mut u64)) {
        // SAFETY: initialised, not moved while in use, locked and unlocked by one thread; only who holds it has the value.
        unsafe {
            let over = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let outcome = match self.2 {
                Kind::Plain | Kind::Robust => libc::pthread_mutex_lock(self.0.get()),
                Kind::RobustTimed => libc::pthread_mutex_timedlock(self.0.get(), &raw const over),
            };
            assert_eq!(outcome, 0);
            work(&mut *self.1.get());
            libc::pthread_mutex_unlock(self.0.get());
        }
    }
}
