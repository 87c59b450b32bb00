//! A part of a lesson that plays in a process of its own, because it ends that process.

use std::{
    env,
    io::{self, Read},
    path::PathBuf,
    process::{self, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A part of a lesson that plays in a process of its own: a name and what happens there.
pub type Scene = (&'static str, fn());

/// What was seen of a scene from outside.
#[derive(Debug)]
pub struct Played {
    /// How its process ended; `None` if it was still running when its time was up and had to be killed.
    pub status: Option<ExitStatus>,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

/// Runs this very program again, as `--scene LESSON/SCENE`, for at most `within`.
pub(crate) fn play(lesson: &str, scene: &str, within: Duration) -> io::Result<Played> {
    let mut command = Command::new(this_program()?);
    command.args(["--scene", &format!("{lesson}/{scene}"), "--of", &process::id().to_string()]);
    watched(&mut command, within)
}

/// Ends this process, a scene, when `teller` ends that waits for it: who is killed can kill nobody any more, and a scene
/// may hang for ever.
///
/// It ends with the *thread* that started it (prctl(2), PR_SET_PDEATHSIG), which is the one that waits.
#[cfg(target_os = "linux")]
pub(crate) fn end_with(teller: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // If it ended before that call, no signal will come.
    if getppid().map(|parent| parent.as_raw_pid().cast_unsigned()) != Some(teller) {
        process::exit(1);
    }
    Ok(())
}

/// Runs `command` and reads what it prints; kills it after `within`.
pub(crate) fn watched(command: &mut Command, within: Duration) -> io::Result<Played> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // A full pipe would stop the child: both are drained while it runs.
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(move || drain(stdout));
        let stderr = scope.spawn(move || drain(stderr));
        let status = loop {
            match child.try_wait()? {
                Some(status) => break Some(status),
                None if start.elapsed() >= within => {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let took = start.elapsed();
        let text = |reader: thread::ScopedJoinHandle<'_, String>| reader.join().unwrap_or_default();
        Ok(Played { status, stdout: text(stdout), stderr: text(stderr), took })
    })
}

/// On Linux a name that stays right even when the file was replaced by a newer build meanwhile.
fn this_program() -> io::Result<PathBuf> {
    let linux = PathBuf::from("/proc/self/exe");
    if linux.exists() { Ok(linux) } else { env::current_exe() }
}

fn drain(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was read before an error is what can be shown.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ended_for_its_time_has_no_status() {
        let late = watched(Command::new("sleep").arg("1000"), Duration::from_millis(20)).unwrap();
        assert_eq!(late.status, None);
        let long = Duration::from_secs(60);
        let fine = watched(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), long).unwrap();
        assert_eq!(fine.status.and_then(|status| status.code()), Some(3));
        assert_eq!((fine.stdout.as_str(), fine.stderr.as_str()), ("out\n", "err\n"));
    }
}
