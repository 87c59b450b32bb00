//! Threads of a simulation: each goes through steps (compute, wait, ask a server) and then is idle until it is told more.

use std::collections::VecDeque;

use super::cores::{Cores, Name, SLICE};

/// What a thread does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Processor time, in seconds, on so many cores at once.
    Compute(f64, f64),
    /// Waiting that takes no core, in seconds.
    Wait(f64),
    /// The server computes for it: so many seconds of processor time, on the same cores as everyone, one request after
    /// the other.
    Ask(f64),
}

/// A server with one thread that shares the cores with its clients.
///
/// It is why waiting is not free of the number of workers: the answer of an idle server comes after the latency that a
/// sequential run has seen, but a server that is asked by many has a queue, and its computing takes cores from them.
#[derive(Debug, Default)]
struct Server {
    /// Whom it computes for.
    client: Option<Name>,
    queue: VecDeque<(Name, f64)>,
}

/// Everything that goes on.
#[derive(Debug)]
pub(super) struct World {
    cores: Cores,
    steps: Vec<VecDeque<Step>>,
    server: Server,
}

/// The server's own name among those who compute.
const SERVER: Name = usize::MAX;

impl World {
    /// `threads` of them, all idle, on cores where `k` threads get `gains[k - 1]` done.
    pub(super) fn new(gains: &[f64], threads: usize) -> Self {
        Self {
            cores: Cores::new(gains, SLICE),
            steps: vec![VecDeque::new(); threads],
            server: Server::default(),
        }
    }

    /// Seconds since the beginning.
    pub(super) fn now(&self) -> f64 {
        self.cores.now()
    }

    /// A thread that is idle goes through these steps.
    pub(super) fn go(&mut self, who: Name, steps: impl IntoIterator<Item = Step>) {
        self.steps[who].extend(steps);
        self.step(who);
    }

    /// Lets time go by until a thread has come to the end of its steps; `None` when all are idle.
    pub(super) fn next(&mut self) -> Option<Name> {
        loop {
            let who = match self.cores.next()? {
                SERVER => {
                    let client = self.server.client.take()?;
                    if let Some((next, seconds)) = self.server.queue.pop_front() {
                        self.serve(next, seconds);
                    }
                    client
                }
                who => who,
            };
            // Its step is over.
            self.steps[who].pop_front();
            if self.steps[who].is_empty() {
                return Some(who);
            }
            self.step(who);
        }
    }

    fn step(&mut self, who: Name) {
        // Without any step it is idle again at once, which `next` tells.
        match self.steps[who].front().copied() {
            None => self.cores.sleep(who, 0.0),
            Some(Step::Compute(seconds, width)) => self.cores.compute(who, seconds, width),
            Some(Step::Wait(seconds)) => self.cores.sleep(who, seconds),
            Some(Step::Ask(seconds)) if self.server.client.is_none() => self.serve(who, seconds),
            Some(Step::Ask(seconds)) => self.server.queue.push_back((who, seconds)),
        }
    }

    fn serve(&mut self, client: Name, seconds: f64) {
        self.server.client = Some(client);
        self.cores.compute(SERVER, seconds, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(world: &mut World) -> Vec<(Name, f64)> {
        std::iter::from_fn(|| world.next().map(|who| (who, world.now()))).collect()
    }

    #[test]
    fn steps_follow_each_other() {
        let mut world = World::new(&[1.0], 1);
        world.go(0, [Step::Compute(1.0, 1.0), Step::Wait(2.0), Step::Ask(0.5), Step::Compute(1.0, 1.0)]);
        assert_eq!(ends(&mut world), [(0, 4.5)]);
    }

    #[test]
    fn a_server_answers_one_after_the_other() {
        let mut world = World::new(&[1.0, 2.0], 3);
        for who in 0..3 {
            world.go(who, [Step::Ask(1.0), Step::Wait(5.0)]);
        }
        assert_eq!(ends(&mut world), [(0, 6.0), (1, 7.0), (2, 8.0)]);
    }

    #[test]
    fn a_server_competes_with_its_clients() {
        let mut world = World::new(&[1.0], 2);
        world.go(0, [Step::Ask(1.0)]);
        world.go(1, [Step::Compute(1.0, 1.0)]);
        let ends: Vec<f64> = ends(&mut world).into_iter().map(|(_, at)| at).collect();
        assert!(ends.iter().all(|at| (at - 2.0).abs() < 2.0 * SLICE), "{ends:?}");
    }

    #[test]
    fn nothing_to_do_takes_no_time() {
        let mut world = World::new(&[1.0], 1);
        world.go(0, []);
        assert_eq!(ends(&mut world), [(0, 0.0)]);
    }
}
