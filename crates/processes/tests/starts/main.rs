//! Whatever way a process is started, it ends as it should, its end is known, and nothing of it is left.

mod ends;
mod forkserver;
mod readings;
mod scenes;
mod ways;

use libtest_mimic::Trial;
use testkit::trials::{self, guarded};

use scenes::{play, played};

fn main() {
    // A scene is another program: this one, playing a part.
    if let Some(part) = trials::part() {
        return play(&part);
    }
    let trials = vec![
        trial("each_way_gives_the_exit_code_and_the_signal", ways::ends),
        trial("each_way_says_that_a_program_is_not_there", ways::missing),
        trial("each_way_passes_arguments_and_environment", ways::passed),
        trial("each_way_leaves_signals_as_they_were", ways::masks),
        trial("a_dropped_child_is_killed_and_waited_for", ways::dropped),
        trial("fork_is_refused_to_a_process_with_threads", ways::refused),
        trial("a_forked_child_that_panics_has_code_101", ways::panicked),
        // Those that fork play in a child, so that one that hangs is ended by the deadline.
        trial("a_forkserver_serves_many_at_once", || played("many")),
        trial("a_child_of_the_forkserver_has_a_line_of_its_own_and_no_other", || played("bare")),
        trial("a_forkserver_outlives_an_unknown_job", || played("unknown")),
        trial("a_child_of_the_forkserver_that_is_killed_is_reported", || played("killed")),
        trial("a_dropped_forkserver_takes_its_children_along", || played("dropped-server")),
        trial("a_killed_forkserver_is_an_error", || played("killed-server")),
        trial("a_killed_caller_takes_its_forkserver_along", forkserver::killed_caller),
        trial("an_end_is_seen_when_it_comes", ends::seen),
        trial("a_group_ends_with_a_leader_that_has_ended_already", ends::leaderless),
        trial("a_child_dies_with_its_parent", ends::dies_along),
        trial("a_parent_that_is_another_is_noticed", ends::another_parent),
        trial("memory_and_state_are_read", readings::read_proc),
        trial("written_pages_are_counted", readings::counted),
        trial("a_quota_leaves_no_group", readings::no_group_left),
    ];
    // On this thread, too: some need to be alone in the process.
    trials::one_at_a_time(trials);
}

fn trial(name: &str, test: fn()) -> Trial {
    guarded("processes-test", name, test)
}
