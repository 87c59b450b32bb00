//! The straight evaluator: no bytecode, no stack.

use crate::language::{Expr, GLOBALS, LOCALS, Source, Statement};

pub(crate) struct Straight<'a> {
    pub(crate) source: &'a Source,
    pub(crate) globals: [i64; GLOBALS],
    pub(crate) checkpoints: usize,
}

impl Straight<'_> {
    pub(crate) fn call(&mut self, argument: Option<i64>) -> i64 {
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
