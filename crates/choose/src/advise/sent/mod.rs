//! Figures, as they go between the process that asks and those that measure.
//!
//! The types of this crate hold names that live as long as the program does, which nothing that was read can be made of
//! just so: here they are text, and become names again on arrival.

mod foresight;
mod judged;
mod machine;
mod row;
mod run;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

pub(super) use foresight::Foresight;
pub(super) use machine::Machine;
pub(super) use row::Figures;

/// A name for as long as the program runs: there are a few dozen, and each is kept once.
fn name(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(text).copied().unwrap_or_else(|| {
        let new: &'static str = Box::leak(Box::<str>::from(text));
        known.insert(new);
        new
    })
}

#[cfg(test)]
mod tests {
    use serde::{Serialize, de::DeserializeOwned};

    use super::name;

    /// What arrives of something that was sent.
    pub(super) fn arrives<T: Serialize + DeserializeOwned>(sent: &T) -> T {
        serde_json::from_str(&serde_json::to_string(sent).unwrap()).unwrap()
    }

    #[test]
    fn a_name_is_kept_once() {
        let (first, second) = (name(&String::from("twice")), name(&String::from("twice")));
        assert!(std::ptr::eq(first, second));
    }
}
