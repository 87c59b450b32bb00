//! A worker that does not keep to the protocol is replaced, and its piece named.

use std::{
    env,
    io::{self, Write},
};

use processes::{
    frame,
    pool::{self, Failed, Pool, Why},
};

use crate::{
    acts::SQUARE,
    scenes::{forever, scene_program},
};

pub(crate) fn hostile() {
    for (name, words) in [
        ("hostile-stranger", "2 answers to order 7, where it was not the next"),
        ("hostile-flood", "2 answers to order 7, where it was not the next"),
        ("hostile-rubbish", "is not the message expected here"),
        ("hostile-half", "in the middle of a message"),
    ] {
        let settings = Pool::of(&SQUARE).workers(1).tries(2).chunk(1);
        let pool = settings.program(scene_program(name)).start().unwrap();
        match pool.submit(5).wait().unwrap_err() {
            Failed { input: 5, why: Why::Poison { deaths } } => {
                assert!(
                    deaths.len() == 2 && deaths.iter().all(|death| death.contains(words)),
                    "{name}: {deaths:?}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A worker that does not keep to the protocol, in one way.
pub(crate) fn lie(how: &str) {
    let mark = env::args().next_back().unwrap();
    let nonce = u64::from_str_radix(mark.rsplit(':').next().unwrap(), 16).unwrap();
    let mut out = io::stdout();
    let mut say = |frame: &[u8]| out.write_all(frame).and_then(|()| out.flush());
    let nobody: Option<String> = None;
    let mut good = frame::encode(&(*b"prcs", 1u16, nonce, &nobody)).unwrap();
    good.extend(frame::encode(&Ok::<(), pool::Told>(())).unwrap());
    let answers = pool::Answers { order: 7, nanoseconds: 5, outcomes: vec![Ok::<u64, pool::Told>(1), Ok(2)] };
    let answers = frame::encode(&answers).unwrap();
    // Whether the caller still listens is not this worker's concern.
    let _ = match how {
        "text" => say(b"hello from main\n"),
        "version" => say(&frame::encode(&(*b"prcs", 999u16, "whatever")).unwrap()),
        "nonce" => say(&frame::encode(&(*b"prcs", 1u16, nonce ^ 1, &nobody)).unwrap()),
        // What follows comes only when there is a piece to blame: behind greeting and terms.
        _ => say(&good).and_then(|()| wait_for_order()).and_then(|()| match how {
            "stranger" => say(&answers),
            "rubbish" => say(&frame::encode(&[0xff_u8; 30]).unwrap()),
            "half" => {
                say(&answers[..answers.len() / 2])?;
                std::process::exit(0)
            }
            _ => loop {
                say(&answers)?;
            },
        }),
    };
    forever()
}

fn wait_for_order() -> io::Result<()> {
    let mut inbox = frame::Inbox::default();
    for _ in 0..3 {
        inbox.receive(io::stdin()).map_err(io::Error::other)?;
    }
    Ok(())
}
