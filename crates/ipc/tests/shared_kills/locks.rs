//! Holders of a manager's lock.

use ipc::{
    Address,
    manager::{Manager, ManagerServer},
};

use super::{LONG, a_moment, key, path, peer::Peer};

/// Two numbers that are equal whenever nobody holds the lock: whoever gets it after a death makes them so.
pub(crate) fn add_to_both(manager: &Manager) -> i64 {
    let both = manager.dict::<u8, i64>("both").unwrap();
    let lock = manager.lock("lock").unwrap();
    let held = lock.acquire_within(LONG).unwrap();
    let [mut first, mut second] = [0, 1].map(|which| both.get(&which).unwrap().unwrap_or_default());
    if held.is_after_death() {
        second = first;
    }
    assert_eq!(first, second, "half done, and nobody has been told");
    first += 1;
    second += 1;
    both.insert(&0, &first).unwrap();
    both.insert(&1, &second).unwrap();
    held.release().unwrap();
    first
}

pub(crate) fn holder_killed(time: u64) {
    let server = ManagerServer::start(&Address::Path(path("holder")), key()).unwrap();
    let [victim, other] = [(); 2].map(|()| Peer::start("locker", server.address()));
    a_moment(time);
    victim.kill();
    let manager = Manager::connect(server.address(), &key()).unwrap();
    for _ in 0..3 {
        add_to_both(&manager);
    }
    other.kill();
    let added = victim.said().1.len() + other.said().1.len() + 3;
    // Both are dead; each may have added once more than it lived to say.
    let sum = add_to_both(&manager) - 1;
    assert!((added..=added + 2).contains(&(sum as usize)), "{added} said, {sum} counted");
}
