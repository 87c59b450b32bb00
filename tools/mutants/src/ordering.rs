//! One memory ordering is weakened by one step, as far as the operation allows it; a fence that has no step left goes.
//!
//! One step is enough: whoever notices that step notices a longer one too, as that allows all the former's behaviours.

use syn::{Expr, ExprPath};

use crate::mutant::{Edit, bytes};

/// In front of a weaker ordering whose name the file may not have imported.
pub(crate) const PATH: &str = "::std::sync::atomic::Ordering::";

/// What an operation does, which says the orderings it can have.
#[derive(Clone, Copy)]
enum Access {
    Load,
    Store,
    /// Read-modify-write.
    Both,
    Fence,
}

/// `expression` with each of its own orderings weakened, if it is an atomic operation or a fence.
pub(crate) fn weaker(expression: &Expr) -> Vec<Edit> {
    let (name, arguments) = match expression {
        Expr::MethodCall(call) => (call.method.to_string(), &call.args),
        Expr::Call(call) => match &*call.func {
            Expr::Path(function) => (last_word(function), &call.args),
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut edits = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let (Some(access), Expr::Path(path)) = (access(&name, position), argument) else { continue };
        let word = path.path.segments.last().expect("a path has a word");
        let shown = bytes(expression);
        for weaker in steps(access, &word.ident.to_string()) {
            let alone = path.path.segments.len() == 1;
            let text = if alone { format!("{PATH}{weaker}") } else { (*weaker).into() };
            edits.push(Edit { at: bytes(&word.ident), text, shown: shown.clone() });
        }
        if matches!(access, Access::Fence) && ["Acquire", "Release"].contains(&&*word.ident.to_string()) {
            edits.push(Edit { at: shown.clone(), text: "()".into(), shown });
        }
    }
    edits
}

fn last_word(path: &ExprPath) -> String {
    path.path.segments.last().map_or(String::new(), |word| word.ident.to_string())
}

/// What the ordering in that argument of the operation is for.
fn access(operation: &str, argument: usize) -> Option<Access> {
    match (operation, argument) {
        ("load", 0) => Some(Access::Load),
        ("store", 1) => Some(Access::Store),
        ("fence", 0) => Some(Access::Fence),
        ("compare_exchange" | "compare_exchange_weak", 2) | ("fetch_update", 0) | ("swap", 1) => {
            Some(Access::Both)
        }
        // When it fails it only loads.
        ("compare_exchange" | "compare_exchange_weak", 3) | ("fetch_update", 1) => Some(Access::Load),
        (operation, _) if operation.starts_with("fetch_") => Some(Access::Both),
        _ => None,
    }
}

fn steps(access: Access, ordering: &str) -> &'static [&'static str] {
    match (access, ordering) {
        (Access::Load, "SeqCst") => &["Acquire"],
        (Access::Store, "SeqCst") => &["Release"],
        (Access::Both | Access::Fence, "SeqCst") => &["AcqRel"],
        (Access::Both | Access::Fence, "AcqRel") => &["Acquire", "Release"],
        (Access::Load | Access::Both, "Acquire") | (Access::Store | Access::Both, "Release") => &["Relaxed"],
        _ => &[],
    }
}
