//! The limits of ipc-channel: each forced in a process of its own, watched with a deadline, and lived with.

use std::{fs, fs::File, io, path::Path, thread, time::Duration};

use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};
use lesson::Story;
use rustix::process::{Resource, getrlimit};

use super::{Hello, LIMIT, greeted};
use crate::peer::{self, Peer};

/// How long a scene is watched that should say something and is said to hang.
const HANGS: Duration = Duration::from_millis(200);
/// Channels that fit into one message.
const MOST: usize = 64;
const MIB: usize = 1 << 20;

pub(super) fn first_contact(story: &mut Story) -> lesson::Result {
    story.say("Broken: the child dies before it connects, and `accept` waits for ever.");
    let mut scene = Peer::start("typed", "accept", File::open("/dev/null")?, &[])?;
    let name = scene.line(LIMIT)?;
    let child = scene.line(LIMIT)?;
    story.equal(
        "the child has ended, and accept does not return",
        ("ended", true),
        (child.as_str(), hangs(&mut scene)?),
    );
    scene.kill()?;
    let directory = Path::new(&name).parent().ok_or("a path")?;
    story.equal("killed, it leaves its directory behind", true, directory.is_dir());
    fs::remove_dir_all(directory)?;
    story.say("Cured: who watches the child connects in its place when it has ended. What a kill leaves, its starter removes.");
    story.equal("the child dies, and accept returns", None, greeted("dies")?);
    Ok(())
}

pub(super) fn waiting(story: &mut Story) -> lesson::Result {
    story.say("Broken: a sender whose receiver does not read; it counts what it has sent, and would stop at 100,000.");
    let mut scene = Peer::start("typed", "unread", File::open("/dev/null")?, &[])?;
    let mut sent = 0;
    let end = loop {
        match scene.line(HANGS) {
            Ok(number) => sent = number.parse()?,
            Err(error) => break error.kind(),
        }
    };
    scene.kill()?;
    story.say(format!("It waits after {sent} messages of eight numbers."));
    story.claim(
        "it waits, though its documentation says never",
        "fewer than 100000",
        sent.to_string(),
        end == io::ErrorKind::TimedOut && (1..100_000).contains(&sent),
    );

    story.say("Broken: two who both send 1 MiB and then receive. Cured: a thread that only receives.");
    let mut scene = Peer::start("typed", "both", File::open("/dev/null")?, &["broken"])?;
    let begun = scene.line(LIMIT)?;
    story.equal("they wait for each other", ("begun", true), (begun.as_str(), hangs(&mut scene)?));
    scene.kill()?;
    let mut scene = Peer::start("typed", "both", File::open("/dev/null")?, &["cured"])?;
    let said = [scene.line(LIMIT)?, scene.line(LIMIT)?];
    story.equal("with a receiving thread each they do not", ["begun", "done"].map(String::from), said);
    scene.end(LIMIT)?;
    Ok(())
}

pub(super) fn too_many(story: &mut Story) -> lesson::Result {
    let played = story.play("many", LIMIT)?;
    let code = played.status.and_then(|status| status.code());
    story.equal(
        "65 channels in one message: the sender panics",
        (Some(101), true),
        (code, played.stderr.contains("panicked")),
    );
    let (claim, most) = ("200 channels, 64 at a time", getrlimit(Resource::Nofile).current);
    if let Some(most) = most.filter(|most| *most < 2 * MOST as u64) {
        // With none left for those that come, the receiver panics.
        story.skip(claim, "200", format!("this process may have {most} descriptors"));
        return Ok(());
    }
    let (send, receive) = channel::<Vec<IpcSender<u8>>>()?;
    let (one, _end) = channel::<u8>()?;
    let all = vec![one; 200];
    let mut arrived = 0;
    for some in all.chunks(MOST) {
        send.send(some.to_vec())?;
        arrived += receive.recv()?.len();
    }
    story.equal(claim, 200, arrived);
    Ok(())
}

/// Whether it says nothing and has not ended.
fn hangs(scene: &mut Peer) -> io::Result<bool> {
    match scene.line(HANGS) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(false),
    }
}

/// Waits for a child that has died.
pub(super) fn accept() {
    let (server, name) = IpcOneShotServer::<Hello>::new().expect("a server");
    peer::say(&name);
    let nothing = File::open("/dev/null").expect("opened");
    Peer::start("typed", "dies", nothing, &[&name]).expect("started").end(LIMIT).expect("ended");
    peer::say("ended");
    peer::say(server.accept().is_ok());
}

/// Sends and counts, while nobody reads.
pub(super) fn unread() {
    let (send, _receive) = channel::<[u64; 8]>().expect("a channel");
    for number in 1..=100_000 {
        send.send([u64::MAX; 8]).expect("sent");
        peer::say(number);
    }
}

// ANCHOR: both
/// Two who each send 1 MiB to the other and receive afterwards; or, cured, meanwhile.
pub(super) fn both() {
    let cured = peer::word(0).as_deref() == Some("cured");
    let (to_right, from_left) = channel::<Vec<u8>>().expect("a channel");
    let (to_left, from_right) = channel::<Vec<u8>>().expect("a channel");
    let talk = |send: IpcSender<Vec<u8>>, receive: IpcReceiver<Vec<u8>>| {
        let receiver = move || receive.recv().expect("1 MiB").len();
        let say = || send.send(vec![0; MIB]).expect("sent");
        if cured {
            let meanwhile = thread::spawn(receiver);
            say();
            meanwhile.join().expect("no panic")
        } else {
            say();
            receiver()
        }
    };
    peer::say("begun");
    thread::scope(|scope| {
        scope.spawn(|| talk(to_right, from_right));
        talk(to_left, from_left);
    });
    peer::say("done");
}
// ANCHOR_END: both

/// Sends one channel too many.
pub(super) fn many() {
    let (send, _receive) = channel::<Vec<IpcSender<u8>>>().expect("a channel");
    let (one, _end) = channel::<u8>().expect("a channel");
    let _ = send.send(vec![one; MOST + 1]);
}
