//! Why a robust lock does not simply say yes.

use std::{fmt, io};

/// Why there is no guard, or only one with a warning.
#[derive(thiserror::Error)]
pub enum LockError<G> {
    /// The lock is held now, by the caller, and what it guards may be half written: repair it and say `make_consistent`.
    #[error("whoever held the lock died: what it guards may be half written")]
    OwnerDied(G),
    /// Somebody got the warning, and dropped the guard without a repair.
    #[error("whoever held the lock died, and what it guards was not repaired")]
    NotRecoverable,
    /// This thread holds it already, and would wait for itself.
    #[error("this thread holds the lock already")]
    Deadlock,
    /// Another one holds it, and lives.
    #[error("the lock was not free within the limit")]
    TimedOut,
    /// A lock whose holder nobody could find out about must not be taken.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// Without the guard: to print what it guards is the caller's choice.
impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::OwnerDied(_) => "OwnerDied",
            Self::NotRecoverable => "NotRecoverable",
            Self::Deadlock => "Deadlock",
            Self::TimedOut => "TimedOut",
            Self::System(error) => return out.debug_tuple("System").field(error).finish(),
        })
    }
}
