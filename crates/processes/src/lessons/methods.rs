//! Three ways to get a process that does our work: copy this one (fork), copy a small one made early (forkserver), or
//! start the program anew (spawn).
//!
//! They differ in what the child has. A fork has everything, as it is now: variables, descriptors, what stands in
//! buffers, the state of a random generator. A child of the forkserver has what there was when the server began. A
//! spawned one has nothing and must be told, so it is the only one where nothing can be wrong by inheritance.
//! Underneath spawn are `posix_spawn` and `vfork`, which copy nothing (`start/` has each in a file).
//!
//! fork in a program with threads copies the lock that another thread holds, and not the thread: the child waits for
//! it for ever. The crate `deadlock` shows that, lesson `fork`. Ours refuses.
//!
//! In Python: `set_start_method`; the default on Linux was `fork` up to 3.13 and is `forkserver` since 3.14.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufWriter, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::channel,
    },
    thread,
};

use lesson::{Bound, Lesson, Story, measure::in_turn};
use rustix::fs::{MemfdFlags, memfd_create};

use super::again::{THIS, again, nobody_left};
use crate::{
    proc,
    start::{ForkServer, Image, Job, fork, posix_spawn, vfork},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "methods",
    question: "Spawn, fork, forkserver: what does each copy, cost and break?",
    python: &["set_start_method", "get_context", "set_forkserver_preload", "os.fork", "os.posix_spawn"],
    run,
    scenes: &[("report", || print!("{}", report())), ("seven", || process::exit(7)), ("nothing", || {})],
};

/// Set to 1 before the server starts, to 2 before the children do.
static SETTING: AtomicU32 = AtomicU32::new(0);

/// What children of the forkserver can do.
const JOBS: &[Job] = &[|mut line| u8::from(line.write_all(report().as_bytes()).is_err()), |_| 0];
const REPORT: u8 = 0;
const NOTHING: u8 = 1;

/// What this process has of what was set elsewhere: the setting, and whether the file is open.
fn report() -> String {
    let open = proc::descriptors().unwrap_or_default().iter().any(|(_, to)| to.starts_with("/memfd:methods"));
    let file = if open { "open" } else { "not there" };
    format!(
        "setting {}, file {file}, threads {}",
        SETTING.load(Ordering::Relaxed),
        proc::threads().unwrap_or(0)
    )
}

fn run(story: &mut Story) -> lesson::Result {
    SETTING.store(1, Ordering::Relaxed);
    let server = ForkServer::start(JOBS)?;
    copies(story, &server)?;
    breaks(story)?;
    underneath(story)?;
    costs(story, &server)?;
    drop(server);
    nobody_left(story);
    Ok(())
}

fn copies(story: &mut Story, server: &ForkServer) -> lesson::Result {
    story.say(
        "A variable is 0 at the start of the program. It is set to 1, a forkserver is started, it is set to 2 and a \
         file is opened. Then one child by each method says what it has:",
    );
    SETTING.store(2, Ordering::Relaxed);
    let _file = memfd_create("methods", MemfdFlags::CLOEXEC)?;
    let spawned = String::from_utf8_lossy(&again("methods/report").output()?.stdout).into_owned();
    let mut served = server.run(REPORT)?;
    let from_server = read(&mut served.line)?;
    let its_end = served.wait()?;
    let forked = said_by_fork(report)?;
    story.show(format!("spawn       {spawned}\nforkserver  {from_server}\nfork        {forked}"));
    let seen = "a spawned child has nothing of it";
    story.equal(seen, "setting 0, file not there, threads 1", &*spawned);
    let seen = "a child of the forkserver has what there was when the server began";
    story.equal(seen, "setting 1, file not there, threads 1", &*from_server);
    story.equal("the server, not we, waits for it, and reports its end", Some(0), its_end.code());
    let seen = "a forked child has all, close-on-exec or not: there was no exec";
    story.equal(seen, "setting 2, file open, threads 1", &*forked);
    Ok(())
}

thread_local! {
    /// The state of a random generator, as many libraries have one.
    static STATE: Cell<u64> = const { Cell::new(1) };
}

/// The next number (Knuth's MMIX).
fn random() -> u64 {
    STATE.set(STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    STATE.get() >> 33
}

fn breaks(story: &mut Story) -> lesson::Result {
    story.say("Having all is having too much:");
    let numbers = [said_by_fork(|| random().to_string())?, said_by_fork(|| random().to_string())?];
    story.claim(
        "two forked children draw the same random number",
        "the same",
        numbers.join(" and "),
        numbers[0] == numbers[1],
    );
    // ANCHOR: buffer
    let (reader, writer) = io::pipe()?;
    let mut buffered = BufWriter::new(&writer);
    buffered.write_all(b"once ")?;
    let child = fork(|| u8::from(buffered.flush().is_err()))?;
    child.wait()?;
    buffered.flush()?;
    drop(buffered);
    drop(writer);
    let text = read(&mut File::from(OwnedFd::from(reader)))?;
    story.equal("what stood in a buffer is written by both", "once once ", &*text);
    // ANCHOR_END: buffer
    story.say(
        "And of the threads only one is copied, but the locks of all: `cargo run -p deadlock -- fork` shows the child that \
         waits for ever. Ours does not let it come so far.",
    );
    let (leave, stay) = channel::<()>();
    let other = thread::spawn(move || stay.recv().is_err());
    let refused = fork(|| 0).map_or_else(|error| error.to_string(), |_| "a child".to_owned());
    drop(leave);
    story.equal(
        "with a second thread our fork is refused",
        "this process has 2 threads, and a fork would copy one",
        &*refused,
    );
    story.equal("(which was there until then)", Some(true), other.join().ok());
    Ok(())
}

fn underneath(story: &mut Story) -> lesson::Result {
    story.say("Beneath spawn: one call that starts a program (posix_spawn), and one that lends it our memory until then (vfork).");
    let (there, missing) =
        (Image::new(THIS, ["--scene", "methods/seven"])?, Image::new("/no/such/program", [""; 0])?);
    for (name, start) in [("posix_spawn", posix_spawn as fn(&Image) -> _), ("vfork", vfork)] {
        story.equal(format!("{name} starts it"), Some(7), start(&there)?.wait()?.code());
        let error = start(&missing).err().map(|error| error.kind());
        story.equal(format!("{name} says what exec says"), Some(io::ErrorKind::NotFound), error);
    }
    Ok(())
}

fn costs(story: &mut Story, server: &ForkServer) -> lesson::Result {
    let image = Image::new(THIS, ["--scene", "methods/nothing"])?;
    // Errors would make it faster than it is: the claims below need each child's exit code.
    let fine = |status: io::Result<process::ExitStatus>| assert!(status.is_ok_and(|status| status.success()));
    let claim =
        |what: &str| format!("a spawned process costs more than {what}, as a whole program has to begin");
    let claims =
        [(claim("a fork"), Bound::AtLeast(1.3)), (claim("one from the server"), Bound::AtLeast(1.3))];
    story.timed_all(claims, 1, || {
        let times = in_turn(
            15,
            [
                &mut || fine(posix_spawn(&image).and_then(|child| child.wait())),
                &mut || fine(fork(|| 0).map_err(io::Error::other).and_then(|child| child.wait())),
                &mut || fine(server.run(NOTHING).and_then(|child| child.wait())),
            ],
        );
        // The faster ones of each: a busy machine only ever adds to a time, and to short ones most.
        let [spawn, fork, served] = times.map(|samples| samples.quantile(0.25));
        [spawn / fork, spawn / served]
    });
    Ok(())
}

/// What `say` says in a forked child.
fn said_by_fork(say: impl FnOnce() -> String) -> io::Result<String> {
    let (mut ours, mut its) = UnixStream::pair()?;
    // The closure, and its end of the pair with it, is dropped here once the child has its copy.
    let child = fork(move || u8::from(its.write_all(say().as_bytes()).is_err())).map_err(io::Error::other)?;
    let said = read(&mut ours)?;
    child.wait()?;
    Ok(said)
}

fn read(from: &mut impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.read_to_string(&mut text)?;
    Ok(text)
}
