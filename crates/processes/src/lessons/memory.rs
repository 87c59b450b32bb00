//! N processes take more memory than N threads, but less than it seems: what they share is counted for each.
//!
//! A process's resident set (RSS) counts every page that it has in memory, also the program's code, which all
//! processes of one program share. The proportional set (PSS) counts a page that n share as 1/n, so that sums are
//! right. The unique set (USS) counts what it alone has: what another worker really costs, and what its end gives back.
//!
//! fork copies no memory: both processes have the same pages, marked read-only, and the kernel copies a page when one
//! of them writes to it. Look at the second table: the child has as many pages of its own as it has written to.
//!
//! In Python a page is "written" when an object on it is only looked at, since its reference count changes
//! (`gc.freeze` helps a little): a forked worker ends up with a copy of what it reads.

use std::{
    io::{self, BufRead, Read, Write},
    os::unix::net::UnixStream,
    process::Child,
    sync::Barrier,
    thread,
};

use lesson::{Lesson, Story};
use rustix::param::page_size;

use super::again::{Said, again, nobody_left, until_input_ends};
use crate::{
    pages::Pages,
    proc::{Memory, memory},
    start::fork,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "memory",
    question: "How much memory do N processes take, and what does fork copy?",
    python: &["Process", "gc.freeze", "os.fork", "resource.getrusage"],
    run,
    scenes: &[("idle", idle)],
};

fn run(story: &mut Story) -> lesson::Result {
    sets(story)?;
    copy_on_write(story)?;
    nobody_left(story);
    Ok(())
}

/// A process that has as many threads more as its input says, and then waits for the input's end.
fn idle() {
    let mut line = String::new();
    let threads =
        io::stdin().lock().read_line(&mut line).ok().and_then(|_| line.trim().parse().ok()).unwrap_or(0);
    let all_there = Barrier::new(threads + 1);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                all_there.wait();
                // A second time when the input has ended.
                all_there.wait();
            });
        }
        all_there.wait();
        println!("ready");
        until_input_ends();
        all_there.wait();
    });
}

/// Starts an idle process with so many threads more, and waits until they are there.
fn start_idle(threads: usize) -> io::Result<Child> {
    let mut child = again("memory/idle").spawn()?;
    if let Some(input) = &mut child.stdin {
        writeln!(input, "{threads}")?;
    }
    Said::by(&mut child.stdout)?.line()?;
    Ok(child)
}

fn sum(processes: &[Child]) -> io::Result<Memory> {
    processes.iter().map(|child| memory(child.id())).try_fold(Memory::default(), |sum, one| {
        let one = one?;
        Ok(Memory { rss: sum.rss + one.rss, pss: sum.pss + one.pss, uss: sum.uss + one.uss })
    })
}

fn sets(story: &mut Story) -> lesson::Result {
    const MOST: usize = 8;
    story
        .say("This program, doing nothing, 1 to 8 times; and once with 1 to 8 threads more. In KiB, summed:");
    let row = |what: String, all: Memory| {
        let [rss, pss, uss] = [all.rss, all.pss, all.uss].map(|bytes| bytes >> 10);
        format!("{what:<22}{rss:>8}{pss:>8}{uss:>8}")
    };
    let mut rows = vec![format!("{:<22}{:>8}{:>8}{:>8}", "", "RSS", "PSS", "USS")];
    let mut processes = Vec::new();
    let outcome = (|| -> io::Result<[Memory; 3]> {
        while processes.len() < MOST {
            processes.push(start_idle(0)?);
            if processes.len().is_power_of_two() {
                rows.push(row(format!("processes: {}", processes.len()), sum(&processes)?));
            }
        }
        let all = sum(&processes)?;
        let mut with_threads = Memory::default();
        for threads in [1, 2, 4, MOST] {
            let mut one = [start_idle(threads)?];
            let taken = sum(&one);
            end(&mut one)?;
            with_threads = taken?;
            rows.push(row(format!("1, threads more: {threads}"), with_threads));
        }
        Ok([all, sum(&processes[..1])?, with_threads])
    })();
    end(&mut processes)?;
    let [all, one, with_threads] = outcome?;
    story.show(rows.join("\n"));
    let order = format!("{} > {} > {}", all.rss, all.pss, all.uss);
    let holds = all.rss > all.pss && all.pss > all.uss;
    story.claim(
        "resident sets count shared pages several times, unique sets not at all",
        "RSS > PSS > USS",
        order,
        holds,
    );
    let half = all.pss < all.rss / 2;
    let times = format!("{:.1} times", all.rss as f64 / all.pss as f64);
    story.claim(
        "the sum of resident sets is more than twice of what they take together",
        "more than 2 times",
        times,
        half,
    );
    let each = all.uss / MOST as u64;
    let worker = format!("{} KiB", each >> 10);
    story.claim("a process more takes less than 2 MiB of its own", "below 2048 KiB", worker, each < 2 << 20);
    let thread = with_threads.uss.saturating_sub(one.uss) / MOST as u64;
    story.claim(
        "a thread more takes a fraction of that",
        "below a half",
        format!("{} KiB against {} KiB", thread >> 10, each >> 10),
        2 * thread < each,
    );
    Ok(())
}

/// Lets all of them end, by the end of their input.
fn end(processes: &mut [Child]) -> io::Result<()> {
    for child in processes {
        drop(child.stdin.take());
        child.wait()?;
    }
    Ok(())
}

fn copy_on_write(story: &mut Story) -> lesson::Result {
    const PAGES: usize = 1024;
    const STEPS: [usize; 5] = [0, 1, 64, 512, PAGES];
    story.say("A process with 1,024 written pages forks. Its child writes to more and more of them:");
    let mut pages = Pages::touched(PAGES)?;
    story.equal("before the fork all pages are the parent's alone", PAGES, pages.exclusive()?);
    let (mut ours, mut its) = UnixStream::pair()?;
    // ANCHOR: child
    let child = fork(|| {
        for count in STEPS {
            let mut go = [0];
            let done = its.read_exact(&mut go).and_then(|()| {
                pages.write(count);
                its.write_all(&pages.exclusive()?.to_ne_bytes())
            });
            if done.is_err() {
                return 1;
            }
        }
        // Its pages go with it, so it stays until the parent has seen the last step.
        u8::from(its.read_exact(&mut [0]).is_err())
    })?;
    // ANCHOR_END: child
    let mut rows =
        vec![format!("{:>12}{:>14}{:>15}{:>12}", "written to", "child's own", "parent's own", "child's USS")];
    let (mut own, mut uss) = (Vec::new(), Vec::new());
    for count in STEPS {
        let mut reply = [0; size_of::<usize>()];
        ours.write_all(&[0])?;
        ours.read_exact(&mut reply)?;
        own.push((usize::from_ne_bytes(reply), pages.exclusive()?));
        uss.push(memory(child.id())?.uss >> 10);
        rows.push(format!(
            "{count:>12}{:>14}{:>15}{:>8} KiB",
            own[own.len() - 1].0,
            own[own.len() - 1].1,
            uss[uss.len() - 1]
        ));
    }
    ours.write_all(&[0])?;
    story.equal("the child did all steps", Some(0), child.wait()?.code());
    story.show(rows.join("\n"));
    story.equal(
        "the kernel copies exactly the pages written to; the other copy is the parent's alone again",
        STEPS.map(|count| (count, count)).to_vec(),
        own,
    );
    let grown = uss[STEPS.len() - 1].saturating_sub(uss[0]);
    // Three quarters: what both still share of the rest may go either way meanwhile.
    let least = (PAGES * page_size() * 3 / 4) as u64 >> 10;
    story.claim(
        "and the child's unique set grows with them",
        format!("at least {least} KiB"),
        format!("{grown} KiB"),
        grown >= least,
    );
    Ok(())
}
