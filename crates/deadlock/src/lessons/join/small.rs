//! The pool of [`super::pool`] in small, as a program whose schedules can be tried: two workers, two outer tasks, two inner.

use std::{collections::VecDeque, fmt};

use model::schedule::{self, Program};

use super::pool::Waiting;

/// Each outer task gives the pool an inner one, and waits until both are done.
pub(super) fn model(waiting: Waiting) -> impl Fn(&mut Program) {
    move |program: &mut Program| {
        let pool = Small {
            state: schedule::Mutex::new(
                "pool",
                Queue { tasks: VecDeque::from(["outer 0", "outer 1"]), done: 0 },
            ),
            changed: schedule::Condvar::new("changed"),
        };
        for name in ["worker 1", "worker 2"] {
            let pool = pool.clone();
            program.thread(name, move || pool.work(waiting));
        }
    }
}

#[derive(Clone)]
struct Small {
    state: schedule::Mutex<Queue>,
    changed: schedule::Condvar,
}

#[derive(Clone)]
struct Queue {
    tasks: VecDeque<&'static str>,
    /// Inner tasks that are done: an outer one goes on when both are.
    done: u32,
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}",
            if self.tasks.is_empty() {
                "empty".to_owned()
            } else {
                self.tasks.iter().copied().collect::<Vec<_>>().join(", ")
            }
        )
    }
}

impl Small {
    fn work(&self, waiting: Waiting) {
        loop {
            let task = self.state.lock().tasks.pop_front();
            match task {
                Some(task) => self.run(task, waiting),
                None => return,
            }
        }
    }

    fn run(&self, task: &'static str, waiting: Waiting) {
        let mut state = self.state.lock();
        if task == "inner" {
            state.done += 1;
            self.changed.notify_all();
            return;
        }
        state.tasks.push_back("inner");
        while state.done < 2 {
            let other = if waiting == Waiting::Helping { state.tasks.pop_front() } else { None };
            match other {
                Some(other) => {
                    drop(state);
                    self.run(other, waiting);
                    state = self.state.lock();
                }
                None => state = self.changed.wait(state),
            }
        }
    }
}
