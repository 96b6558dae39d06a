//! Work on many items with few threads, results in the order of the items.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Calls `work` for each item on `threads` threads; each takes the next item when it is free.
///
/// Plain threads and not a work-stealing pool: a thread that waits for the parts of one large
/// file must not begin another file meanwhile, or the windows of all files pile up in memory.
pub fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work` for each item on `threads` threads and hands the results, in the order of the
/// items, to `take` on this thread. No more than `ahead` results wait for it at a time, so memory
/// does not grow with the items. Ends early where `take` says so.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    (threads, ahead): (usize, usize),
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) {
    if threads <= 1 || items.len() <= 1 {
        for item in items {
            if take(work(item)).is_break() {
                return;
            }
        }
        return;
    }
    let line = Line { state: Mutex::default(), moved: Condvar::new(), ahead: ahead.max(1) };
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                let _leaving = Leaving(&line);
                while let Some((at, item)) = line.next(items) {
                    line.put(at, work(item));
                }
            });
        }
        // Workers that wait for room must not wait for a thread that is gone.
        let _leaving = Leaving(&line);
        while let Some(result) = line.get(items.len()) {
            if take(result).is_break() {
                line.lock().is_broken = true;
                return;
            }
        }
    });
}

/// Items on their way from the workers to the one who takes them.
struct Line<R> {
    state: Mutex<LineState<R>>,
    moved: Condvar,
    ahead: usize,
}

struct LineState<R> {
    begun: usize,
    taken: usize,
    done: BTreeMap<usize, R>,
    /// Someone has left before the end.
    is_broken: bool,
}

impl<R> Default for LineState<R> {
    fn default() -> Self {
        Self { begun: 0, taken: 0, done: BTreeMap::new(), is_broken: false }
    }
}

impl<R> Line<R> {
    fn lock(&self) -> MutexGuard<'_, LineState<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, LineState<R>>) -> MutexGuard<'a, LineState<R>> {
        self.moved.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item to work on, as soon as there is room for its result.
    fn next<'t, T>(&self, items: &'t [T]) -> Option<(usize, &'t T)> {
        let mut state = self.lock();
        while !state.is_broken && state.begun < items.len() {
            if state.begun < state.taken + self.ahead {
                let at = state.begun;
                state.begun += 1;
                return items.get(at).map(|item| (at, item));
            }
            state = self.wait(state);
        }
        None
    }

    fn put(&self, at: usize, result: R) {
        self.lock().done.insert(at, result);
        self.moved.notify_all();
    }

    /// The next result; none after the last one, or if a worker has gone.
    fn get(&self, items: usize) -> Option<R> {
        let mut state = self.lock();
        while state.taken < items {
            let at = state.taken;
            if let Some(result) = state.done.remove(&at) {
                state.taken += 1;
                self.moved.notify_all();
                return Some(result);
            }
            if state.is_broken {
                return None;
            }
            state = self.wait(state);
        }
        None
    }
}

/// Wakes the others when a thread leaves, be it by a panic; a worker that leaves since nothing is
/// left to do breaks nothing.
struct Leaving<'a, R>(&'a Line<R>);

impl<R> Drop for Leaving<'_, R> {
    fn drop(&mut self) {
        self.0.lock().is_broken |= thread::panicking();
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        let mut found = Vec::new();
        in_order(
            &items,
            (4, 3),
            |&item| {
                if item % 7 == 0 {
                    thread::yield_now();
                }
                item * 2
            },
            |result| {
                found.push(result);
                ControlFlow::Continue(())
            },
        );
        assert_eq!(found, items.iter().map(|item| item * 2).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_takes_may_stop() {
        let items: Vec<usize> = (0..1_000).collect();
        let mut taken = 0;
        in_order(
            &items,
            (3, 2),
            |&item| item,
            |_| {
                taken += 1;
                if taken == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(taken, 10);
    }

    #[test]
    fn a_panic_of_a_worker_reaches_the_caller() {
        let items: Vec<usize> = (0..100).collect();
        let outcome = std::panic::catch_unwind(|| {
            let work = |&item: &usize| assert!(item != 50, "fifty");
            in_order(&items, (2, 2), work, |()| ControlFlow::Continue(()));
        });
        assert!(outcome.is_err());
    }
}
