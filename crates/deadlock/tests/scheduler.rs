//! The one-core scheduler does what priorities, inheritance, ceilings and aging say.

use deadlock::scheduler::{BLOCKED, HOLDING, Op, Protocol, RUNNING, Task, Trace, run};
use proptest::prelude::*;

fn task(priority: u32, arrives: u32, ops: &[Op]) -> Task {
    Task { name: "t", priority, arrives, ops: ops.to_vec() }
}

/// One character a tick: who did what.
fn lane(trace: &Trace, task: usize) -> String {
    let end = trace.spans.iter().map(|span| span.end / 1_000_000).max().unwrap_or(0);
    let at = |tick| trace.spans.iter().find(|span| span.lane == task && span.start == tick * 1_000_000);
    (0..end).map(|tick| at(tick).map_or(' ', |span| span.mark)).collect()
}

const SECTION: [Op; 4] = [Op::Lock, Op::Run(4), Op::Unlock, Op::Run(1)];

fn three() -> [Task; 3] {
    [task(3, 1, &SECTION), task(2, 2, &[Op::Run(3)]), task(1, 0, &SECTION)]
}

#[test]
fn plain_the_medium_one_goes_first() {
    let trace = run(&three(), Protocol::Plain, 50);
    assert_eq!(
        [0, 1, 2].map(|task| lane(&trace, task)),
        [" ------LLLL#  ", "  ###         ", "LL   LL     #"].map(padded)
    );
    assert_eq!(trace.blocked, [6, 0, 0]);
    assert_eq!(trace.done, [Some(12), Some(5), Some(13)]);
}

/// To the same length as the others.
fn padded(lane: &str) -> String {
    format!("{:13}", lane.trim_end())
}

#[test]
fn with_inheritance_or_a_ceiling_the_holder_does() {
    for protocol in [Protocol::Inherit, Protocol::Ceiling] {
        let trace = run(&three(), protocol, 50);
        let expected = if protocol == Protocol::Inherit {
            [" ---LLLL#", "         ###", "LLLL        #"]
        } else {
            // The holder is as high as any from the start: the high one waits without having asked.
            ["    LLLL#", "         ###", "LLLL        #"]
        };
        assert_eq!([0, 1, 2].map(|task| lane(&trace, task)), expected.map(padded), "{protocol:?}");
    }
}

#[test]
fn aging_lets_the_lowest_run_and_time_can_be_up() {
    let tasks = [task(5, 0, &[Op::Run(20)]), task(1, 0, &[Op::Run(2)])];
    assert_eq!(run(&tasks, Protocol::Plain, 10).done, [None, None]);
    assert_eq!(run(&tasks, Protocol::Plain, 30).done, [Some(20), Some(22)]);
    let aged = run(&tasks, Protocol::Aging(2), 30);
    // Above 5 after 10 ticks of waiting it runs for one, falls back, and waits again.
    assert_eq!(lane(&aged, 1), "          #          #");
    assert_eq!(aged.done, [Some(21), Some(22)]);
}

#[test]
fn nothing_to_do_is_done_at_once() {
    assert!(run(&[], Protocol::Plain, 5).spans.is_empty());
    assert_eq!(run(&[task(1, 3, &[])], Protocol::Inherit, 5).done, [Some(0)]);
    assert_eq!(run(&[task(1, 0, &[Op::Run(0), Op::Lock, Op::Unlock])], Protocol::Plain, 5).done, [Some(0)]);
}

fn any_task() -> impl Strategy<Value = Task> {
    (0_u32..4, 0_u32..6, 0_u32..4, 0_u32..4, 0_u32..3).prop_map(
        |(priority, arrives, before, inside, after)| {
            task(priority, arrives, &[Op::Run(before), Op::Lock, Op::Run(inside), Op::Unlock, Op::Run(after)])
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_runs_at_a_time_one_holds_and_all_is_done(
        tasks in proptest::collection::vec(any_task(), 1..5),
        protocol in prop_oneof![
            Just(Protocol::Plain), Just(Protocol::Inherit), Just(Protocol::Ceiling), Just(Protocol::Aging(2))
        ],
    ) {
        let trace = run(&tasks, protocol, 200);
        prop_assert!(trace.done.iter().all(Option::is_some));
        let end = trace.done.iter().flatten().max().copied().unwrap_or(0);
        for tick in 0..u64::from(end) {
            let marks: Vec<char> =
                trace.spans.iter().filter(|span| span.start == tick * 1_000_000).map(|span| span.mark).collect();
            let running = marks.iter().filter(|mark| **mark != BLOCKED).count();
            prop_assert!(running <= 1, "tick {}: {:?}", tick, marks);
        }
        for (at, task) in tasks.iter().enumerate() {
            let ticks = |wanted| trace.spans.iter().filter(|span| span.lane == at && span.mark == wanted).count() as u32;
            let [Op::Run(before), _, Op::Run(inside), _, Op::Run(after)] = task.ops[..] else { unreachable!() };
            prop_assert_eq!((ticks(HOLDING), ticks(RUNNING)), (inside, before + after));
            prop_assert_eq!(ticks(BLOCKED), trace.blocked[at]);
        }
    }
}
