//! A listener whose clients prove themselves side by side: one who says nothing holds nobody up.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::process::geteuid;

use super::{AuthError, Key, credentials, handshake::Asked};
use crate::{
    Address, Connection, Listener,
    ready::deadline,
    wait::{Source, wait},
};

/// How long a stranger has to prove himself.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Strangers that are at the door at once; one more, and the one who has been silent for longest is sent away.
pub const STRANGERS: usize = 64;

/// Accepts those who know the key and, on a Unix socket, belong to the same user.
///
/// A stranger costs a descriptor, and a thread to nobody: all are watched by whoever waits in
/// [`accept_within`](Self::accept_within).
#[derive(Debug)]
pub struct Door {
    listener: Listener,
    key: Key,
    patience: Duration,
    /// In the order in which they came, which is that in which their time ends.
    strangers: VecDeque<Asked>,
    /// Why those who were sent away were, since the last [`refused`](Self::refused).
    refused: VecDeque<AuthError>,
}

impl Door {
    /// Lets in who knows `key`, at `listener`.
    pub fn new(listener: Listener, key: Key) -> Self {
        Self { listener, key, patience: PATIENCE, strangers: VecDeque::new(), refused: VecDeque::new() }
    }

    /// Gives strangers another time.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// How many have not proven anything yet.
    pub fn strangers(&self) -> usize {
        self.strangers.len()
    }

    /// Why the last ones (at most [`STRANGERS`]) were not let in, the oldest first. Taken out: the next call tells of the
    /// next ones.
    pub fn refused(&mut self) -> impl Iterator<Item = AuthError> {
        std::mem::take(&mut self.refused).into_iter()
    }

    /// The next who has proven himself.
    ///
    /// # Errors
    /// `TimedOut` after `within`; those of accept(2) and poll(2).
    pub fn accept_within(&mut self, within: Duration) -> io::Result<Connection> {
        self.accept(deadline(within), None)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// The next who has proven himself, or `None` as soon as `stop` is readable.
    ///
    /// # Errors
    /// Those of accept(2) and poll(2).
    pub fn accept_until(&mut self, stop: impl AsFd) -> io::Result<Option<Connection>> {
        self.accept(None, Some(stop.as_fd().try_clone_to_owned()?))
    }

    // ANCHOR: accept
    fn accept(
        &mut self,
        until: Option<Instant>,
        mut stop: Option<OwnedFd>,
    ) -> io::Result<Option<Connection>> {
        loop {
            let mut sources: Vec<&mut dyn Source> = vec![&mut self.listener];
            sources.extend(stop.iter_mut().map(|stop| stop as &mut dyn Source));
            let before = sources.len();
            let oldest = self.strangers.front().map(Asked::left);
            sources.extend(self.strangers.iter_mut().map(|asked| &mut asked.connection as &mut dyn Source));
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let ready = wait(&mut sources, left.into_iter().chain(oldest).min())?;
            if ready.contains(&1) && before == 2 {
                return Ok(None);
            }
            // One at a time: who is served behind him is still ready the next time.
            if let Some(place) = ready.iter().find(|place| **place >= before).map(|place| place - before)
                && let Some(connection) = self.check(place)
            {
                return Ok(Some(connection));
            }
            self.send_away_the_late();
            if ready.contains(&0) {
                self.ask()?;
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(None);
            }
        }
    }
    // ANCHOR_END: accept

    fn check(&mut self, place: usize) -> Option<Connection> {
        let mut asked = self.strangers.remove(place)?;
        // His whole answer is there, so this does not wait.
        match asked.check(&self.key, Duration::ZERO) {
            Ok(()) => Some(asked.connection),
            Err(why) => {
                self.refuse(why);
                None
            }
        }
    }

    fn ask(&mut self) -> io::Result<()> {
        let connection = match self.listener.accept_within(Duration::ZERO) {
            // He has gone again.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
            accepted => accepted?,
        };
        let ours = geteuid().as_raw();
        match credentials(&connection) {
            Ok(who) if who.uid != ours => {
                self.refuse(AuthError::User { theirs: who.uid, ours });
                return Ok(());
            }
            // Over TCP nobody knows; there the key alone decides.
            _ => {}
        }
        match Asked::ask(connection, self.patience) {
            Ok(asked) => self.strangers.push_back(asked),
            Err(why) => self.refuse(why),
        }
        if self.strangers.len() > STRANGERS {
            self.strangers.pop_front();
            self.refuse(AuthError::Late(self.patience));
        }
        Ok(())
    }

    fn send_away_the_late(&mut self) {
        // Those who have answered in time, though we have not looked yet, stay.
        while self
            .strangers
            .front_mut()
            .is_some_and(|asked| asked.left().is_zero() && !asked.connection.collect())
        {
            self.strangers.pop_front();
            self.refuse(AuthError::Late(self.patience));
        }
    }

    fn refuse(&mut self, why: AuthError) {
        if self.refused.len() == STRANGERS {
            self.refused.pop_front();
        }
        self.refused.push_back(why);
    }
}
