//! What to do about a deadlock.

/// What a detector does when it has found a deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Recovery {
    /// Print the report to stderr and abort the process: whoever restarts it does better than one that hangs.
    Abort = 0,
    /// One of the waiting calls returns `WouldDeadlock`, and nothing is printed. Its caller has to give back what it
    /// holds, as a database's transaction that was chosen as the victim. It is the call that closed the deadlock; if
    /// that is a `join`, whose caller would lose the other's result, then rather the one among the other calls that
    /// has waited longest.
    Break = 1,
    /// Print the report to stderr and let the threads stand.
    Report = 2,
}
