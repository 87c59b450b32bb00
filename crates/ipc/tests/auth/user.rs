//! Somebody of another user is refused before he is asked.

use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use ipc::{
    Connection,
    auth::{AuthError, Door, prove},
};

use super::{LONG, SHORT, abstract_listener, key};

const AT: &str = "IPC_AUTH_AT";

#[test]
#[ignore = "another process of the test below: alone it does nothing"]
fn of_another_user() {
    let Ok(address) = env::var(AT) else { return };
    let outside = prove(Connection::connect(&address.parse().unwrap()).unwrap(), &key(), LONG);
    // Not even asked.
    assert!(matches!(outside, Err(AuthError::Gone | AuthError::Frame(_))), "{outside:?}");
}

#[test]
fn who_is_of_another_user_is_refused_though_he_knows_the_key() {
    const NOBODY: u32 = 65_534;
    let mut door = Door::new(abstract_listener("user"), key()).with_patience(LONG);
    let mut command = Command::new("/proc/self/exe");
    command.args(["user::of_another_user", "--exact", "--ignored"]).env(AT, door.address().to_string());
    let mut other = match command.uid(NOBODY).stdout(Stdio::null()).spawn() {
        Ok(other) => other,
        Err(why) => return eprintln!("skipped: no process of another user can be started: {why}"),
    };
    let refused = loop {
        assert!(door.accept_within(SHORT).is_err());
        if let Some(why) = door.refused().next() {
            break why;
        }
    };
    let our = rustix::process::geteuid().as_raw();
    assert!(matches!(refused, AuthError::User { theirs: NOBODY, ours } if ours == our), "{refused}");
    assert!(other.wait().unwrap().success());
}
