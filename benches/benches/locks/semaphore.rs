//! Semaphores with one permit, taken and given back.

use synchronization::Semaphore;

use crate::{InOneLine, Plan, Turn, threads_of};

pub(crate) fn compare(threads: usize, plan: Plan) {
    let theirs = InOneLine(async_lock::Semaphore::new(1));
    let ours = InOneLine(Semaphore::new(1));
    let take_theirs = || drop(theirs.0.acquire_blocking());
    let take_ours = || drop(ours.0.acquire());
    let mut kinds: Vec<(&str, Turn)> =
        vec![("async_lock::Semaphore", &take_theirs), ("Semaphore", &take_ours)];
    #[cfg(target_os = "linux")]
    let small = InOneLine(synchronization::futex::Semaphore::new(1));
    #[cfg(target_os = "linux")]
    let take_small = || drop(small.0.acquire());
    #[cfg(target_os = "linux")]
    kinds.push(("futex::Semaphore", &take_small));
    crate::compare(&format!("semaphores, {}", threads_of(threads)), plan, &kinds, threads, 1);
}
