//! A worker that is killed, hangs or is stopped loses nothing; a piece that ends each of them is named.

use std::{thread, time::Duration};

use processes::pool::{Failed, Why};
use rustix::process::Signal;

use crate::{acting, acts::Act};

pub(crate) fn killed() {
    let tokens = tempfile::Builder::new().prefix("processes-pool").tempdir().unwrap();
    for (at, chunk) in [1, 7, 1000].into_iter().enumerate() {
        let pool = acting().chunk(chunk).start().unwrap();
        let acts = (0..500).map(|x| match x % 100 {
            50 => Act::DieOnce(x, tokens.path().join(format!("{at}-{x}"))),
            _ => Act::Square(x),
        });
        let answers: Vec<u64> = pool.map(acts).map(Result::unwrap).collect();
        assert_eq!(answers, (0..500).map(|x| x * x).collect::<Vec<_>>());
        let report = pool.report();
        assert_eq!((report.died, report.started), (5, 2 + 5));
    }
}

pub(crate) fn poison() {
    let pool = acting().tries(2).start().unwrap();
    let acts: Vec<Act> = (0..200)
        .map(|x| match x {
            20 => Act::Exit(3),
            90 => Act::Abort,
            150 => Act::Kill,
            x => Act::Square(x),
        })
        .collect();
    let answers: Vec<_> = pool.map(acts.clone()).collect();
    for (answer, act) in answers.iter().zip(&acts) {
        match (act, answer) {
            (Act::Square(x), Ok(square)) => assert_eq!(*square, x * x),
            (act, Err(Failed { input, why: Why::Poison { deaths } })) => {
                let words = match act {
                    Act::Exit(_) => "exited with code 3",
                    Act::Abort => "SIGABRT",
                    _ => "SIGKILL",
                };
                assert!(input == act && deaths.len() == 2, "{deaths:?}");
                assert!(deaths.iter().all(|death| death.contains(words)), "{deaths:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pool.submit(Act::Square(2)).wait().unwrap(), 4);
}

pub(crate) fn hung() {
    let pool = acting().tries(2).limit(Duration::from_millis(100)).start().unwrap();
    let answers: Vec<_> =
        pool.map((0..50).map(|x| if x == 25 { Act::Hang } else { Act::Square(x) })).collect();
    for (x, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(square) => assert_eq!(square, (x * x) as u64),
            Err(failed) => {
                assert_eq!((x, &failed.input), (25, &Act::Hang));
                assert!(failed.why.to_string().contains("did not answer within 125ms"), "{}", failed.why);
            }
        }
    }
    // A worker that is stopped is no fault of its piece: the next one does it.
    let pool = acting().workers(1).limit(Duration::from_millis(100)).start().unwrap();
    pool.submit(Act::Square(1)).wait().unwrap();
    let [stopped] = &pool.workers()[..] else { panic!("one worker") };
    stopped.signal(Signal::STOP).unwrap();
    assert_eq!(pool.submit(Act::Square(6)).wait().unwrap(), 36);
    assert_eq!((pool.report().late, stopped.exitcode()), (1, Some(-9)));
}

pub(crate) fn within_the_limit() {
    // The chunk takes longer than the limit, none of its pieces comes near; the second worker has nothing to do.
    let limit = Duration::from_secs(1);
    let pool = acting().chunk(70).limit(limit).start().unwrap();
    let acts = (0..70).map(|_| Act::Sleep(Duration::from_millis(20)));
    assert_eq!(pool.map(acts).filter(Result::is_ok).count(), 70);
    // The limit is for pieces: it begins with the next one, however long there was none.
    thread::sleep(limit * 3 / 2);
    assert_eq!(pool.submit(Act::Square(3)).wait().unwrap(), 9);
    assert_eq!(pool.report().died, 0);
}
