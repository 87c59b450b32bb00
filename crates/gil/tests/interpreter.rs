//! The interpreter does what a straight evaluator of the same program does, with a checkpoint where one belongs; and
//! what cannot be run is refused before it runs.

use gil::{
    Gil,
    interpreter::{Flaw, Function, Native, Object, Op, Place, Program, Stopped, Trouble, World, run},
    regime::{Counting, Free, FreeGlobals, Globals, UnderGil},
};
use proptest::prelude::*;

const LOCALS: usize = 3;
const GLOBALS: usize = 2;

#[derive(Clone, Debug)]
enum Expr {
    Number(i64),
    Local(usize),
    Global(usize),
    Add(Box<Expr>, Box<Expr>),
    Less(Box<Expr>, Box<Expr>),
    /// The second function, with one argument.
    Call(Box<Expr>),
    /// Of the native function, which triples.
    Native(Box<Expr>, bool),
}

#[derive(Clone, Debug)]
enum Statement {
    Local(usize, Expr),
    Global(usize, Expr),
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// So many times.
    Repeat(u8, Vec<Statement>),
}

/// Loops within loops, at most; each has a local variable of its own to count its rounds.
const DEPTH: u32 = 3;

fn expr(calls: bool) -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Expr::Number),
        (0..10_i64).prop_map(Expr::Number),
        (0..LOCALS).prop_map(Expr::Local),
        (0..GLOBALS).prop_map(Expr::Global),
    ];
    leaf.prop_recursive(3, 12, 2, move |inner| {
        let two = (inner.clone(), inner.clone());
        let add = two.clone().prop_map(|(a, b)| Expr::Add(a.into(), b.into()));
        let less = two.prop_map(|(a, b)| Expr::Less(a.into(), b.into()));
        let native = (inner.clone(), any::<bool>()).prop_map(|(a, keeps)| Expr::Native(a.into(), keeps));
        let call = inner.prop_map(move |a| if calls { Expr::Call(a.into()) } else { a });
        prop_oneof![add, less, native, call]
    })
}

fn statements(calls: bool) -> impl Strategy<Value = Vec<Statement>> {
    let leaf = prop_oneof![
        (0..LOCALS, expr(calls)).prop_map(|(to, value)| Statement::Local(to, value)),
        (0..GLOBALS, expr(calls)).prop_map(|(to, value)| Statement::Global(to, value)),
    ];
    let statement = leaf.prop_recursive(DEPTH, 16, 3, move |inner| {
        let block = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (expr(calls), block(), block()).prop_map(|(test, then, or)| Statement::If(test, then, or)),
            (0..4_u8, block()).prop_map(|(times, body)| Statement::Repeat(times, body)),
        ]
    });
    prop::collection::vec(statement, 0..5)
}

/// Two functions: the first has no parameters, the second has one, and calls nobody.
#[derive(Clone, Debug)]
struct Source {
    main: (Vec<Statement>, Expr),
    other: (Vec<Statement>, Expr),
}

fn source() -> impl Strategy<Value = Source> {
    ((statements(true), expr(true)), (statements(false), expr(false)))
        .prop_map(|(main, other)| Source { main, other })
}

/// The straight evaluator: no bytecode, no stack.
struct Straight<'a> {
    source: &'a Source,
    globals: [i64; GLOBALS],
    checkpoints: usize,
}

impl Straight<'_> {
    fn call(&mut self, argument: Option<i64>) -> i64 {
        let mut locals = [argument.unwrap_or(0), 0, 0];
        self.checkpoints += 1; // where a function begins
        let source = self.source;
        let (body, result) = if argument.is_none() { &source.main } else { &source.other };
        self.all(body, &mut locals);
        self.value(result, &mut locals)
    }

    fn all(&mut self, body: &[Statement], locals: &mut [i64; LOCALS]) {
        for statement in body {
            match statement {
                Statement::Local(to, value) => locals[*to] = self.value(value, locals),
                Statement::Global(to, value) => self.globals[*to] = self.value(value, locals),
                Statement::If(test, then, or) => {
                    let holds = self.value(test, locals) != 0;
                    self.all(if holds { then } else { or }, locals);
                }
                Statement::Repeat(times, body) => {
                    for _ in 0..*times {
                        self.all(body, locals);
                        self.checkpoints += 1; // where a loop goes back
                    }
                }
            }
        }
    }

    fn value(&mut self, expr: &Expr, locals: &mut [i64; LOCALS]) -> i64 {
        match expr {
            Expr::Number(number) => *number,
            Expr::Local(local) => locals[*local],
            Expr::Global(global) => self.globals[*global],
            Expr::Add(a, b) => self.value(a, locals).wrapping_add(self.value(b, locals)),
            Expr::Less(a, b) => i64::from(self.value(a, locals) < self.value(b, locals)),
            Expr::Call(argument) => {
                let argument = self.value(argument, locals);
                let result = self.call(Some(argument));
                self.checkpoints += 1; // after a call
                result
            }
            Expr::Native(argument, _) => {
                let result = self.value(argument, locals).wrapping_mul(3);
                self.checkpoints += 1; // after a call
                result
            }
        }
    }
}

/// To bytecode.
fn compile(source: &Source) -> Program {
    let function = |name: &str, parameters, (body, result): &(Vec<Statement>, Expr)| {
        let mut code = Vec::new();
        compile_all(body, 0, &mut code);
        compile_value(result, &mut code);
        code.push(Op::Return);
        Function { name: name.into(), parameters, locals: LOCALS + 1 + DEPTH as usize, code }
    };
    let functions = vec![function("main", 0, &source.main), function("other", 1, &source.other)];
    let triple: Native = std::sync::Arc::new(|x: i64| x.wrapping_mul(3));
    Program::new(functions, GLOBALS, vec![triple]).unwrap()
}

fn compile_all(body: &[Statement], depth: usize, code: &mut Vec<Op>) {
    for statement in body {
        match statement {
            Statement::Local(to, value) => {
                compile_value(value, code);
                code.push(Op::Store(*to));
            }
            Statement::Global(to, value) => {
                compile_value(value, code);
                code.push(Op::Set(*to));
            }
            Statement::If(test, then, or) => {
                compile_value(test, code);
                let unless = code.len();
                code.push(Op::Unless(0));
                compile_all(then, depth, code);
                let jump = code.len();
                code.push(Op::Jump(0));
                code[unless] = Op::Unless(code.len());
                compile_all(or, depth, code);
                code[jump] = Op::Jump(code.len());
            }
            Statement::Repeat(times, body) => {
                let round = LOCALS + depth;
                code.extend([Op::Push(0), Op::Store(round)]);
                let top = code.len();
                code.extend([Op::Load(round), Op::Push(i64::from(*times)), Op::Less]);
                let unless = code.len();
                code.push(Op::Unless(0));
                compile_all(body, depth + 1, code);
                code.extend([Op::Load(round), Op::Push(1), Op::Add, Op::Store(round), Op::JumpBack(top)]);
                code[unless] = Op::Unless(code.len());
            }
        }
    }
}

fn compile_value(expr: &Expr, code: &mut Vec<Op>) {
    match expr {
        Expr::Number(number) => code.push(Op::Push(*number)),
        Expr::Local(local) => code.push(Op::Load(*local)),
        Expr::Global(global) => code.push(Op::Get(*global)),
        Expr::Add(a, b) | Expr::Less(a, b) => {
            compile_value(a, code);
            compile_value(b, code);
            code.push(if matches!(expr, Expr::Add(..)) { Op::Add } else { Op::Less });
        }
        Expr::Call(argument) => {
            compile_value(argument, code);
            code.push(Op::Call(1));
        }
        Expr::Native(argument, keeps_lock) => {
            compile_value(argument, code);
            code.push(Op::Native { function: 0, keeps_lock: *keeps_lock });
        }
    }
}

/// Counts checkpoints, and stops at the last one allowed.
struct Counted {
    globals: Vec<i64>,
    checkpoints: usize,
    most: usize,
}

impl Counted {
    fn new(globals: usize, most: usize) -> Self {
        Self { globals: vec![0; globals], checkpoints: 0, most }
    }
}

impl World for Counted {
    fn checkpoint(&mut self) -> Result<(), Stopped> {
        self.checkpoints += 1;
        if self.checkpoints > self.most { Err(Stopped) } else { Ok(()) }
    }

    fn load(&mut self, global: usize) -> i64 {
        self.globals[global]
    }

    fn store(&mut self, global: usize, value: i64) {
        self.globals[global] = value;
    }

    fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }

    fn count(&mut self, _: Object) {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_straight_evaluator_does(source in source()) {
        let program = compile(&source);
        let mut straight = Straight { source: &source, globals: [0; GLOBALS], checkpoints: 0 };
        let expected = straight.call(None);

        let mut counting = Counted::new(GLOBALS, usize::MAX);
        prop_assert_eq!(run(&program, &[], &mut counting), Ok(expected));
        prop_assert_eq!(&counting.globals[..], &straight.globals);
        prop_assert_eq!(counting.checkpoints, straight.checkpoints, "checkpoints");

        let (gil, globals) = (Gil::default(), Globals::of(&program));
        prop_assert_eq!(run(&program, &[], &mut UnderGil::attach(&gil, &globals)), Ok(expected));
        prop_assert_eq!(&globals.values()[..], &straight.globals);

        for counting in [Counting::Atomic, Counting::Biased] {
            let globals = FreeGlobals::of(&program, counting);
            prop_assert_eq!(run(&program, &[], &mut Free::new(&globals)), Ok(expected));
            prop_assert_eq!(&globals.values()[..], &straight.globals);
        }
    }
}

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

#[test]
fn trouble_while_it_runs_is_an_error() {
    let endless = Program::assemble("def f\ncall f\nreturn", &[]).unwrap();
    let mut world = Counted::new(0, usize::MAX);
    assert_eq!(run(&endless, &[], &mut world), Err(Trouble::TooDeep { function: "f".into() }));
    assert_eq!(run(&endless, &[1], &mut world), Err(Trouble::Arguments { takes: 0, given: 1 }));
    let spinning = Program::assemble("def f\nl:\njump l", &[]).unwrap();
    assert_eq!(run(&spinning, &[], &mut Counted::new(0, 9)), Err(Trouble::Stopped(Stopped)));
}

/// A native call that keeps the lock never leaves it; one that does not, and a sleep, leave it once.
#[test]
fn the_lock_is_let_go_where_it_should_be() {
    struct Leaves(usize);
    impl World for Leaves {
        fn checkpoint(&mut self) -> Result<(), Stopped> {
            Ok(())
        }
        fn load(&mut self, _: usize) -> i64 {
            0
        }
        fn store(&mut self, _: usize, _: i64) {}
        fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R {
            self.0 += 1;
            work()
        }
        fn count(&mut self, _: Object) {}
    }
    let leaves = |call: &str| {
        let text = format!("def f\npush 1\n{call}\nreturn");
        let program = Program::assemble(&text, &[("n", std::sync::Arc::new(|x| x))]).unwrap();
        let mut world = Leaves(0);
        run(&program, &[], &mut world).unwrap();
        world.0
    };
    assert_eq!([leaves("native n keeps"), leaves("native n"), leaves("sleep")], [0, 1, 1]);
}
