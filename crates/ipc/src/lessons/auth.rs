//! Who is at the other end, and how does he show it without saying it?
//!
//! By a key that both know. Nobody sends it: each side sends random bytes, and the other returns them mixed with the key
//! (HMAC), in its own role. So both sides know, a listener on the way has learned nothing, what was said once is of no use
//! the next time, and our own words sent back to us are the words of the wrong role. On a Unix socket the kernel also says
//! which process and user is at the other end.
//!
//! And somebody who says nothing? He may have the time that a stranger gets, while others are let in past him.
//!
//! Look at the names of the errors: who was refused, by whom, and why.
//!
//! In Python: `authkey`, `AuthenticationError`. `Listener.accept` waits for the challenge of one stranger without a limit.

use std::{
    error::Error,
    io::{Read, Write},
    os::unix::net::UnixStream,
    thread,
    time::Instant,
};

use lesson::{Lesson, Story};

use super::{LIMIT, MOMENT, introduce};
use crate::{
    Address, Connection, Listener,
    auth::{AuthError, Door, Key, LENGTH, admit, credentials, prove},
    peer,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "auth",
    question: "Who is at the other end, and how does he show it without saying it?",
    python: &["multiprocessing.AuthenticationError", "Listener(authkey=...)", "deliver_challenge"],
    run,
    scenes: &[("guest", guest)],
};

fn run(story: &mut Story) -> lesson::Result {
    let key = Key::random()?;
    keys(story, &key)?;
    attacks(story, &key)?;
    silent(story, &key)
}

/// A server and a client, each with its key: what each says of the other.
fn meet(server: &Key, client: &Key) -> Result<[String; 2], Box<dyn Error>> {
    let (ours, theirs) = Connection::pair()?;
    thread::scope(|scope| {
        let client = scope.spawn(|| prove(theirs, client, LIMIT).map(drop));
        let server = admit(ours, server, LIMIT).map(drop);
        let client = client.join().map_err(|_| "the client panicked")?;
        Ok([server, client].map(said))
    })
}

fn said(done: Result<(), AuthError>) -> String {
    done.map_or_else(|error| error.to_string(), |()| "welcome".into())
}

fn keys(story: &mut Story, key: &Key) -> lesson::Result {
    let welcome = ["welcome", "welcome"].map(String::from);
    story.equal("the same key: each side lets the other in", welcome, meet(key, key)?);
    let refused = [AuthError::WrongKey, AuthError::Refused].map(|error| error.to_string());
    story.equal("another key: the server sees it, and says so", refused, meet(key, &Key::random()?)?);
    Ok(())
}

/// A client meets somebody who plays the server without the key: what the client said, and what it then thinks.
fn impostor(key: &Key, verdict: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let theirs = Connection::new(theirs)?;
    thread::scope(|scope| {
        let client = scope.spawn(|| prove(theirs, key, LIMIT).map(drop));
        ours.write_all(&[&[0, 0, 0, 32], &[7; LENGTH][..]].concat())?;
        let mut answer = [0; 4 + 2 * LENGTH];
        ours.read_exact(&mut answer)?;
        let verdict = verdict(&answer[4..]);
        ours.write_all(&[&[0, 0, 0, verdict.len() as u8], &verdict[..]].concat())?;
        let thinks = said(client.join().map_err(|_| "the client panicked")?);
        Ok((answer[4..].to_vec(), thinks))
    })
}

// ANCHOR: attacks
fn attacks(story: &mut Story, key: &Key) -> lesson::Result {
    story.say("Somebody without the key plays the server. A client proves itself to him; he has nothing to prove with.");
    let wrong = AuthError::WrongKey.to_string();
    // As long as a proof and made with the key: without the role in it, this would be the server's.
    let (heard, thinks) = impostor(key, |said| said[LENGTH..].to_vec())?;
    story.equal("a reflection: he sends back the client's own proof, and is refused", wrong.clone(), thinks);

    story.say("He has recorded what the client said, and says it himself to the real server.");
    let (ours, mut replays) = Connection::pair()?;
    let server = thread::scope(|scope| {
        let server = scope.spawn(|| said(admit(ours, key, LIMIT).map(drop)));
        replays.receive_within(LIMIT)?;
        replays.send_within(&heard, LIMIT)?;
        server.join().map_err(|_| lesson_error("the server panicked"))
    })?;
    story.equal("a replay: the server's random bytes are others now, and he is refused", wrong, server);
    Ok(())
}
// ANCHOR_END: attacks

fn lesson_error(text: &str) -> Box<dyn Error> {
    text.into()
}

fn silent(story: &mut Story, key: &Key) -> lesson::Result {
    let address = Address::Abstract(format!("rust-ipc-auth-{}", std::process::id()));
    let mut door = Door::new(Listener::bind(&address)?, key.clone()).with_patience(LIMIT);
    let silent = [Connection::connect(&address)?, Connection::connect(&address)?];
    let (mut guest, _line) = introduce::start("auth", "guest", key, &[&address.to_string()])?;
    let inside = door.accept_within(LIMIT)?;
    story.equal(
        "two stand at the door and say nothing, and a third one is let in",
        (2, guest.id()),
        (door.strangers(), credentials(&inside)?.pid),
    );
    drop(inside);
    guest.end(LIMIT)?;
    drop((silent, door));

    let address = Address::Abstract(format!("rust-ipc-auth-{}-late", std::process::id()));
    let mut door = Door::new(Listener::bind(&address)?, key.clone()).with_patience(MOMENT);
    let mut silent = Connection::connect(&address)?;
    let start = Instant::now();
    let why = loop {
        let nobody = door.accept_within(MOMENT).map(drop);
        match door.refused().next() {
            None if nobody.is_err() && start.elapsed() < LIMIT => {}
            why => break why,
        }
    };
    story.claim(
        "who says nothing is sent away when his time is over",
        AuthError::Late(MOMENT).to_string(),
        format!("{:?}", why.as_ref().map(ToString::to_string)),
        matches!(why, Some(AuthError::Late(MOMENT))),
    );
    let challenge = silent.receive_within(LIMIT)?.map(<[u8]>::len);
    let end = silent.receive_within(LIMIT)?.map(<[u8]>::len);
    story.equal("all that he got is random bytes, and the end", (Some(LENGTH), None), (challenge, end));
    Ok(())
}

/// Goes in, and stays until it is shown out.
fn guest() {
    let (_, key) = introduce::key();
    let address: Address = peer::word(0).expect("an address").parse().expect("an address");
    let connection = Connection::connect(&address).expect("a door");
    let mut inside = prove(connection, &key, LIMIT).expect("let in");
    introduce::stay(&mut inside);
}
