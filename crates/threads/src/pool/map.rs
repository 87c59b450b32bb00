//! The same function on many inputs: results in order, and only so many tasks ahead.

use std::{collections::VecDeque, sync::Arc};

use super::{Future, PoolError, ThreadPool};

impl ThreadPool {
    /// `work` done on each of `items`; the results come in the order of the items (`Executor.map`).
    ///
    /// At most `buffersize` tasks (at least 1) are submitted ahead of the result that is asked for, so `items`
    /// may be endless: it is read only as fast as results are taken. Without that bound the whole input lies in
    /// the queue at once, which is what `Executor.map` did until Python 3.14 gave it this parameter.
    ///
    /// Dropping the iterator cancels what has not started.
    pub fn map<I, T, F>(&self, buffersize: usize, items: I, work: F) -> Map<'_, I::IntoIter, F, T>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        let mut map = Map {
            pool: self,
            items: Some(items.into_iter()),
            work: Arc::new(work),
            ahead: VecDeque::new(),
            buffersize: buffersize.max(1),
        };
        map.fill();
        map
    }
}

/// See [`ThreadPool::map`].
pub struct Map<'pool, I, F, T> {
    pool: &'pool ThreadPool,
    /// `None` once it has ended, or the pool has refused one.
    items: Option<I>,
    work: Arc<F>,
    /// Submitted and not yet asked for; last, perhaps, why there will be no more.
    ahead: VecDeque<Result<Future<T>, PoolError>>,
    buffersize: usize,
}

impl<I, F, T> Map<'_, I, F, T>
where
    I: Iterator,
    I::Item: Send + 'static,
    T: Send + 'static,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
{
    fn fill(&mut self) {
        while self.ahead.len() < self.buffersize
            && let Some(items) = &mut self.items
        {
            let Some(item) = items.next() else {
                self.items = None;
                return;
            };
            let work = Arc::clone(&self.work);
            let submitted = self.pool.submit(move || work(item));
            if submitted.is_err() {
                self.items = None;
            }
            self.ahead.push_back(submitted);
        }
    }
}

impl<I, F, T> Iterator for Map<'_, I, F, T>
where
    I: Iterator,
    I::Item: Send + 'static,
    T: Send + 'static,
    F: Fn(I::Item) -> T + Send + Sync + 'static,
{
    type Item = Result<T, PoolError>;

    /// The next result. An `Err` is that task's; the ones behind it still come, unless the pool itself is shut
    /// down or broken: then that is the last.
    fn next(&mut self) -> Option<Self::Item> {
        let result = self.ahead.pop_front()?.and_then(Future::result);
        self.fill();
        Some(result)
    }
}

impl<I, F, T> Drop for Map<'_, I, F, T> {
    fn drop(&mut self) {
        for future in self.ahead.iter().flatten() {
            future.cancel();
        }
    }
}
