//! What a process may use can be limited, by the kernel, from outside and before it starts: descriptors, memory, file
//! sizes (rlimits), cores (affinity), CPU time (quota), and its share when others want the CPU too (nice).
//!
//! A limit belongs to one process; its children inherit it. It is set between fork and exec, so that the parent's stays
//! as it was. What happens at the limit differs: an error (EMFILE, ENOMEM), or a signal (SIGXFSZ, SIGXCPU, SIGKILL).
//!
//! How many workers, then? Ask `available_parallelism`: it knows affinity and quota. The number of cores in the
//! machine is the wrong one in every container.
//!
//! In Python: `resource.setrlimit`, `os.nice`, `os.sched_setaffinity`; `os.process_cpu_count` knows the affinity,
//! and not the quota.

use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use lesson::{Bound, Lesson, Story};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Resource, Rlimit, getpriority_process, getrlimit, nice, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::again::{Said, again, nobody_left};
use crate::{cgroup::CpuQuota, child::Child, parent_death::die_with_parent, proc};

pub(super) const LESSON: Lesson = Lesson {
    name: "limits",
    question: "How is a process kept from taking too much, and how many workers is that?",
    python: &["resource.setrlimit", "os.nice", "os.sched_setaffinity", "os.process_cpu_count", "cpu_count"],
    run,
    scenes: &[
        ("descriptors", descriptors),
        ("memory", memory),
        ("file", file),
        ("parallelism", || println!("{}", parallelism())),
        ("nice", || println!("{}", getpriority_process(None).unwrap_or(i32::MIN))),
        ("spin", spin),
    ],
};

fn run(story: &mut Story) -> lesson::Result {
    rlimits(story)?;
    cores(story)?;
    quota(story)?;
    share(story)?;
    nobody_left(story);
    Ok(())
}

// ANCHOR: limited
/// `scene` under a limit that its parent does not have.
fn limited(scene: &str, resource: Resource, limit: u64) -> Command {
    let mut command = again(scene);
    // SAFETY: between fork and exec two system calls are made, and nothing else.
    unsafe {
        command.pre_exec(move || {
            let maximum = getrlimit(resource).maximum;
            Ok(setrlimit(resource, Rlimit { current: Some(limit), maximum })?)
        })
    };
    command.stdin(Stdio::null());
    command
}
// ANCHOR_END: limited

fn said(command: &mut Command) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&command.stderr(Stdio::null()).output()?.stdout).trim().to_owned())
}

fn rlimits(story: &mut Story) -> lesson::Result {
    story.say(
        "A child with 32 descriptors, one with 1 GiB of address space, one that may write files of 1 MiB:",
    );
    let before = getrlimit(Resource::Nofile).current;
    let open = said(&mut limited("limits/descriptors", Resource::Nofile, 32))?;
    story.equal(
        "the 33rd descriptor is an error",
        "32 open, then: Too many open files (os error 24)",
        &*open,
    );
    story.equal("the parent's limit is what it was", before, getrlimit(Resource::Nofile).current);
    let asked = said(&mut limited("limits/memory", Resource::As, 1 << 30))?;
    story.equal("so is memory, for one who asks", "an error", &*asked);
    let status = limited("limits/file", Resource::Fsize, 1 << 20).status()?;
    story.equal("a file that grows too large is a signal: SIGXFSZ", Some(libc::SIGXFSZ), status.signal());
    Ok(())
}

/// Opens files until that is an error.
fn descriptors() {
    let mut open = Vec::new();
    let error = loop {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => break error,
        }
    };
    // The lowest free number is taken each time, so the last one says how many there are.
    let highest = open.last().map_or(0, AsRawFd::as_raw_fd);
    println!("{} open, then: {error}", highest + 1);
}

fn memory() {
    println!("{}", if Vec::<u8>::new().try_reserve_exact(2 << 30).is_err() { "an error" } else { "memory" });
}

fn file() {
    if let Ok(file) = memfd_create("limits", MemfdFlags::CLOEXEC) {
        // Neither of these ends well: the first write stops at the limit, the second is over it.
        let _ = File::from(file).write_all(&vec![0; 2 << 20]);
    }
}

fn parallelism() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}

/// `command` on one of the cores that this process may use.
fn on_one_core(command: &mut Command) -> io::Result<&mut Command> {
    let mine = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|core| mine.is_set(*core)).ok_or(io::ErrorKind::NotFound)?;
    let mut one = CpuSet::new();
    one.set(first);
    // SAFETY: between fork and exec one system call is made.
    Ok(unsafe { command.pre_exec(move || Ok(sched_setaffinity(None, &one)?)) })
}

fn cores(story: &mut Story) -> lesson::Result {
    story.say(format!(
        "`available_parallelism` says {} here. A child is bound to one core, and then a child is left alone:",
        parallelism()
    ));
    let one = said(on_one_core(&mut again("limits/parallelism"))?)?;
    story.equal("on one core it says 1", "1", &*one);
    let all = said(&mut again("limits/parallelism"))?;
    story.equal("a child that is left alone inherits its parent's", parallelism().to_string(), all);
    Ok(())
}

fn quota(story: &mut Story) -> lesson::Result {
    const CLAIM: &str = "`available_parallelism` reads the quota";
    match CpuQuota::new(1) {
        Ok(group) => {
            story.say("A control group that may use one core's worth of time, as a container has it:");
            let one = said(group.holds(&mut again("limits/parallelism"))?)?;
            story.equal(CLAIM, "1", &*one);
        }
        Err(error) => story.skip(CLAIM, "\"1\"", format!("no control group can be made here: {error}")),
    }
    Ok(())
}

/// Burns CPU until it is killed.
fn spin() {
    println!("ready");
    loop {
        std::hint::spin_loop();
    }
}

fn share(story: &mut Story) -> lesson::Result {
    let mut nicer = again("limits/nice");
    let mine = getpriority_process(None)?;
    // SAFETY: between fork and exec one system call is made.
    unsafe { nicer.pre_exec(|| Ok(nice(5).map(drop)?)) };
    story.equal(
        "nice adds to what is inherited, up to 19",
        (mine + 5).min(19).to_string(),
        said(&mut nicer)?,
    );
    if mine > 9 {
        story.skip(
            "who is nicer gets less of a core that both want",
            "at least 3x",
            "this process is nice already",
        );
        return Ok(());
    }
    let mut failed = None;
    story.timed("who is nicer gets less of a core that both want", Bound::AtLeast(3.0), 1, || {
        two_on_one_core().unwrap_or_else(|error| {
            failed = Some(error);
            f64::NAN
        })
    });
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Two processes want the same core, one of them with nice 19: how many times as much CPU time the other one gets.
fn two_on_one_core() -> io::Result<f64> {
    const A_WHILE: Duration = Duration::from_millis(300);
    let mut both = Vec::new();
    // The nicer one first: once the other spins, it would take long to get ready.
    for nicer in [true, false] {
        let mut command = again("limits/spin");
        on_one_core(&mut command)?;
        if nicer {
            // SAFETY: between fork and exec one system call is made.
            unsafe { command.pre_exec(|| Ok(nice(19).map(drop)?)) };
        }
        // It looks at no pipe, so that only this ends it if the lesson is killed.
        let mut child = Child::spawn(die_with_parent(&mut command))?;
        Said::by(&mut child.stdout)?.line()?;
        both.push(child);
    }
    let times = || both.iter().map(|child| proc::cpu_time(child.pid())).collect::<io::Result<Vec<_>>>();
    let before = times()?;
    thread::sleep(A_WHILE);
    let after = times()?;
    let got = |index: usize| (after[index] - before[index]).as_secs_f64();
    // One that got nothing at all is taken to have got a millisecond.
    Ok(got(1) / got(0).max(1e-3))
}
