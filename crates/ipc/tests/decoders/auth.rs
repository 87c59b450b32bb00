//! What strangers say at the door, and what a server says that may be none: let in is who makes the one right proof, and each
//! other word is refused for what it is. The proof is made here a second time, from what the documentation says.

use std::{cell::RefCell, os::unix::net::UnixStream, thread, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use ipc::{
    Address, Connection, Listener,
    auth::{AuthError, Door, Key, LENGTH, prove},
    frame::{FrameError, HEADER},
};
use proptest::{collection::vec, option::of, prelude::*};
use rustix::net::{Shutdown, shutdown};
use sha2::Sha256;

use super::{config, mostly_small};

const LONG: Duration = Duration::from_secs(60);
/// The longest message from a stranger.
const MOST: usize = 2 * LENGTH;

fn key() -> Key {
    Key::new("the key of these tests")
}

/// HMAC-SHA-256(key, "client" or "server", S, C).
fn proof(role: &str, server: &[u8], client: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key().bytes()).unwrap();
    mac.update(&[b"rust-ipc 1 ", role.as_bytes(), server, client].concat());
    mac.finalize().into_bytes().to_vec()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// The first message in `stream` and what is behind it, or the word for what is wrong with it.
fn first(stream: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let Some((header, rest)) = stream.split_first_chunk::<HEADER>() else {
        return Err(if stream.is_empty() { "gone" } else { "cut" });
    };
    match u32::from_be_bytes(*header) as usize {
        length if length > MOST => Err("too long"),
        length => rest.split_at_checked(length).ok_or("cut"),
    }
}

fn word(error: &AuthError) -> &'static str {
    match error {
        AuthError::WrongKey => "wrong key",
        AuthError::Refused => "refused",
        AuthError::Strange { .. } => "strange",
        AuthError::Gone => "gone",
        AuthError::Frame(FrameError::TooLong { .. }) => "too long",
        AuthError::Frame(FrameError::Cut { .. }) => "cut",
        _ => "something else",
    }
}

fn door(name: &str) -> Door {
    let address = Address::Abstract(format!("rust-ipc-decoders-{}-{name}", std::process::id()));
    Door::new(Listener::bind(&address).unwrap(), key())
}

/// Somebody comes to the door, is asked, says what `says` makes of the question, and nothing more: what becomes of him, and
/// what should.
fn knock(door: &mut Door, says: impl FnOnce(&[u8]) -> Vec<u8>) -> (&'static str, &'static str) {
    let mut stranger = Connection::connect(door.address()).unwrap();
    assert!(door.accept_within(Duration::ZERO).is_err(), "he has not said a word");
    let question = stranger.receive_within(LONG).unwrap().unwrap().to_vec();
    let bytes = says(&question);
    assert_eq!(rustix::io::write(&stranger, &bytes).unwrap(), bytes.len());
    shutdown(&stranger, Shutdown::Write).unwrap();
    let became = match door.accept_within(Duration::ZERO) {
        Ok(_) => "let in",
        Err(_) => word(&door.refused().next().expect("he was sent away")),
    };
    let expected = match first(&bytes) {
        Ok((answer, _)) => match answer.split_at_checked(LENGTH) {
            None => "strange",
            Some((client, theirs)) if theirs == proof("client", &question, client) => "let in",
            Some(_) => "wrong key",
        },
        Err(word) => word,
    };
    (became, expected)
}

/// What a client makes of a server that says these bytes, whatever it is asked, and what it should.
fn greet(bytes: &[u8]) -> (&'static str, &'static str) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    assert_eq!(rustix::io::write(&ours, bytes).unwrap(), bytes.len());
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let became = prove(Connection::new(theirs).unwrap(), &key(), LONG);
    let became = became.as_ref().map_or_else(word, |_| "let in");
    let expected = first(bytes).and_then(|(question, rest)| {
        if question.len() != LENGTH {
            return Err("strange");
        }
        // Whatever it is: it was said before the client's random bytes were known.
        first(rest).map(|(verdict, _)| if verdict.is_empty() { "refused" } else { "wrong key" })
    });
    (became, expected.unwrap_or_else(|word| word))
}

/// How a right answer is spoilt.
#[derive(Clone, Debug)]
enum Spoilt {
    Not,
    Bit(usize),
    Cut(usize),
    Longer(Vec<u8>),
    /// The length in front says this.
    Announced(u8),
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    prop_oneof![
        1 => Just(Spoilt::Not),
        4 => (0..(HEADER + MOST) * 8).prop_map(Spoilt::Bit),
        2 => (0..HEADER + MOST).prop_map(Spoilt::Cut),
        1 => vec(any::<u8>(), 1..10).prop_map(Spoilt::Longer),
        2 => any::<u8>().prop_map(Spoilt::Announced),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rubbish_at_the_door(bytes in mostly_small(), framed_to in of(0..70_usize)) {
        // One door for all: whoever is sent away leaves nothing behind.
        thread_local!(static DOOR: RefCell<Door> = door("rubbish").into());
        let says = match framed_to {
            None => bytes,
            Some(length) => framed(&bytes.into_iter().cycle().take(length).collect::<Vec<_>>()),
        };
        DOOR.with_borrow_mut(|door| {
            let (became, expected) = knock(door, |_| says);
            prop_assert_eq!(became, expected);
            prop_assert!(became != "let in" && door.strangers() == 0);
            Ok(())
        })?;
    }

    #[test]
    fn almost_right_at_the_door(client: [u8; LENGTH], spoilt in spoilt()) {
        thread_local!(static DOOR: RefCell<Door> = door("almost").into());
        DOOR.with_borrow_mut(|door| {
            let (became, expected) = knock(door, |question| {
                let mut says = framed(&[&client[..], &proof("client", question, &client)].concat());
                match &spoilt {
                    Spoilt::Not => {}
                    Spoilt::Bit(bit) => says[bit / 8] ^= 1 << (bit % 8),
                    Spoilt::Cut(end) => says.truncate(*end),
                    Spoilt::Longer(more) => says.extend(more),
                    Spoilt::Announced(length) => says[HEADER - 1] = *length,
                }
                says
            });
            prop_assert_eq!(became, expected);
            // What comes behind a right answer is the first message of the conversation.
            let is_right = matches!(spoilt, Spoilt::Not | Spoilt::Longer(_) | Spoilt::Announced(64));
            prop_assert_eq!(became == "let in", is_right);
            Ok(())
        })?;
    }

    #[test]
    fn a_server_that_does_not_listen(says in mostly_small(), server: [u8; LENGTH], which in 0..5) {
        let question = framed(&server);
        let (became, expected) = greet(&match which {
            0 => says,
            1 => framed(&says),
            2 => [&question[..], &says].concat(),
            3 => [&question[..], &framed(&says)].concat(),
            _ => [&question[..], &framed(&proof("server", &server, &server))].concat(),
        });
        prop_assert_eq!(became, expected);
        prop_assert_ne!(became, "let in");
    }
}

/// The client against a server that knows the key and says what `spoil` makes of its proof.
fn met(spoil: impl FnOnce(&mut Vec<u8>)) -> &'static str {
    let (mut ours, theirs) = Connection::pair().unwrap();
    let (server, key) = ([3; LENGTH], key());
    thread::scope(|scope| {
        let client = scope.spawn(move || prove(theirs, &key, LONG));
        ours.send(&server).unwrap();
        let client_says = ours.receive_within(LONG).unwrap().unwrap()[..LENGTH].to_vec();
        let mut right = proof("server", &server, &client_says);
        spoil(&mut right);
        ours.send(&right).unwrap();
        client.join().unwrap().as_ref().map_or_else(word, |_| "let in")
    })
}

#[test]
fn each_bit_of_the_servers_proof_counts() {
    assert_eq!(met(|_| {}), "let in");
    for bit in 0..LENGTH * 8 {
        assert_eq!(met(|proof| proof[bit / 8] ^= 1 << (bit % 8)), "wrong key", "bit {bit}");
    }
    for length in 0..MOST {
        let expected = match length {
            0 => "refused",
            LENGTH => "let in",
            _ => "wrong key",
        };
        assert_eq!(met(|proof| proof.resize(length, 0)), expected, "{length} bytes of it");
    }
}
