//! The objects, and who holds which lock.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::wire::{Answer, Call, Kind, RemoteError};
use crate::server::Turn;

#[derive(Debug)]
enum Object {
    Dict(BTreeMap<Vec<u8>, Vec<u8>>),
    Namespace(BTreeMap<Vec<u8>, Vec<u8>>),
    Counter(i64),
    Lock(LockState),
}

#[derive(Debug, Default)]
struct LockState {
    /// A client's number.
    holder: Option<u64>,
    /// The last holder went without letting it go.
    is_after_death: bool,
    waiting: VecDeque<(u64, Arc<Turn>)>,
}

/// All objects of one server.
#[derive(Debug, Default)]
pub(super) struct State(HashMap<String, Object>);

/// What becomes of an `acquire`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acquired {
    /// Whether its last holder went without letting it go.
    Yes(bool),
    /// It is in the line now.
    Wait,
}

impl State {
    /// Everything but `acquire`, which may wait.
    pub(super) fn call<'a>(
        &'a mut self,
        client: u64,
        name: &str,
        call: &Call<'_>,
    ) -> Result<Answer<'a>, RemoteError> {
        if let Call::Open(kind) = call {
            let object = self.0.entry(name.into()).or_insert_with(|| Object::new(*kind));
            return if object.kind() == *kind { Ok(Answer::Done) } else { Err(object.is_no(name)) };
        }
        if let Call::Release = call {
            let lock = self.lock(name)?;
            return if lock.holder == Some(client) {
                lock.pass_on(false);
                Ok(Answer::Done)
            } else {
                Err(RemoteError::NotHeld(name.into()))
            };
        }
        let object = self.0.get_mut(name).ok_or_else(|| RemoteError::NoObject(name.into()))?;
        match (object, call) {
            (Object::Dict(map) | Object::Namespace(map), call) => on_map(map, call),
            (Object::Counter(number), Call::Add(by)) => {
                *number = number.checked_add(*by).ok_or_else(|| RemoteError::Overflow(name.into()))?;
                Ok(Answer::Number(*number))
            }
            (object, _) => Err(object.is_no(name)),
        }
    }

    // ANCHOR: lock
    /// For `client`: the lock, or a place in its line.
    pub(super) fn acquire(
        &mut self,
        client: u64,
        name: &str,
        turn: &Arc<Turn>,
    ) -> Result<Acquired, RemoteError> {
        let lock = self.lock(name)?;
        match lock.holder {
            Some(holder) if holder == client => Err(RemoteError::HeldAlready(name.into())),
            Some(_) => {
                lock.waiting.push_back((client, Arc::clone(turn)));
                Ok(Acquired::Wait)
            }
            None => {
                lock.holder = Some(client);
                Ok(Acquired::Yes(std::mem::take(&mut lock.is_after_death)))
            }
        }
    }

    /// It has waited: does it hold the lock now? If not, it leaves the line. Both under one lock of ours, or it could be
    /// given what it does not wait for any more.
    pub(super) fn has_waited(&mut self, client: u64, name: &str) -> Result<Option<bool>, RemoteError> {
        let lock = self.lock(name)?;
        if lock.holder == Some(client) {
            return Ok(Some(std::mem::take(&mut lock.is_after_death)));
        }
        lock.waiting.retain(|(waiting, _)| *waiting != client);
        Ok(None)
    }

    /// It has gone: what it held goes to the next, who is told.
    pub(super) fn forget(&mut self, client: u64) {
        for object in self.0.values_mut() {
            if let Object::Lock(lock) = object {
                lock.waiting.retain(|(waiting, _)| *waiting != client);
                if lock.holder == Some(client) {
                    lock.pass_on(true);
                }
            }
        }
    }
    // ANCHOR_END: lock

    fn lock(&mut self, name: &str) -> Result<&mut LockState, RemoteError> {
        match self.0.get_mut(name) {
            Some(Object::Lock(lock)) => Ok(lock),
            Some(object) => Err(object.is_no(name)),
            None => Err(RemoteError::NoObject(name.into())),
        }
    }
}

impl LockState {
    /// To whom has waited longest.
    fn pass_on(&mut self, is_after_death: bool) {
        self.is_after_death |= is_after_death;
        self.holder = self.waiting.pop_front().map(|(next, turn)| {
            turn.give();
            next
        });
    }
}

impl Object {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Dict => Self::Dict(BTreeMap::new()),
            Kind::Namespace => Self::Namespace(BTreeMap::new()),
            Kind::Counter => Self::Counter(0),
            Kind::Lock => Self::Lock(LockState::default()),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Dict(_) => Kind::Dict,
            Self::Namespace(_) => Kind::Namespace,
            Self::Counter(_) => Kind::Counter,
            Self::Lock(_) => Kind::Lock,
        }
    }

    fn is_no(&self, name: &str) -> RemoteError {
        RemoteError::Kind { name: name.into(), is: self.kind() }
    }
}

fn on_map<'a>(map: &'a mut BTreeMap<Vec<u8>, Vec<u8>>, call: &Call<'_>) -> Result<Answer<'a>, RemoteError> {
    match *call {
        Call::Get(key) => Ok(Answer::Value(map.get(key).map(Vec::as_slice))),
        Call::Insert(key, value) => {
            match map.get_mut(key) {
                // In place: the memory of the old one will mostly do.
                Some(old) => value.clone_into(old),
                None => drop(map.insert(key.into(), value.into())),
            }
            Ok(Answer::Done)
        }
        Call::Remove(key) => Ok(Answer::Number(map.remove(key).is_some().into())),
        Call::Len => Ok(Answer::Number(map.len() as i64)),
        Call::Keys => Ok(Answer::Keys(map.keys().map(Vec::as_slice).collect())),
        _ => Err(RemoteError::Request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lock() -> State {
        let mut state = State::default();
        state.call(1, "lock", &Call::Open(Kind::Lock)).expect("made");
        assert_eq!(state.acquire(1, "lock", &turn()), Ok(Acquired::Yes(false)));
        state
    }

    fn turn() -> Arc<Turn> {
        Arc::new(Turn::new().expect("a descriptor"))
    }

    #[test]
    fn a_lock_that_comes_when_time_is_over_is_held() {
        let mut state = with_lock();
        let turn = turn();
        assert_eq!(state.acquire(2, "lock", &turn), Ok(Acquired::Wait));
        state.call(1, "lock", &Call::Release).expect("held");
        // Time is over for the second one at this moment: it holds the lock all the same, and must know.
        assert_eq!(state.has_waited(2, "lock"), Ok(Some(false)));
        assert!(turn.take());
    }

    #[test]
    fn who_has_stopped_waiting_or_gone_is_passed_over() {
        let mut state = with_lock();
        let turns = [turn(), turn(), turn()];
        for (client, turn) in (2..).zip(&turns) {
            assert_eq!(state.acquire(client, "lock", turn), Ok(Acquired::Wait));
        }
        assert_eq!(state.has_waited(2, "lock"), Ok(None), "late");
        state.forget(3);
        state.forget(1);
        assert_eq!(turns.each_ref().map(|turn| turn.take()), [false, false, true]);
        assert_eq!(state.has_waited(4, "lock"), Ok(Some(true)), "after a death");
        state.call(4, "lock", &Call::Release).expect("held");
        assert_eq!(state.acquire(2, "lock", &turns[0]), Ok(Acquired::Yes(false)), "told once");
    }

    #[test]
    fn one_who_dies_before_it_knew_that_it_has_the_lock_hands_it_on_and_the_death_is_told() {
        let mut state = with_lock();
        let turns = [turn(), turn()];
        for (client, turn) in (2..).zip(&turns) {
            assert_eq!(state.acquire(client, "lock", turn), Ok(Acquired::Wait));
        }
        state.forget(1);
        state.forget(2);
        assert_eq!(state.has_waited(3, "lock"), Ok(Some(true)));
    }

    #[test]
    fn a_death_that_nobody_was_told_of_is_told_to_the_next() {
        let mut state = with_lock();
        assert_eq!(state.acquire(2, "lock", &turn()), Ok(Acquired::Wait));
        state.forget(1);
        // It lets go before it has looked whether it has the lock.
        state.call(2, "lock", &Call::Release).expect("held");
        assert_eq!(state.acquire(3, "lock", &turn()), Ok(Acquired::Yes(true)));
    }

    #[test]
    fn what_is_not_held_is_not_let_go() {
        let mut state = with_lock();
        let refused = RemoteError::NotHeld("lock".into());
        assert_eq!(state.call(2, "lock", &Call::Release), Err(refused));
        assert_eq!(state.acquire(1, "lock", &turn()), Err(RemoteError::HeldAlready("lock".into())));
    }
}
