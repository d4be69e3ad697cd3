//! Random ids. Each thread has its own generator, seeded by the system, and again in a forked child. The thread's shard
//! of the tables is stored beside it, because every span start reads both.

use crate::sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The state of the calling thread. No process has epoch 0, so that a new thread seeds its generator.
#[derive(Clone, Copy)]
struct Local {
    epoch: u32,
    shard: u32,
    state: u64,
}

thread_local! {
    // Constant and without a destructor, because a thread of the host may end after the library has shut down.
    static LOCAL: Cell<Local> = const { Cell::new(Local { epoch: 0, shard: 0, state: 0 }) };
}

static THREADS: AtomicU32 = AtomicU32::new(0);

/// Generator and shard of the calling thread within `epoch`. [`Source::keep`] stores them back.
pub struct Source<'a>(Local, &'a Cell<Local>);

impl Source<'_> {
    /// Calls `draw` with the calling thread's source in this epoch of the process. One look-up of the thread's memory
    /// serves both ends.
    #[inline(always)]
    pub fn with<R>(epoch: u32, draw: impl FnOnce(Source<'_>) -> R) -> R {
        LOCAL.with(|place| {
            let local = place.get();
            let local = if local.epoch == epoch { local } else { Source::seeded(epoch) };
            draw(Source(local, place))
        })
    }

    /// Returns the shard of the calling thread.
    #[inline]
    pub fn shard_of_thread(epoch: u32) -> u32 {
        Source::with(epoch, |source| {
            let shard = source.shard();
            source.keep();
            shard
        })
    }

    #[cold]
    fn seeded(epoch: u32) -> Local {
        let mut seed = [0u8; 8];
        sys::keep_errno(|| sys::random_bytes(&mut seed));
        Local { epoch, shard: THREADS.fetch_add(1, Relaxed), state: u64::from_ne_bytes(seed) }
    }

    /// Returns the shard of the tables from which this thread allocates; any number.
    #[inline]
    pub fn shard(&self) -> u32 {
        self.0.shard
    }

    /// Returns 64 random bits, never 0: the low half of a trace id.
    #[inline]
    pub fn trace_id_low(&mut self) -> u64 {
        self.next().max(1)
    }

    /// Returns 63 random bits, never 0: a span id that fits a signed number.
    #[inline]
    pub fn span_id(&mut self) -> u64 {
        (self.next() >> 1).max(1)
    }

    // A Weyl sequence and one folded multiplication, after "wyrand": passes the usual statistical batteries.
    #[inline]
    fn next(&mut self) -> u64 {
        self.0.state = self.0.state.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(self.0.state) * u128::from(self.0.state ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }

    /// Stores the source for the thread's next span.
    #[inline]
    pub fn keep(self) {
        self.1.set(self.0);
    }
}

/// Returns a random UUID (version 4) in lower case: the runtime id.
pub fn runtime_id() -> String {
    let mut bytes = [0u8; 16];
    sys::random_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_of_all_threads_differ_and_fit_signed_numbers() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    Source::with(1, |mut source| (0..50_000).map(|_| source.span_id()).collect::<Vec<_>>())
                })
            })
            .collect();
        let ids: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert!(ids.iter().all(|&id| id > 0 && id < 1 << 63));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn a_new_epoch_seeds_anew() {
        let first = Source::with(1, |mut parent| {
            let first = parent.span_id();
            parent.keep();
            first
        });
        let [child, inherited] = [2, 1].map(|epoch| Source::with(epoch, |mut source| source.span_id()));
        assert_ne!(child, inherited);
        assert_ne!(first, 0);
    }
}
