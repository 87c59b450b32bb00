//! The first one in turns the light on, the last one out turns it off (Downey 4.2.2, "Lightswitch").

use model::sync::Mutex;

use super::{signal, wait_for};
use crate::Semaphore;

/// Lets a group hold one permit together.
pub struct Switch {
    inside: Mutex<usize>,
}

impl Default for Switch {
    fn default() -> Self {
        Self::new()
    }
}

impl Switch {
    /// Nobody is inside.
    pub fn new() -> Self {
        Self { inside: Mutex::new(0) }
    }

    /// Comes in; the first one takes a permit of `room`, and the others wait meanwhile.
    pub fn enter(&self, room: &Semaphore) {
        let mut inside = self.inside.lock().expect("nothing panics under it");
        *inside += 1;
        if *inside == 1 {
            wait_for(room);
        }
    }

    /// Goes out; the last one gives it back.
    pub fn leave(&self, room: &Semaphore) {
        let mut inside = self.inside.lock().expect("nothing panics under it");
        *inside -= 1;
        if *inside == 0 {
            signal(room);
        }
    }
}
