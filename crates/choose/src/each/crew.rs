//! So many at once: starts the next as soon as one has ended. One thread, which sleeps until one ends (pidfd_open(2))
//! or has taken too long.
//!
//! What runs write goes to files without a name, not to pipes: nobody has to read them all at once, a run that writes
//! gigabytes fills no memory, and what one has written is never between the lines of another.
//!
//! In Python: `ThreadPoolExecutor(n).map(subprocess.run, ...)`, with a thread for each that waits.

use std::{
    ffi::OsString,
    fs::File,
    io,
    ops::Range,
    os::fd::OwnedFd,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use super::{
    family::{Family, GRACE},
    outcome::{Cost, End, Outcome},
    room::Room,
    template::Template,
};

/// What is run, and under what rules.
#[derive(Debug)]
pub(super) struct Crew<'a> {
    pub(super) template: &'a Template,
    pub(super) inputs: &'a [OsString],
    pub(super) limit: Option<Duration>,
    pub(super) family: &'a Family,
    pub(super) room: Room,
}

/// A run that has not ended.
struct Running {
    index: usize,
    head: Pid,
    pidfd: OwnedFd,
    began: Instant,
    /// When to ask it to end, then when to end it.
    deadline: Option<Instant>,
    late: bool,
    written: [File; 2],
}

impl Crew<'_> {
    /// Runs the command for these inputs, at most `workers` at once and no more than there is memory for; hands over
    /// each outcome as it comes. Returns how long all took, in seconds.
    ///
    /// # Errors
    /// Those of `take`, and of waiting. Whatever runs then is for [`Family::end`].
    pub(super) fn run(
        &mut self,
        mut inputs: Range<usize>,
        workers: usize,
        take: &mut dyn FnMut(Outcome) -> io::Result<()>,
    ) -> io::Result<f64> {
        let (began, mut running, mut most) = (Instant::now(), Vec::<Running>::new(), workers);
        while !running.is_empty() || !inputs.is_empty() {
            while running.len() < most.min(self.room.most()) && !inputs.is_empty() {
                match self.start(inputs.start) {
                    Ok(run) => running.push(run),
                    // The system has no more processes, descriptors or memory to give: with fewer it may go.
                    Err(error) if is_short(&error) && !running.is_empty() => {
                        most = running.len();
                        break;
                    }
                    Err(error) => take(not_started(inputs.start, &error))?,
                }
                inputs.start += 1;
            }
            for run in self.ended(&mut running)? {
                let outcome = self.reap(run)?;
                self.room.saw(outcome.memory);
                take(outcome)?;
            }
        }
        Ok(began.elapsed().as_secs_f64())
    }

    fn start(&self, index: usize) -> io::Result<Running> {
        let written = [spool()?, spool()?];
        let mut command = self.template.command(&self.inputs[index]);
        command.stdin(Stdio::null()).stdout(written[0].try_clone()?).stderr(written[1].try_clone()?);
        let began = Instant::now();
        let head = self.family.start(&mut command)?;
        let pidfd = match pidfd_open(head, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                self.family.signal(head, Signal::KILL);
                self.family.reap(head)?;
                return Err(error.into());
            }
        };
        let deadline = self.limit.and_then(|limit| began.checked_add(limit));
        Ok(Running { index, head, pidfd, began, deadline, late: false, written })
    }

    /// Waits until at least one has ended, or has to be told to; takes out those that have ended.
    fn ended(&self, running: &mut Vec<Running>) -> io::Result<Vec<Running>> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let deadline = running.iter().filter_map(|run| run.deadline).min();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut descriptors: Vec<_> =
            running.iter().map(|run| PollFd::new(&run.pidfd, PollFlags::IN)).collect();
        match poll(&mut descriptors, left.as_ref()) {
            Err(Errno::INTR) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> =
            descriptors.iter().map(|descriptor| !descriptor.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let ended = running.extract_if(.., |_| ready.next().unwrap_or(false)).collect();
        for run in running {
            if run.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                // First a word, so that it can tidy up; then, whether it has or not, the end.
                self.family.signal(run.head, if run.late { Signal::KILL } else { Signal::TERM });
                run.deadline = (!run.late).then(|| Instant::now() + GRACE);
                run.late = true;
            }
        }
        Ok(ended)
    }

    fn reap(&self, run: Running) -> io::Result<Outcome> {
        let wall = run.began.elapsed().as_secs_f64();
        let reaped = self.family.reap(run.head)?;
        let end = match self.limit {
            Some(limit) if run.late => End::Late(limit),
            _ => End::of_status(reaped.status),
        };
        let cost = Cost { wall: (wall - reaped.queued).max(reaped.cpu.min(wall)), cpu: reaped.cpu };
        Ok(Outcome { index: run.index, end, cost, memory: reaped.memory, written: Some(run.written) })
    }
}

/// A file without a name, which is gone when nobody has it open. Writing goes to its end, whoever writes.
fn spool() -> io::Result<File> {
    let file = tempfile::tempfile()?;
    fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}

fn is_short(error: &io::Error) -> bool {
    let short = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| short.iter().any(|errno| errno.raw_os_error() == code))
}

fn not_started(index: usize, error: &io::Error) -> Outcome {
    let end = End::NotStarted(error.to_string());
    Outcome { index, end, cost: Cost::default(), memory: 0, written: None }
}
