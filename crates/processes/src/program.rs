//! Which program the workers run: as a rule this one, again.

use std::{
    env, fmt, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use crate::{
    child::Child,
    mark::{Mark, PARENT_VARIABLE},
};

/// The program that workers run. Its `main` begins with [`worker::enter`](crate::worker::enter).
#[derive(Clone)]
pub struct Program {
    command: Arc<dyn Fn() -> io::Result<Command> + Send + Sync>,
    patience: Duration,
}

impl Program {
    /// This very program.
    ///
    /// On Linux by `/proc/self/exe`: the file that this process was started from, even if it has been replaced
    /// since (by a build, by an update) or deleted. Elsewhere by the path that
    /// [`current_exe`](std::env::current_exe) knows.
    pub fn this() -> Self {
        Self::of(|| {
            let own = Path::new("/proc/self/exe");
            let mut command = Command::new(if own.exists() { own.to_owned() } else { env::current_exe()? });
            // What `ps` shows, which would be /proc/self/exe otherwise.
            if let Some(name) = env::args_os().next() {
                command.arg0(name);
            }
            Ok(command)
        })
    }

    /// Another one, or this one with other arguments or environment: `command` is called for each worker. It
    /// must start the worker directly, not through a shell that stays in between.
    ///
    /// (What calls for `fork`, such as `pre_exec` or a user id, makes the start slower: without it the standard
    /// library takes `posix_spawn`, which does not copy the caller's page tables.)
    pub fn new(command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self::of(move || Ok(command()))
    }

    fn of(command: impl Fn() -> io::Result<Command> + Send + Sync + 'static) -> Self {
        Self { command: Arc::new(command), patience: Duration::from_secs(30) }
    }

    /// How long a worker may take until it says its first word (30 s if not set): the time after which a
    /// program that never becomes a worker is given up.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn how_patient(&self) -> Duration {
        self.patience
    }

    /// Starts one worker, with pipes for its standard input and output; its standard error is ours.
    ///
    /// The pipes are close-on-exec, so that no other child holds them open: a worker sees the end of its input
    /// as soon as we close it, and we see the end of its output as soon as it ends.
    pub(crate) fn start(&self, mark: Mark) -> io::Result<Child> {
        let mut command = (self.command)()?;
        command.arg(mark.argument()).env(PARENT_VARIABLE, mark.parent.to_string());
        Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))
    }
}

impl Default for Program {
    fn default() -> Self {
        Self::this()
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("command", &(self.command)())
            .field("patience", &self.patience)
            .finish()
    }
}
