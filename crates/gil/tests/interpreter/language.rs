//! Programs at random, in a small language: expressions, statements, two functions.

use proptest::prelude::*;

pub(crate) const LOCALS: usize = 3;
pub(crate) const GLOBALS: usize = 2;

#[derive(Clone, Debug)]
pub(crate) enum Expr {
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
pub(crate) enum Statement {
    Local(usize, Expr),
    Global(usize, Expr),
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// So many times.
    Repeat(u8, Vec<Statement>),
}

/// Loops within loops, at most; each has a local variable of its own to count its rounds.
pub(crate) const DEPTH: u32 = 3;

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
pub(crate) struct Source {
    pub(crate) main: (Vec<Statement>, Expr),
    pub(crate) other: (Vec<Statement>, Expr),
}

pub(crate) fn source() -> impl Strategy<Value = Source> {
    ((statements(true), expr(true)), (statements(false), expr(false)))
        .prop_map(|(main, other)| Source { main, other })
}
