//! The pool: every piece is answered once, rightly, whatever its workers do; and nothing is left behind.

mod acts;
mod answers;
mod children;
mod deaths;
mod endings;
mod hostile;
mod scenes;
mod workers;

use std::time::Duration;

use libtest_mimic::Trial;
use processes::{
    pool::{self, Pool},
    worker,
};
use testkit::trials::{self, guarded};

use acts::{ACT, Act, COUNT, SQUARE, STARTED, STAYS, STUBBORN};
use scenes::play;

fn main() {
    // A shell ignores SIGINT for what it starts in the background, and children inherit that.
    // SAFETY: no handler of ours is set, and there is one thread.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    if let Some(part) = trials::part() {
        return play(&part);
    }
    worker::enter(&[SQUARE.job(), ACT.job(), COUNT.job(), STARTED.job(), STAYS.job(), STUBBORN.job()]);
    let _hang = testkit::watchdog(Duration::from_secs(300));
    let trials = vec![
        trial("answers_come_in_the_order_of_their_inputs", answers::in_order),
        trial("answers_come_as_they_are_done_each_once", answers::unordered),
        trial("a_submitted_piece_is_waited_for_in_three_ways", answers::submitted),
        trial("an_endless_input_is_read_only_so_far_ahead", answers::endless),
        trial("an_input_that_has_ended_is_not_asked_again", answers::ended),
        trial("errors_and_panics_come_back_with_their_stack", answers::told),
        trial("what_cannot_be_encoded_fails_alone", answers::stubborn),
        trial("a_killed_worker_loses_nothing", deaths::killed),
        trial("poison_is_reported_with_its_input", deaths::poison),
        trial("a_hung_or_stopped_worker_is_replaced", deaths::hung),
        trial("long_pieces_within_the_limit_are_left_alone", deaths::within_the_limit),
        trial("each_worker_starts_once_with_the_argument", workers::started_once),
        trial("each_worker_is_initialized_once", workers::initialized_once),
        trial("a_start_that_fails_breaks_the_pool", workers::bad_start),
        trial("workers_are_replaced_after_their_pieces", workers::replaced),
        trial("who_was_let_go_and_does_not_go_is_killed", workers::overdue),
        trial("idle_workers_are_used_again", workers::used_again),
        trial("close_waits_and_the_others_do_not", endings::endings),
        trial("a_dropped_iterator_gives_up_the_rest", answers::given_up),
        trial("a_shared_pool_keeps_callers_apart", answers::shared),
        trial("a_killed_caller_leaves_no_worker", endings::killed_caller),
        trial("ctrl_c_is_one_line_and_exit_code_130", endings::ctrl_c),
        trial("ctrl_c_alone_ends_no_worker", endings::interrupted),
        trial("a_pool_whose_thread_has_panicked_lets_nobody_wait", endings::panicked),
        trial("two_hundred_workers_start_and_stop", workers::many),
        trial("a_limit_of_descriptors_is_a_clear_error", workers::limited),
        trial("closed_standard_streams_do_no_harm", endings::closed_streams),
        trial("a_program_without_the_line_does_not_multiply", workers::no_fork_bomb),
        trial("workers_that_never_get_ready_break_the_pool", workers::never_ready),
        trial("a_hostile_worker_is_replaced_and_its_piece_named", hostile::hostile),
        trial("children_end_as_python_counts", children::children),
    ];
    trials::one_at_a_time(trials);
}

fn trial(name: &str, test: fn()) -> Trial {
    guarded("processes-pool", name, test)
}

pub(crate) fn squares(workers: usize) -> Pool<u64, u64> {
    Pool::of(&SQUARE).workers(workers).start().unwrap()
}

pub(crate) fn acting() -> pool::Settings<Act, u64> {
    Pool::of(&ACT).workers(2)
}
