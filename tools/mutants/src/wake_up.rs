//! One wake-up is dropped: the call is replaced by `()`; of a guard that wakes when it is dropped, the drop is forgotten.
//!
//! Where the call's value is used the result does not compile, which whoever runs it sees and counts apart.

use syn::Expr;

use crate::mutant::{Edit, bytes};

/// `expression` without its wake-up, if it is one.
pub(crate) fn dropped(expression: &Expr, source: &str) -> Option<Edit> {
    let name = match expression {
        Expr::MethodCall(call) => call.method.to_string(),
        Expr::Call(call) => match &*call.func {
            Expr::Path(function) => function.path.segments.last()?.ident.to_string(),
            _ => return None,
        },
        _ => return None,
    };
    let at = bytes(expression);
    let text = if wakes(&name) {
        "()".into()
    } else if ["Wake", "Notify"].iter().any(|guard| name.starts_with(guard)) {
        format!("::std::mem::forget({})", &source[at.clone()])
    } else {
        return None;
    };
    Some(Edit { shown: at.clone(), at, text })
}

/// Names of the functions that wake: std's, and those we gave to ours (`wake_one`, `signal` ...).
fn wakes(function: &str) -> bool {
    ["wake", "notify_", "unpark", "signal"].iter().any(|verb| function.starts_with(verb))
}
