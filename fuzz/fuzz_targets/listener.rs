//! Whatever bytes a worker writes, the pool's side says what they are or what is wrong with them; and every piece
//! that it has is answered or still there. The first byte says in which cuts the others come.

#![no_main]

use libfuzzer_sys::fuzz_target;
use processes::{
    frame::{Inbox, encode},
    pool::{
        Told,
        ledger::Ledger,
        listener::{Listener, Said},
    },
};

type Output = (u64, String, Option<Vec<u16>>);

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let mut ledger = Ledger::new(1);
    (0..6).for_each(|piece| ledger.add(piece));
    ledger.hand(0, 3, |_| true);
    ledger.hand(0, 3, |_| true);
    let (mut inbox, mut listener) = (Inbox::default(), Listener::<Output>::new(7));
    // Half of the inputs begin behind the greeting, which is hard to guess.
    if cut % 2 == 0 {
        let nobody: Option<String> = None;
        for frame in [encode(&(*b"prcs", 1_u16, 7_u64, &nobody)), encode(&Ok::<(), Told>(()))] {
            inbox.push(&frame.expect("it can be encoded"));
        }
    }
    let mut answered = 0;
    'worker: for piece in bytes.chunks(usize::from(*cut).max(1)) {
        inbox.push(piece);
        loop {
            match listener.next(&mut inbox) {
                Ok(Some(Said::Ready)) => {}
                Ok(Some(Said::Answers(answers))) => {
                    match ledger.answered(0, answers.order, answers.outcomes.len()) {
                        Ok(pieces) => answered += pieces.len(),
                        Err(_) => break 'worker,
                    }
                }
                Ok(None) => break,
                Err(_) => break 'worker,
            }
        }
    }
    let poison = ledger.died(0, "gone").len();
    assert_eq!(answered + poison + ledger.waiting(), 6);
});
