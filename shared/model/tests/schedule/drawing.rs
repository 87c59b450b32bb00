//! A schedule as a drawing, as a picture and in words.

use model::schedule::{Atomic, Bounds, explore};

use crate::{found, two_increments};

#[test]
fn it_is_drawn_lane_by_lane() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let [first, second] = [schedule.steps[0].thread, schedule.steps[1].thread];
    assert_ne!(first, second);
    let lane = |thread: usize, text: &str| format!(" {}{text}\n", " ".repeat(thread * 20));
    let expected = [
        " thread A            thread B\n".to_owned(),
        lane(first, "load  count -> 0"),
        lane(second, "load  count -> 0"),
        lane(second, "store count <- 1"),
        lane(first, "store count <- 1"),
        " both joined: count = 1, expected 2          found after 3 of 6 schedules; seed 7 repeats it\n"
            .into(),
    ];
    assert_eq!(schedule.draw(92), expected.concat());
}

#[test]
fn a_narrow_drawing_is_cut_and_not_broken() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let drawn = schedule.draw(30);
    assert!(drawn.lines().take(5).all(|line| line.chars().count() <= 30), "{drawn}");
    assert!(drawn.contains('…'), "{drawn}");
}

#[test]
fn the_explanation_names_the_window_and_what_grows_old_in_it() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let explained = schedule.explain();
    let first = schedule.threads[schedule.steps[0].thread].clone();
    for seen in [
        format!("a window opens: until step 4 {first} holds a count that may grow old"),
        format!("-- {first} is taken off before `store count`"),
        format!("from here on what {first} read in step 1 is old"),
        "in step 3".to_owned(),
        "1 preemption, 2 context switches".to_owned(),
    ] {
        assert!(explained.contains(&seen), "{seen} in\n{explained}");
    }
}

#[test]
fn a_value_that_is_read_again_before_it_is_used_opens_no_window() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| {
        let value = Atomic::new("value", 1);
        program.thread("A", move || {
            value.load();
            value.store(value.load());
            panic!("to have it explained");
        });
    }));
    assert_eq!(schedule.explain().matches("a window opens").count(), 1);
}

#[test]
fn the_picture_has_a_box_for_each_step_and_says_all_in_words() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let svg = schedule.svg("a < b");
    assert_eq!(svg.matches("<rect").count(), schedule.steps.len());
    for seen in ["<title>a &lt; b</title>", "count = 1, expected 2", "seed 7 repeats it", "</svg>"] {
        assert!(svg.contains(seen), "{seen} in\n{svg}");
    }
}
