//! The pool's decisions in miniature: one slot and one queue under one lock, with a bug to choose.

use model::sync::{Condvar, Mutex};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// `finish` tells nobody.
    NotifyDropped,
    /// The waiter looks, lets go of the lock, and only then falls asleep.
    CheckOutsideTheLock,
    /// `cancel` looks under one lock and writes under the next.
    CancelInTwoSteps,
    /// `submit` looks whether the pool is open, and pushes under the next lock.
    SubmitInTwoSteps,
    /// `follow` looks whether the task has ended, and enters its callback under the next lock.
    FollowInTwoSteps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Running,
    Done,
    Cancelled,
}

pub(super) struct Inner {
    pub(super) state: State,
    pub(super) followed: bool,
    pub(super) reports: usize,
    pub(super) open: bool,
    pub(super) queued: usize,
}

pub(super) struct Pool {
    bug: Bug,
    inner: Mutex<Inner>,
    news: Condvar,
}

impl Pool {
    pub(super) fn new(bug: Bug) -> Self {
        let inner = Inner { state: State::Pending, followed: false, reports: 0, open: true, queued: 0 };
        Self { bug, inner: Mutex::new(inner), news: Condvar::new() }
    }

    /// Two steps under one lock; with `bug`, the lock is let go in between.
    fn look_then<R>(&self, bug: Bug, look: fn(&Inner) -> bool, then: fn(&mut Inner) -> R) -> Option<R> {
        let mut inner = self.inner.lock().unwrap();
        if !look(&inner) {
            return None;
        }
        if self.bug == bug {
            drop(inner);
            inner = self.inner.lock().unwrap();
        }
        Some(then(&mut inner))
    }

    pub(super) fn start(&self) -> bool {
        let mut inner = self.inner.lock().unwrap();
        let first = inner.state == State::Pending;
        if first {
            inner.state = State::Running;
        }
        first
    }

    pub(super) fn cancel(&self) -> bool {
        let pending = |inner: &Inner| inner.state == State::Pending;
        self.look_then(Bug::CancelInTwoSteps, pending, |inner| inner.state = State::Cancelled).is_some()
    }

    pub(super) fn finish(&self) {
        let mut inner = self.inner.lock().unwrap();
        inner.state = State::Done;
        inner.reports += usize::from(inner.followed);
        drop(inner);
        if self.bug != Bug::NotifyDropped {
            self.news.notify_all();
        }
    }

    /// Registers for a report, or reports at once.
    pub(super) fn follow(&self) {
        let running = |inner: &Inner| inner.state != State::Done;
        if self.look_then(Bug::FollowInTwoSteps, running, |inner| inner.followed = true).is_none() {
            self.inner.lock().unwrap().reports += 1;
        }
    }

    pub(super) fn reports(&self) -> usize {
        self.inner.lock().unwrap().reports
    }

    pub(super) fn wait_for(&self, happened: fn(&Inner) -> bool) {
        let mut inner = self.inner.lock().unwrap();
        while !happened(&inner) {
            if self.bug == Bug::CheckOutsideTheLock {
                drop(inner);
                inner = self.inner.lock().unwrap();
            }
            inner = self.news.wait(inner).unwrap();
        }
    }

    pub(super) fn submit(&self) -> bool {
        let accepted =
            self.look_then(Bug::SubmitInTwoSteps, |inner| inner.open, |inner| inner.queued += 1).is_some();
        self.news.notify_all();
        accepted
    }

    pub(super) fn shutdown(&self) {
        self.inner.lock().unwrap().open = false;
        self.news.notify_all();
    }

    /// A worker's life; how many tasks it has done.
    pub(super) fn serve(&self) -> usize {
        let mut done = 0;
        loop {
            self.wait_for(|inner| inner.queued > 0 || !inner.open);
            let mut inner = self.inner.lock().unwrap();
            if inner.queued == 0 {
                return done;
            }
            inner.queued -= 1;
            done += 1;
        }
    }
}
