//! The server that documents are fetched from: this program again, in a process of its own, so that its processor time
//! and memory do not count as the mechanism's.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use workload::fetch::Server;

use crate::own;

/// A server process; it ends when this is dropped, and when this process ends.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    url: String,
}

impl ServerProcess {
    /// Starts one that answers each request after `latency`.
    pub(crate) fn start(latency: Duration) -> io::Result<Self> {
        let mut command = Command::new(own::program()?);
        command.args(["serve", &latency.as_millis().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut url)?;
        }
        url.truncate(url.trim_end().len());
        let server = Self { child, url };
        if server.url.is_empty() {
            return Err(io::Error::other("the document server did not start"));
        }
        Ok(server)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it serves.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The end of its input is what ends it.
        drop(self.child.stdin.take());
        // It fails only if the child has been waited for, which nobody else does.
        let _ = self.child.wait();
    }
}

/// The other side: serves until standard input ends, and never returns unless it cannot.
///
/// # Errors
/// When the server cannot be started.
pub(crate) fn serve(latency: Duration) -> io::Result<()> {
    let server = Server::start(latency)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", server.url())?;
    stdout.flush()?;
    own::end_with_stdin();
    loop {
        std::thread::park();
    }
}
