//! One program, one answer under every regime; and what goes wrong in one is an error.

use std::{io, process::Command, sync::Arc};

use gil::{
    interpreter::{Function, Native, Op, Program, Trouble},
    regime::{self, Counting, Error, Plan, Regime},
};

fn worker() -> io::Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gil"));
    command.args(["--scene", "cpu/worker"]);
    Ok(command)
}

const ALL: [Regime; 5] = [
    Regime::OneGil,
    Regime::GilEach,
    Regime::NoGil(Counting::Atomic),
    Regime::NoGil(Counting::Biased),
    Regime::Processes(worker),
];

/// Adds up the numbers below n, and leaves the sum in a global variable of those who share nothing.
const SUM: &str = "
    global last
    def main n
        push 0
        store sum
        push 0
        store i
    again:
        load i
        load n
        less
        unless done
        load sum
        load i
        call plus
        store sum
        load i
        push 1
        add
        store i
        jump again
    done:
        load sum
        set last
        load sum
        return
    def plus a b
        load a
        load b
        add
        return
";

#[test]
fn every_regime_has_the_same_answer() {
    let program = Program::assemble(SUM, &[]).unwrap();
    for regime in &ALL {
        let outcome = regime::run(regime, &program, &Plan::threads(3).argument(1_000)).unwrap();
        assert_eq!(outcome.results, [499_500; 3], "{}", regime.name());
        let shared = matches!(regime, Regime::OneGil | Regime::NoGil(_));
        assert_eq!(outcome.globals, vec![vec![499_500]; if shared { 1 } else { 3 }], "{}", regime.name());
        assert_eq!(outcome.switches > 0, matches!(regime, Regime::OneGil), "{}", regime.name());
    }
}

#[test]
fn no_threads_are_no_results() {
    let program = Program::assemble(SUM, &[]).unwrap();
    for regime in &ALL {
        let outcome = regime::run(regime, &program, &Plan::threads(0).argument(1)).unwrap();
        assert!(outcome.results.is_empty(), "{}", regime.name());
    }
}

#[test]
fn trouble_in_a_thread_is_an_error() {
    let program = Program::assemble(SUM, &[]).unwrap();
    for regime in &ALL {
        let ended = regime::run(regime, &program, &Plan::threads(2));
        match (regime, ended) {
            (Regime::Processes(_), Err(Error::Answer { worker: 0, status, .. })) => {
                assert!(!status.success())
            }
            (_, Err(Error::Trouble(trouble))) => {
                assert_eq!(trouble, Trouble::Arguments { takes: 1, given: 0 });
            }
            (_, other) => panic!("{}: {other:?}", regime.name()),
        }
    }
}

#[test]
fn a_panic_in_a_native_call_is_an_error_and_the_others_go_on() {
    let panics: Native = Arc::new(|_| panic!("on purpose"));
    for how in ["", "keeps"] {
        let text = format!("def main\npush 1\nnative panics {how}\nreturn");
        let program = Program::assemble(&text, &[("panics", Arc::clone(&panics))]).unwrap();
        for regime in &ALL[..4] {
            let ended = regime::run(regime, &program, &Plan::threads(3));
            assert!(matches!(ended, Err(Error::Panicked)), "{}: {ended:?}", regime.name());
        }
    }
}

#[test]
fn a_program_without_text_cannot_be_sent() {
    let code = vec![Op::Push(1), Op::Return];
    let function = Function { name: "f".into(), parameters: 0, locals: 0, code };
    let program = Program::new(vec![function], 0, vec![]).unwrap();
    let ended = regime::run(&Regime::Processes(worker), &program, &Plan::threads(1));
    assert!(matches!(ended, Err(Error::NoSource)), "{ended:?}");
}
