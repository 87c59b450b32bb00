//! Two neighbouring writes change places, if at least one is to memory that another thread may read at that moment.
//!
//! Two plain assignments next to each other are left alone: they are under a lock, or published by a later store, so
//! nobody can tell their order.

use syn::{Block, Expr, Stmt, visit, visit::Visit};

use crate::mutant::{Edit, bytes};

/// The pairs of writes in `block` itself, each the other way round.
pub(crate) fn swapped(block: &Block, source: &str) -> Vec<Edit> {
    let pairs = block.stmts.windows(2).filter_map(|pair| {
        let [Stmt::Expr(first, end), Stmt::Expr(second, _)] = pair else { return None };
        let (one, other) = (write(first)?, write(second)?);
        if (one, other) == (Write::Plain, Write::Plain) {
            return None;
        }
        let (first, second) = (bytes(first), bytes(second));
        let between = &source[first.end..second.start];
        // A block as a statement ends without one.
        let semicolon = if end.is_none() { ";" } else { "" };
        let text = [&source[second.clone()], semicolon, between, &source[first.clone()]].concat();
        let at = first.start..second.end;
        Some(Edit { shown: at.clone(), at, text })
    });
    pairs.collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Write {
    /// An assignment.
    Plain,
    /// Through an atomic, a cell or a raw pointer.
    Shared,
}

/// What `statement` writes, if that is what it is there for: an `if` or a loop around a write is more than that.
fn write(statement: &Expr) -> Option<Write> {
    match statement {
        // Nobody but this thread sees a local variable.
        Expr::Assign(assignment) if !is_local(&assignment.left) => Some(Write::Plain),
        Expr::Binary(operation) if is_assignment(&operation.op) && !is_local(&operation.left) => {
            Some(Write::Plain)
        }
        Expr::MethodCall(_) | Expr::Call(_) | Expr::Unsafe(_) => {
            let mut calls = Calls { write: false };
            calls.visit_expr(statement);
            calls.write.then_some(Write::Shared)
        }
        _ => None,
    }
}

fn is_local(place: &Expr) -> bool {
    matches!(place, Expr::Path(_))
}

fn is_assignment(operator: &syn::BinOp) -> bool {
    use syn::BinOp::*;
    matches!(
        operator,
        AddAssign(_)
            | SubAssign(_)
            | MulAssign(_)
            | DivAssign(_)
            | RemAssign(_)
            | BitXorAssign(_)
            | BitAndAssign(_)
            | BitOrAssign(_)
            | ShlAssign(_)
            | ShrAssign(_)
    )
}

/// Looks for a call that writes.
struct Calls {
    write: bool,
}

impl Calls {
    fn note(&mut self, name: &str) {
        self.write |= matches!(name, "store" | "swap" | "write" | "write_volatile" | "with_mut")
            || name.starts_with("fetch_")
            || name.starts_with("compare_exchange");
    }
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.note(&call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func
            && let Some(word) = function.path.segments.last()
        {
            self.note(&word.ident.to_string());
        }
        visit::visit_expr_call(self, call);
    }
}
