//! Sinks: callbacks of the host that take records on the log thread. Adds, calls and removes them. Holds no lock while
//! a callback runs. `outputs.rs` writes standard error and files.

use super::callback::Returned;
use super::record::Record;
use crate::level::Level;
use crate::sys;
use std::cell::Cell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Takes a record. Called on the log thread, one call at a time.
pub type SinkFn = Arc<dyn Fn(&Record) + Send + Sync>;
/// Called once, after the last call of the sink.
pub type ReleaseFn = Arc<dyn Fn() + Send + Sync>;

/// How many sinks there can be at a time.
pub const SINKS_MAX: usize = 64;

/// Why a sink could not be added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkError {
    /// There is no sink with this id, or it was removed before.
    NotFound,
    /// There are [`SINKS_MAX`] sinks.
    TooMany,
    /// The callback still runs. It is not called again, and its release function runs after it has returned.
    Timeout,
}

thread_local! {
    /// The epoch and the id of the sink whose callback runs on this thread; 0 and 0 if none does. Plain data without a
    /// destructor, because host threads may outlive the library's state.
    static SERVING: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

/// Whether the calling thread is inside a callback of this epoch.
pub(super) fn inside(epoch_pid: u32) -> bool {
    SERVING.get().0 == epoch_pid
}

pub(super) struct Sink {
    id: u64,
    level: Level,
    callback: SinkFn,
    /// The copy in a forked child calls it too, once, in its own memory.
    release: Option<ReleaseFn>,
    released: AtomicBool,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    removed: bool,
    /// No caller waits for the callback to return: the log thread calls the release function.
    release_after: bool,
}

impl Sink {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, epoch_pid: u32) -> Returned {
        if let Some(release) = self.release.as_ref().filter(|_| !self.released.swap(true, Ordering::AcqRel)) {
            let _ = catch_unwind(AssertUnwindSafe(&**release));
        }
        Returned::to(epoch_pid)
    }

    /// Calls the callback with a record, unless the sink was removed or does not take this level.
    pub fn call(&self, record: &Record, epoch_pid: u32) -> Returned {
        if record.level > self.level {
            return Returned::Here;
        }
        {
            let mut state = self.lock();
            if state.removed {
                return Returned::Here;
            }
            state.running = true;
        }
        SERVING.set((epoch_pid, self.id));
        let _ = catch_unwind(AssertUnwindSafe(|| (self.callback)(record)));
        SERVING.set((0, 0));
        if Returned::to(epoch_pid) == Returned::InForkedChild {
            return Returned::InForkedChild;
        }
        let release = {
            let mut state = self.lock();
            state.running = false;
            state.release_after
        };
        self.returned.notify_all();
        if release {
            return self.release(epoch_pid);
        }
        Returned::Here
    }
}

pub(super) type List = Arc<Vec<Arc<Sink>>>;

/// All sinks. The list is replaced as a whole, never changed.
pub(super) struct Sinks {
    list: Mutex<List>,
    /// Two copies of the list for a forked child, which must not wait for a lock. A change updates them one after the
    /// other, so that one of them is unlocked at any moment.
    kept: [Mutex<List>; 2],
    last_id: AtomicU64,
    loudest: AtomicU8,
}

impl Sinks {
    pub fn new() -> Sinks {
        Sinks::of(List::default(), 0)
    }

    fn of(list: List, last_id: u64) -> Sinks {
        let loudest = AtomicU8::new(loudest(&list));
        let kept = [Mutex::new(list.clone()), Mutex::new(list.clone())];
        Sinks { list: Mutex::new(list), kept, last_id: AtomicU64::new(last_id), loudest }
    }

    /// Returns a forked child's copy: the same sinks, none of them running. Never waits.
    pub fn after_fork(&self) -> Sinks {
        let kept = self.kept.iter().find_map(|kept| match kept.try_lock() {
            Ok(list) => Some(list.clone()),
            Err(std::sync::TryLockError::Poisoned(list)) => Some(list.into_inner().clone()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        });
        let kept = kept.unwrap_or_default();
        let copies = kept.iter().map(|sink| {
            Arc::new(Sink {
                id: sink.id,
                level: sink.level,
                callback: sink.callback.clone(),
                release: sink.release.clone(),
                released: AtomicBool::new(false),
                state: Mutex::default(),
                returned: Condvar::new(),
            })
        });
        Sinks::of(Arc::new(copies.collect()), self.last_id.load(Ordering::SeqCst))
    }

    /// Returns the sinks as they are now.
    pub fn list(&self) -> List {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the most verbose level that a sink takes, as a number; 0 without sinks.
    pub fn loudest(&self) -> u8 {
        self.loudest.load(Ordering::Relaxed)
    }

    pub fn add(&self, level: Level, callback: SinkFn, release: Option<ReleaseFn>) -> Result<u64, SinkError> {
        let id = self.last_id.fetch_add(1, Ordering::SeqCst) + 1;
        let sink = Arc::new(Sink {
            id,
            level,
            callback,
            release,
            released: AtomicBool::new(false),
            state: Mutex::default(),
            returned: Condvar::new(),
        });
        self.replace(|list| {
            if list.len() >= SINKS_MAX {
                return Err(SinkError::TooMany);
            }
            Ok((list.iter().cloned().chain([sink.clone()]).collect(), id))
        })
    }

    /// Removes a sink and waits up to `patience` until its callback does not run. Inside that callback it returns at
    /// once.
    pub fn remove(&self, id: u64, patience: Duration) -> Result<(), SinkError> {
        let sink = self.replace(|list| {
            let sink = list.iter().find(|sink| sink.id == id).cloned().ok_or(SinkError::NotFound)?;
            Ok((list.iter().filter(|sink| sink.id != id).cloned().collect(), sink))
        })?;
        // In a child that was forked inside the callback, the log thread ends when the callback returns, and releases
        // nothing.
        let from_inside = SERVING.get().1 == id;
        let mut state = sink.lock();
        state.removed = true;
        if from_inside {
            state.release_after = true;
            return Ok(());
        }
        let give_up = Instant::now() + patience;
        while state.running {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.release_after = true;
                return Err(SinkError::Timeout);
            }
            state = sink.returned.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        if sink.release(sys::pid()) == Returned::InForkedChild {
            std::mem::forget(sink);
        }
        Ok(())
    }

    fn replace<T>(&self, change: impl FnOnce(&List) -> Result<(Vec<Arc<Sink>>, T), SinkError>) -> Result<T, SinkError> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let (changed, answer) = change(&list)?;
        let changed = Arc::new(changed);
        self.loudest.store(loudest(&changed), Ordering::SeqCst);
        let mut old = Vec::new();
        for kept in &self.kept {
            old.push(std::mem::replace(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner), changed.clone()));
        }
        old.push(std::mem::replace(&mut *list, changed));
        drop(list);
        // Freeing a sink may run code of the host: not under a lock of ours.
        drop(old);
        Ok(answer)
    }
}

fn loudest(list: &List) -> u8 {
    list.iter().map(|sink| sink.level as u8).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::OnceLock;
    use std::thread;

    const LONG: Duration = Duration::from_secs(10);

    fn record() -> Record {
        Record::new(Level::Info)
    }

    fn serve(sinks: &Sinks) {
        for sink in sinks.list().iter() {
            assert_eq!(sink.call(&record(), sys::pid()), Returned::Here);
        }
    }

    fn counting(count: &Arc<AtomicUsize>) -> SinkFn {
        let count = count.clone();
        Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn releasing(count: &Arc<AtomicUsize>) -> Option<ReleaseFn> {
        let count = count.clone();
        Some(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }))
    }

    #[test]
    fn one_callback_added_twice_is_two_sinks() {
        let (sinks, calls, releases) = (Sinks::new(), Arc::default(), Arc::default());
        let first = sinks.add(Level::Info, counting(&calls), releasing(&releases)).expect("added");
        let second = sinks.add(Level::Info, counting(&calls), releasing(&releases)).expect("added");
        serve(&sinks);
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert_eq!(sinks.remove(first, LONG), Ok(()));
        assert_eq!(sinks.remove(first, LONG), Err(SinkError::NotFound));
        serve(&sinks);
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        assert_eq!(sinks.remove(second, LONG), Ok(()));
        assert_eq!(releases.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_sink_gets_only_what_it_wants_and_the_number_is_bounded() {
        let (sinks, calls) = (Sinks::new(), Arc::default());
        for _ in 0..SINKS_MAX {
            sinks.add(Level::Warn, counting(&calls), None).expect("added");
        }
        assert_eq!(sinks.add(Level::Warn, counting(&calls), None), Err(SinkError::TooMany));
        serve(&sinks);
        assert_eq!((calls.load(Ordering::SeqCst), sinks.loudest()), (0, Level::Warn as u8));
    }

    #[test]
    fn a_sink_that_removes_itself_is_released_once_after_it_returned() {
        let sinks = Arc::new(Sinks::new());
        let (id, returned) = (Arc::new(OnceLock::new()), Arc::new(AtomicBool::new(false)));
        let releases = Arc::new(AtomicUsize::new(0));
        let callback: SinkFn = {
            let (sinks, id, releases) = (sinks.clone(), id.clone(), releases.clone());
            Arc::new(move |_| {
                assert_eq!(sinks.remove(*id.get().expect("set"), LONG), Ok(()));
                assert_eq!(releases.load(Ordering::SeqCst), 0);
            })
        };
        let seen = returned.clone();
        let release = releasing(&releases).map(|release| -> ReleaseFn {
            Arc::new(move || {
                seen.store(true, Ordering::SeqCst);
                release();
            })
        });
        id.set(sinks.add(Level::Info, callback, release).expect("added")).expect("once");
        serve(&sinks);
        serve(&sinks);
        assert!(returned.load(Ordering::SeqCst));
        assert_eq!(releases.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn removal_waits_for_a_slow_sink_and_gives_up_in_time() {
        let sinks = Arc::new(Sinks::new());
        let (entered, leave) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let releases = Arc::new(AtomicUsize::new(0));
        let callback: SinkFn = {
            let (entered, leave) = (entered.clone(), leave.clone());
            Arc::new(move |_| {
                entered.store(true, Ordering::SeqCst);
                while !leave.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            })
        };
        let id = sinks.add(Level::Info, callback, releasing(&releases)).expect("added");
        let server = thread::spawn({
            let sinks = sinks.clone();
            move || serve(&sinks)
        });
        while !entered.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        assert_eq!(sinks.remove(id, Duration::from_millis(20)), Err(SinkError::Timeout));
        assert_eq!(releases.load(Ordering::SeqCst), 0);
        leave.store(true, Ordering::SeqCst);
        server.join().expect("served");
        assert_eq!(releases.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn none_is_called_after_its_removal_returned_under_load() {
        let sinks = Arc::new(Sinks::new());
        let stop = Arc::new(AtomicBool::new(false));
        let server = thread::spawn({
            let (sinks, stop) = (sinks.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::SeqCst) {
                    serve(&sinks);
                }
            }
        });
        let late = Arc::new(AtomicUsize::new(0));
        let releases = Arc::new(AtomicUsize::new(0));
        for _ in 0..2_000 {
            let gone = Arc::new(AtomicBool::new(false));
            let callback: SinkFn = {
                let (gone, late) = (gone.clone(), late.clone());
                Arc::new(move |_| {
                    late.fetch_add(usize::from(gone.load(Ordering::SeqCst)), Ordering::SeqCst);
                })
            };
            let id = sinks.add(Level::Info, callback, releasing(&releases)).expect("added");
            sinks.remove(id, LONG).expect("removed");
            gone.store(true, Ordering::SeqCst);
        }
        stop.store(true, Ordering::SeqCst);
        server.join().expect("served");
        assert_eq!((late.load(Ordering::SeqCst), releases.load(Ordering::SeqCst)), (0, 2_000));
    }

    #[test]
    fn a_forked_child_keeps_sinks_even_while_the_parent_changes_them() {
        let (sinks, calls) = (Sinks::new(), Arc::default());
        sinks.add(Level::Info, counting(&calls), None).expect("added");
        let _changing = (sinks.list.lock().expect("free"), sinks.kept[0].lock().expect("free"));
        let child = sinks.after_fork();
        serve(&child);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}
