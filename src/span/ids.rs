//! Random ids. Each thread has its own generator, seeded by the system, and again in a forked child. The thread's shard
//! of the tables is stored beside it, because every span start reads both.

use crate::sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The state of the calling thread. No process has epoch 0, so that a new thread seeds its generator.
struct Local {
    epoch: Cell<u32>,
    shard: Cell<u32>,
    state: Cell<u64>,
}

thread_local! {
    // Constant and without a destructor, because a thread of the host may end after the library has shut down.
    static LOCAL: Local = const { Local { epoch: Cell::new(0), shard: Cell::new(0), state: Cell::new(0) } };
}

static THREADS: AtomicU32 = AtomicU32::new(0);

/// What each id adds to the state: a Weyl sequence.
const STEP: u64 = 0xa076_1d64_78bd_642f;

/// What a new span draws from the calling thread: its shard, and the ids of the span and of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    shard: u32,
    state: u64,
}

impl Drawn {
    /// Draws in this epoch of the process. One look-up of the thread's memory, and little to do there: the ids are made
    /// where they are needed.
    #[inline(always)]
    pub fn new(epoch: u32) -> Drawn {
        let (seeded, shard, state) = LOCAL.with(|local| {
            let state = local.state.get().wrapping_add(STEP.wrapping_mul(2));
            local.state.set(state);
            (local.epoch.get(), local.shard.get(), state)
        });
        if seeded == epoch {
            Drawn { shard, state }
        } else {
            Drawn::seeded(epoch)
        }
    }

    #[cold]
    #[inline(never)]
    fn seeded(epoch: u32) -> Drawn {
        let mut seed = [0u8; 8];
        sys::keep_errno(|| sys::random_bytes(&mut seed));
        let (shard, state) = (THREADS.fetch_add(1, Relaxed), u64::from_ne_bytes(seed));
        LOCAL.with(|local| {
            local.epoch.set(epoch);
            local.shard.set(shard);
            local.state.set(state);
        });
        Drawn { shard, state }
    }

    /// Returns the shard of the calling thread.
    #[inline]
    pub fn shard_of_thread(epoch: u32) -> u32 {
        Drawn::new(epoch).shard()
    }

    /// Returns the shard of the tables from which this thread allocates; any number.
    #[inline(always)]
    pub fn shard(&self) -> u32 {
        self.shard
    }

    /// Returns 64 random bits, never 0: the low half of a trace id.
    #[inline(always)]
    pub fn trace_id_low(&self) -> u64 {
        mixed(self.state.wrapping_sub(STEP)).max(1)
    }

    /// Returns 63 random bits, never 0: a span id that fits a signed number.
    #[inline(always)]
    pub fn span_id(&self) -> u64 {
        (mixed(self.state) >> 1).max(1)
    }
}

/// One folded multiplication, after "wyrand": with the Weyl sequence it passes the usual statistical batteries.
#[inline(always)]
fn mixed(state: u64) -> u64 {
    let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
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
        let draw = || (0..50_000).map(|_| Drawn::new(1)).flat_map(|drawn| [drawn.span_id(), drawn.trace_id_low()]);
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(move || draw().collect::<Vec<_>>())).collect();
        let ids: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert!(ids.iter().step_by(2).all(|&id| id > 0 && id < 1 << 63));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 400_000);
    }

    #[test]
    fn a_new_epoch_seeds_anew() {
        let first = Drawn::new(1).span_id();
        let [child, inherited] = [2, 1].map(|epoch| Drawn::new(epoch).span_id());
        assert_ne!(child, inherited);
        assert_ne!(first, 0);
    }
}
