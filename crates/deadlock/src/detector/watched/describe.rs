//! Puts a deadlock into words: names and source lines instead of numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Hold, On, State, Wait};
use crate::detector::{Action, Held, Object, Report, Stuck, Waiting};

impl Graph {
    /// The deadlock as `from` sees it: itself, and those of `stuck` it waits for, and so on. Also who they are.
    pub(super) fn describe(&self, from: u64, stuck: &[u64]) -> (Report, Vec<u64>) {
        let stuck: BTreeSet<u64> = stuck.iter().copied().collect();
        let mut members: Vec<u64> = Vec::new();
        let mut at: BTreeMap<u64, usize> = BTreeMap::new();
        let mut next = vec![from];
        // Depth first: in a ring each thread is followed by the one it waits for.
        while let Some(thread) = next.pop() {
            if at.contains_key(&thread) {
                continue;
            }
            at.insert(thread, members.len());
            members.push(thread);
            next.extend(self.waits_for(thread).into_iter().rev().filter(|other| stuck.contains(other)));
        }
        let threads = members.iter().map(|thread| self.describe_thread(*thread, &at)).collect();
        let since = match self.threads.get(&from).map(|thread| &thread.state) {
            Some(State::Blocked(wait)) => wait.since,
            _ => std::time::Instant::now(),
        };
        (Report::new(threads, since), members)
    }

    fn describe_thread(&self, number: u64, at: &BTreeMap<u64, usize>) -> Stuck {
        let Some(thread) = self.threads.get(&number) else {
            return Stuck::new(format!("thread-{number}"), Vec::new(), None);
        };
        let holds = thread.held.iter().filter_map(|hold| self.describe_hold(hold)).collect();
        let waits = match &thread.state {
            State::Blocked(wait) => Some(self.describe_wait(number, wait, at)),
            _ => None,
        };
        Stuck::new(thread.name.to_string(), holds, waits)
    }

    fn describe_hold(&self, hold: &Hold) -> Option<Held> {
        Some(Held::new(self.describe_object(hold.lock)?, hold.shared, hold.place))
    }

    pub(super) fn describe_object(&self, number: u64) -> Option<Object> {
        let object = self.objects.get(&number)?;
        Some(Object::new(number, object.kind, object.name.to_string(), object.created))
    }

    fn describe_wait(&self, number: u64, wait: &Wait, at: &BTreeMap<u64, usize>) -> Waiting {
        let (action, object) = match wait.on {
            On::Lock(object) => (Action::Lock, object),
            On::Read(object) => (Action::Read, object),
            On::Write(object) => (Action::Write, object),
            On::Notify(object) => (Action::Notify, object),
            On::Send(object) => (Action::Send, object),
            On::Receive(object) => (Action::Receive, object),
            On::Join(_) => (Action::Join, 0),
        };
        let mut on: Vec<usize> =
            self.waits_for(number).iter().filter_map(|other| at.get(other)).copied().collect();
        on.sort_unstable();
        on.dedup();
        Waiting::new(action, self.describe_object(object), wait.place, on)
    }
}
