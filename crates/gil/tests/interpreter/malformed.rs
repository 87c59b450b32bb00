//! Whatever bytecode or text comes in is refused with its place, or runs.

use gil::interpreter::{Flaw, Function, Op, Place, Program, Trouble, run};
use proptest::prelude::*;

use crate::Counted;

fn op() -> impl Strategy<Value = Op> {
    let near = 0..12_usize;
    prop_oneof![
        (-2..3_i64).prop_map(Op::Push),
        near.clone().prop_map(|n| Op::Load(n / 3)),
        near.clone().prop_map(|n| Op::Store(n / 3)),
        near.clone().prop_map(|n| Op::Get(n / 4)),
        near.clone().prop_map(|n| Op::Set(n / 4)),
        Just(Op::Add),
        Just(Op::Less),
        near.clone().prop_map(Op::Unless),
        near.clone().prop_map(Op::Jump),
        near.clone().prop_map(Op::JumpBack),
        near.clone().prop_map(|n| Op::Call(n / 4)),
        Just(Op::Return),
        (near, any::<bool>()).prop_map(|(n, keeps_lock)| Op::Native { function: n / 6, keeps_lock }),
    ]
}

/// Whatever came out of `Program::new` or `assemble` runs without a panic, until it is stopped.
fn runs(program: &Program) {
    let mut world = Counted::new(program.globals(), 2_000);
    for arguments in 0..4 {
        match run(program, &vec![1; arguments], &mut world) {
            Ok(_) | Err(Trouble::Arguments { .. } | Trouble::Stopped(_) | Trouble::TooDeep { .. }) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytecode_is_refused_with_its_place_or_runs(
        codes in prop::collection::vec((0..3_usize, 0..4_usize, prop::collection::vec(op(), 0..9)), 0..3)
    ) {
        let names = ["one", "two", "three"];
        let functions: Vec<Function> = codes.iter().zip(names).map(|((parameters, locals, code), name)| {
            // An end, so that more of them pass.
            let code = code.iter().copied().chain([Op::Push(0), Op::Return]).collect();
            Function { name: name.into(), parameters: *parameters, locals: *locals, code }
        }).collect();
        match Program::new(functions.clone(), 2, vec![std::sync::Arc::new(|x| x)]) {
            Ok(program) => runs(&program),
            Err(malformed) => match malformed.place {
                Place::Program => prop_assert!(functions.is_empty()),
                Place::Code { function, at } => {
                    let known = functions.iter().find(|known| known.name == function).unwrap();
                    prop_assert!(at < known.code.len());
                }
                Place::Line(line) => prop_assert!(false, "line {} of no text", line),
            },
        }
    }

    #[test]
    fn any_text_is_refused_with_its_line_or_runs(
        lines in prop::collection::vec(prop::collection::vec(
            prop::sample::select(vec![
                "global", "def", "x", "y", "f", "l:", "l", "push", "1", "load", "store", "get", "set", "add", "less",
                "unless", "jump", "call", "return", "sleep", "native", "keeps", "n", "#", "-", ":", "9999999999999999999",
            ]), 0..4), 0..12)
    ) {
        let text: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        let text = format!("def f x\n{}\npush 1\nreturn", text.join("\n"));
        match Program::assemble(&text, &[("n", std::sync::Arc::new(|x| x))]) {
            Ok(program) => runs(&program),
            Err(malformed) => {
                let Place::Line(line) = malformed.place else { panic!("{malformed:?}") };
                prop_assert!((1..=text.lines().count()).contains(&line));
            }
        }
    }
}

fn refused(text: &str) -> (usize, Flaw) {
    let malformed = Program::assemble(text, &[]).unwrap_err();
    let Place::Line(line) = malformed.place else { panic!("{malformed:?}") };
    assert!(malformed.to_string().starts_with(&format!("line {line}: ")), "{malformed}");
    (line, malformed.flaw)
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    assert_eq!(Program::assemble("", &[]).unwrap_err().place, Place::Program);
    assert_eq!(refused("push 1"), (1, Flaw::Outside));
    assert_eq!(refused("def f\n# nothing"), (1, Flaw::NoEnd));
    assert_eq!(refused("def f\npush 1"), (2, Flaw::NoEnd));
    assert_eq!(refused("def f\npush 1\nadd\nreturn"), (3, Flaw::StackTooLow { needs: 2, has: 1 }));
    assert_eq!(refused("def f\nreturn"), (2, Flaw::StackTooLow { needs: 1, has: 0 }));
    assert_eq!(
        refused("def f\npush 0\nunless l\npush 1\nl:\npush 1\nreturn"),
        (6, Flaw::StackDiffers { one: 0, other: 1 }),
    );
    assert_eq!(refused("def f\npush 1\nhalt"), (3, Flaw::NoInstruction("halt".into())));
    assert_eq!(
        refused("def f\npush one\nreturn"),
        (2, Flaw::Operand { instruction: "push".into(), wanted: "a whole number" }),
    );
    assert_eq!(
        refused("def f\npush 1\nreturn 1"),
        (3, Flaw::Operand { instruction: "return".into(), wanted: "nothing" }),
    );
    let unknown = |what, name: &str| Flaw::Unknown { what, name: name.into() };
    assert_eq!(refused("def f\nload x\nreturn"), (2, unknown("local variable", "x")));
    assert_eq!(refused("def f\nget x\nreturn"), (2, unknown("global variable", "x")));
    assert_eq!(refused("def f\ncall g\nreturn"), (2, unknown("function", "g")));
    assert_eq!(refused("def f\njump l\nreturn"), (2, unknown("label", "l")));
    assert_eq!(refused("def f x\nload x\nnative n\nreturn"), (3, unknown("native function", "n")));
    let twice = |what, name: &str| Flaw::Twice { what, name: name.into() };
    assert_eq!(refused("global x\nglobal x"), (2, twice("global variable", "x")));
    assert_eq!(refused("def f x\nload x\nreturn\ndef f"), (4, twice("function", "f")));
    assert_eq!(refused("def f x x"), (1, twice("parameter", "x")));
    assert_eq!(refused("def f\nl:\nl:"), (3, twice("label", "l")));
}

#[test]
fn bytecode_that_jumps_the_wrong_way_is_refused() {
    let refused = |code| {
        let function = Function { name: "f".into(), parameters: 0, locals: 0, code };
        let malformed = Program::new(vec![function], 0, vec![]).unwrap_err();
        assert!(malformed.to_string().starts_with("function f, bytecode 1: "), "{malformed}");
        malformed.flaw
    };
    // A loop without a checkpoint could never be taken off.
    assert!(matches!(refused(vec![Op::Push(1), Op::Jump(0)]), Flaw::WrongWay { to: 0, .. }));
    assert!(matches!(refused(vec![Op::Push(1), Op::Unless(1)]), Flaw::WrongWay { to: 1, .. }));
    assert!(matches!(refused(vec![Op::Push(1), Op::JumpBack(2), Op::Return]), Flaw::WrongWay { to: 2, .. }));
    assert!(matches!(refused(vec![Op::Push(1), Op::Jump(7)]), Flaw::NoSuch { index: 7, of: 2, .. }));
    let too_few = Function { name: "f".into(), parameters: 2, locals: 1, code: vec![] };
    let flaw = Program::new(vec![too_few], 0, vec![]).unwrap_err().flaw;
    assert_eq!(flaw, Flaw::TooFewLocals { parameters: 2, locals: 1 });
}
