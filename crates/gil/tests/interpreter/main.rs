//! The interpreter does what a straight evaluator of the same program does, with a checkpoint where one belongs; and
//! what cannot be run is refused before it runs.

mod compiler;
mod language;
mod malformed;
mod straight;

use gil::{
    Gil,
    interpreter::{Object, Program, Stopped, Trouble, World, run},
    regime::{Counting, Free, FreeGlobals, Globals, UnderGil},
};
use proptest::prelude::*;

use compiler::compile;
use language::{GLOBALS, source};
use straight::Straight;

/// Counts checkpoints, and stops at the last one allowed.
pub(crate) struct Counted {
    globals: Vec<i64>,
    checkpoints: usize,
    most: usize,
}

impl Counted {
    pub(crate) fn new(globals: usize, most: usize) -> Self {
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
