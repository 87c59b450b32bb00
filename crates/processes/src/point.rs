//! The points of a worker's loop, which tests name to end it there.

/// Where a worker is in its loop: named, so that a test can end it exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Ready for the next order.
    BeforeRead,
    /// Has read an order, and done nothing for it.
    AfterRead,
    /// About to do a piece of the order.
    MidWork,
    /// Has done the order; nothing of the reply is written.
    BeforeWrite,
    /// Half of the reply is written.
    MidWrite,
    /// The reply is written.
    AfterWrite,
}

impl Point {
    /// All of them, in the order of the loop.
    pub const ALL: [Point; 6] = [
        Point::BeforeRead,
        Point::AfterRead,
        Point::MidWork,
        Point::BeforeWrite,
        Point::MidWrite,
        Point::AfterWrite,
    ];

    /// In words: `mid work`.
    pub fn name(self) -> &'static str {
        match self {
            Point::BeforeRead => "before read",
            Point::AfterRead => "after read",
            Point::MidWork => "mid work",
            Point::BeforeWrite => "before write",
            Point::MidWrite => "mid write",
            Point::AfterWrite => "after write",
        }
    }
}
