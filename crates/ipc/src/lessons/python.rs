//! A Rust process and a CPython process talk, with nothing installed on either side: Python's own wire is simple.
//!
//! Three layers. A message is its length in four bytes (big-endian; -1 and eight more bytes from 2 GiB on) and then
//! itself. Who connects must prove that it knows a key: it gets random bytes and returns them mixed with the key (HMAC;
//! MD5 up to Python 3.11, SHA-256 from 3.12 on), and then asks the same of us. And an object is a pickle: a program for a
//! small stack machine, of which some words make data and others call functions.
//!
//! Look at what is refused. Python's own `recv` is `pickle.loads`: who knows the key may run anything there. The reader
//! here knows the words that make data, and says at which byte another one stands.
//!
//! In Python: `multiprocessing.connection.{Client, Listener}`, `AuthenticationError`, `pickle`.

use std::{
    io,
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use lesson::{Lesson, Played, Story};

use crate::{
    Address, Listener,
    python::{
        Connection, ConnectionError, Key, Value, admit,
        challenge::AuthenticationError,
        connect, in_python,
        pickle::{self, PickleError},
    },
};

pub(super) const LESSON: Lesson = Lesson {
    name: "python",
    question: "How does a Rust process talk to a CPython process, and what may it believe?",
    python: &[
        "multiprocessing.connection.Client",
        "multiprocessing.connection.Listener",
        "Connection.send",
        "pickle",
    ],
    run,
    scenes: &[],
};

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    language(story)?;
    match lesson::python("import multiprocessing.connection, sys; print(sys.version.split()[0])", LIMIT) {
        Ok(python) => {
            story.say(format!("Now with a real one at the other end: CPython {}.", python.stdout.trim()));
            as_listener(story)?;
            as_client(story)?;
        }
        Err(why) => story.skip("a Rust process and a CPython process talk", "both directions", why),
    }
    Ok(())
}

/// What is on the wire.
fn language(story: &mut Story) -> lesson::Result {
    let value = Value::Dict(vec![("six".into(), 6.into()), ("seven".into(), 7.into())]);
    let pickle = pickle::dumps(&value)?;
    story.say(
        "The dict {'six': 6, 'seven': 7} as a message: four bytes of length, then a pickle of protocol 4.",
    );
    story.show(format!("{:08x} | {}", pickle.len(), pickle.escape_ascii()));
    let limits = pickle::Limits::default();
    story.equal("what is written is read", Ok(value), pickle::loads(&pickle, &limits));
    let evil = b"\x80\x02cos\nsystem\nX\x09\x00\x00\x00echo oops\x85R.";
    story.say("`pickle.loads` would obey the next one: it looks up os.system and calls it with 'echo oops'.");
    story.show(evil.escape_ascii().to_string());
    let refused = PickleError::Call { offset: 2, opcode: "GLOBAL" };
    story.equal("it is refused at the word that looks up", Err(refused), pickle::loads(evil, &limits));
    Ok(())
}

/// Python connects to us, four times, each time in another mood.
fn as_listener(story: &mut Story) -> lesson::Result {
    let listener = Listener::bind(&address("listens"))?;
    let key = Key::random()?;
    let code = format!(
        "import socket\n\
         from multiprocessing import AuthenticationError\n\
         from multiprocessing.connection import Client\n\
         place, key = {}, bytes.fromhex('{}')\n\
         with Client(place, authkey=key) as connection:\n\
         \x20   connection.send({{'numbers': list(range(1000)), 'power': 2}})\n\
         \x20   print(connection.recv())\n\
         class Evil:\n\
         \x20   def __reduce__(self): return print, ('called',)\n\
         with Client(place, authkey=key) as connection:\n\
         \x20   connection.send(Evil())\n\
         \x20   connection.send('and now something harmless')\n\
         try: Client(place, authkey=b'a guess')\n\
         except AuthenticationError: print('refused')\n\
         with socket.socket(socket.AF_UNIX) as silent:\n\
         \x20   silent.connect(place)\n\
         \x20   while silent.recv(1000): pass\n\
         print('cut off')\n",
        in_python(listener.address()),
        hex(&key),
    );
    thread::scope(|scope| {
        let python = scope.spawn(|| lesson::python(&code, LIMIT));
        let served = serve(story, &listener, &key);
        // Whatever it still waits for here ends now, or with its own limit.
        drop(listener);
        let played = python.join().map_err(|_| "the thread that runs Python panicked")?;
        served?;
        printed(story, played, "332833500\nrefused\ncut off\n")
    })
}

fn serve(story: &mut Story, listener: &Listener, key: &Key) -> lesson::Result {
    let mut guest = next(listener, key, LIMIT)?;
    let question = guest.recv()?.ok_or("Python went without a question")?;
    let Some(Value::List(numbers)) = question.get("numbers") else { return Err("no numbers in it".into()) };
    let squares =
        numbers.iter().map(|number| if let Value::Int(number) = number { number * number } else { 0 });
    guest.send(&Value::Int(squares.sum()))?;
    story.equal("its list has arrived", 1000, numbers.len());

    let mut guest = next(listener, key, LIMIT)?;
    let refused = guest.recv();
    story.claim(
        "an object that would be called is refused, though its sender knows the key",
        "an error with its offset",
        format!("{:?}", refused.as_ref().map_err(ToString::to_string)),
        matches!(refused, Err(ConnectionError::Pickle(PickleError::Call { .. }))),
    );
    story.equal(
        "the next message is not lost by that",
        Some("and now something harmless".into()),
        guest.recv()?,
    );

    let refused = next(listener, key, LIMIT);
    story.claim(
        "a wrong key is refused",
        AuthenticationError::WrongKey.to_string(),
        format!("{:?}", refused.as_ref().map_err(ToString::to_string)),
        matches!(refused, Err(ConnectionError::Authentication(AuthenticationError::WrongKey))),
    );

    let late = next(listener, key, Duration::from_millis(50));
    story.claim(
        "who connects and says nothing is cut off when the limit passes (Python's `accept` would wait for ever)",
        "late",
        format!("{:?}", late.as_ref().map_err(ToString::to_string)),
        matches!(late, Err(ConnectionError::Late { .. })),
    );
    Ok(())
}

/// We connect to Python.
fn as_client(story: &mut Story) -> lesson::Result {
    let (address, key) = (address("answers"), Key::random()?);
    let code = format!(
        "from multiprocessing.connection import Listener\n\
         with Listener({}, authkey=bytes.fromhex('{}')) as listener, listener.accept() as connection:\n\
         \x20   a, b = connection.recv()\n\
         \x20   connection.send(a ** b)\n\
         \x20   data = connection.recv_bytes()\n\
         \x20   print(len(data), data[:1] == data[-1:] == b'r')\n",
        in_python(&address),
        hex(&key),
    );
    thread::scope(|scope| {
        let python = scope.spawn(|| lesson::python(&code, LIMIT));
        let asked = ask(story, &address, &key);
        let played = python.join().map_err(|_| "the thread that runs Python panicked")?;
        asked?;
        printed(story, played, "1048576 True\n")
    })
}

fn ask(story: &mut Story, address: &Address, key: &Key) -> lesson::Result {
    let until = Instant::now() + LIMIT;
    let mut connection = loop {
        match connect(address, Some(key), LIMIT) {
            // It is still starting.
            Err(ConnectionError::Io(error))
                if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(2));
            }
            connected => break connected?,
        }
    };
    connection.set_limit(Some(LIMIT));
    connection.send(&Value::Tuple(vec![3.into(), 80.into()]))?;
    let power = Value::Int(3_i128.pow(80));
    story.equal("3 ** 80 has 127 bits, and arrives as it is", Some(power), connection.recv()?);
    connection.send_bytes(&vec![b'r'; 1 << 20])?;
    Ok(())
}

fn next(listener: &Listener, key: &Key, limit: Duration) -> Result<Connection, ConnectionError> {
    let stranger = listener.accept_within(LIMIT)?.as_fd().try_clone_to_owned()?;
    let mut guest = admit(stranger, Some(key), limit)?;
    guest.set_limit(Some(LIMIT));
    Ok(guest)
}

fn printed(story: &mut Story, played: Result<Played, String>, expected: &str) -> lesson::Result {
    story.equal("Python saw the same, and printed it", expected, &played?.stdout);
    Ok(())
}

fn address(name: &str) -> Address {
    Address::Abstract(format!("ipc-lesson-python-{}-{name}", std::process::id()))
}

/// For a lesson the key may stand in an argument, which others on this machine can read; elsewhere hand it over a pipe.
fn hex(key: &Key) -> String {
    key.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
