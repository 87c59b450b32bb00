//! Each input has its answer, in whatever way it was asked for, and no more is read ahead than was allowed.

use std::{
    collections::BTreeSet,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use processes::{
    frame,
    pool::{Failed, Pool, Why},
};

use crate::{
    acting,
    acts::{ACT, Act, SQUARE, STUBBORN, Stubborn},
    squares,
};

pub(crate) fn in_order() {
    for (workers, chunk, ahead) in
        [(1, None, None), (3, None, None), (2, Some(1), Some(7)), (2, Some(100), Some(1))]
    {
        let mut settings = Pool::of(&SQUARE).workers(workers);
        if let Some(chunk) = chunk {
            settings = settings.chunk(chunk);
        }
        if let Some(ahead) = ahead {
            settings = settings.ahead(ahead);
        }
        let pool = settings.start().unwrap();
        for count in [0, 1, 2, 5_000] {
            let answers: Vec<u64> = pool.map(0..count).map(Result::unwrap).collect();
            assert_eq!(answers, (0..count).map(|x| x * x).collect::<Vec<_>>());
        }
        assert_eq!(pool.report().answered, 5_003);
        assert_eq!(pool.close().died, 0);
    }
}

pub(crate) fn unordered() {
    let pool = squares(3);
    let answers: Vec<(usize, u64)> =
        pool.map_unordered(0..5_000).map(|(at, answer)| (at, answer.unwrap())).collect();
    assert_eq!(answers.len(), 5_000);
    assert!(answers.iter().all(|(at, square)| (at * at) as u64 == *square));
    assert_eq!(answers.iter().map(|(at, _)| *at).collect::<BTreeSet<_>>().len(), 5_000);
}

pub(crate) fn submitted() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let pool = acting().start().unwrap();
    assert_eq!(pool.submit(Act::Square(7)).wait().unwrap(), 49);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut later = Box::pin(pool.submit(Act::Square(9)));
    let answer = loop {
        match later.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => break answer,
            Poll::Pending => thread::park(),
        }
    };
    assert_eq!(answer.unwrap(), 81);
    // It never ends, so no limit is long enough; it is ended with the pool.
    let never = pool.submit(Act::Hang).wait_within(Duration::from_millis(1)).unwrap_err();
    assert!(!never.is_done());
    pool.kill();
    let Failed { input, why } = never.wait().unwrap_err();
    assert!(input == Act::Hang && matches!(why, Why::Ended(_)), "{why:?}");
}

pub(crate) fn endless() {
    let pool = Pool::of(&SQUARE).workers(2).ahead(10).start().unwrap();
    let mut read = 0;
    let mut answers = pool.map((0_u64..).inspect(|_| read += 1));
    for x in 0..1_000 {
        assert_eq!(answers.next().unwrap().unwrap(), x * x);
    }
    assert_eq!(answers.peak(), 10);
    drop(answers);
    // Given out 1,000; at most ten more were read.
    assert!((1_000..=1_010).contains(&read), "{read}");
}

pub(crate) fn ended() {
    // An iterator may begin anew when it is asked behind its end.
    let mut asked = 0;
    let input = std::iter::from_fn(|| {
        asked += 1;
        (asked % 4 != 0).then_some(asked)
    });
    let pool = squares(2);
    let answers: Vec<u64> = pool.map(input).map(Result::unwrap).take(100).collect();
    assert_eq!(answers, [1, 4, 9]);
}

pub(crate) fn told() {
    let pool = acting().workers(1).start().unwrap();
    let failed = pool.submit(Act::Fail).wait().unwrap_err();
    assert_eq!((&failed.input, failed.why.to_string()), (&Act::Fail, "not today: no such number".to_owned()));
    assert!(failed.why.backtrace().unwrap().contains("acts::act"), "{:?}", failed.why);
    assert_eq!(failed.to_string(), "Fail: not today: no such number");
    let failed = pool.submit(Act::Panic).wait().unwrap_err();
    assert_eq!(failed.why.to_string(), "panicked: what now?");
    let stack = failed.why.backtrace().unwrap();
    assert!(stack.starts_with("at crates/processes/tests/pool/acts.rs:"), "{stack}");
    assert_eq!(pool.submit(Act::Square(3)).wait().unwrap(), 9);
    assert_eq!((pool.report().started, pool.report().died), (1, 0));
}

pub(crate) fn stubborn() {
    let pool = Pool::of(&STUBBORN).workers(1).chunk(10).start().unwrap();
    let all = [
        Stubborn::Fine,
        Stubborn::ErrorIn,
        Stubborn::PanicIn,
        Stubborn::ErrorOut,
        Stubborn::PanicOut,
        Stubborn::Fine,
    ];
    let answers: Vec<_> = pool.map(all).collect();
    let whys: Vec<String> = answers
        .iter()
        .map(|answer| answer.as_ref().map_or_else(|failed| failed.why.to_string(), |_| "fine".into()))
        .collect();
    for (why, words) in whys.iter().zip([
        "fine",
        "its input cannot be encoded",
        "its input makes encoding panic",
        "its output cannot be encoded",
        "its output makes encoding panic: no!",
        "fine",
    ]) {
        assert!(why.starts_with(words), "{whys:?}");
    }
    assert_eq!(pool.report().died, 0);
    let pool = acting().start().unwrap();
    let large = pool.submit(Act::Large(frame::LIMIT)).wait().unwrap_err();
    assert!(large.why.to_string().contains("where at most"), "{:?}", large.why);
    assert_eq!(pool.close().died, 0);
}

pub(crate) fn given_up() {
    let pool = Pool::of(&ACT).workers(1).chunk(1).ahead(1000).start().unwrap();
    let mut answers = pool.map(std::iter::repeat(Act::Square(3)));
    assert_eq!(answers.next().unwrap().unwrap(), 9);
    drop(answers);
    let before = pool.report().answered;
    // Behind it in the queue: so all that was given up would have been done first.
    assert_eq!(pool.submit(Act::Square(4)).wait().unwrap(), 16);
    assert!(pool.report().answered <= before + 17, "{before} {:?}", pool.report());
}

pub(crate) fn shared() {
    let pool = squares(2);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answers: Vec<u64> = pool.map(0..500).map(Result::unwrap).collect();
                assert_eq!(answers, (0..500).map(|x| x * x).collect::<Vec<_>>());
            });
        }
    });
    assert_eq!(pool.close().answered, 4_000);
}
