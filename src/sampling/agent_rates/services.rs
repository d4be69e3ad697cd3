//! The services that have a rate of their own. There are two tables. Calling threads read the current one. When a service
//! has no rate any more, the worker fills the other table without it, and makes that the current one. So places are free
//! again, and readers take no lock.

use super::Held;
use std::collections::BTreeMap;
use std::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering::*};
use std::sync::OnceLock;

/// How many services can have a rate. Further ones get the rate of all others.
pub const SERVICES_MAX: usize = 1024;
/// How often a reader tries while the worker exchanges the tables. It does so at most once for each answer of the Agent.
const TRIES: u32 = 4;

/// The services of one Agent.
#[derive(Debug, Default)]
pub struct Services {
    /// Made when they are first needed, and never freed. Open addressing.
    tables: [OnceLock<Box<[Service]>>; 2],
    /// How often the tables were exchanged. If that is even, the first one is current.
    exchanged: AtomicU32,
}

#[derive(Debug)]
struct Service {
    /// The hash of service and environment; 0 if unused.
    key: AtomicU64,
    held: Held,
}

impl Services {
    fn table(&self, exchanged: u32) -> &OnceLock<Box<[Service]>> {
        &self.tables[exchanged as usize % 2]
    }

    fn current(&self) -> &[Service] {
        self.table(self.exchanged.load(Acquire)).get().map_or(&[], |table| table)
    }

    /// Returns the rate of a service; `None` if it has none of its own.
    pub fn rate_of(&self, key: u64) -> Option<f64> {
        for _ in 0..TRIES {
            let exchanged = self.exchanged.load(Acquire);
            let own = find(self.table(exchanged).get()?, key)?;
            let rate = if own.key.load(Relaxed) == key { own.held.get() } else { None };
            // The worker changes places only of a table that is not current.
            fence(Acquire);
            if self.exchanged.load(Relaxed) == exchanged {
                return rate;
            }
        }
        None
    }

    /// Visits the rates of all services.
    pub fn each(&self, visit: impl FnMut(&Held)) {
        self.current().iter().filter(|service| service.is_used()).map(|service| &service.held).for_each(visit);
    }

    /// Sets what the Agent asks for, by keys, which are not 0. Services that are not among them lose
    /// theirs, and their place. For the worker.
    pub fn want(&self, wanted: &BTreeMap<u64, f64>) {
        let is_wanted = |service: &Service| wanted.contains_key(&service.key.load(Relaxed));
        if self.current().iter().any(|service| service.is_used() && !is_wanted(service)) {
            self.exchange(is_wanted);
        }
        if wanted.is_empty() {
            return;
        }
        let services = self.table(self.exchanged.load(Relaxed)).get_or_init(empty);
        let mut used = services.iter().filter(|service| service.is_used()).count();
        for (&key, &rate) in wanted {
            let Some(place) = find(services, key) else { continue };
            if !place.is_used() {
                // Half of the places stay free, so that a search ends soon.
                if used >= SERVICES_MAX {
                    continue;
                }
                used += 1;
                place.key.store(key, Relaxed);
            }
            place.held.want(Some(rate));
        }
    }

    /// Makes the other table the current one, with those services that stay.
    fn exchange(&self, stays: impl Fn(&Service) -> bool) {
        let exchanged = self.exchanged.load(Relaxed);
        let next = self.table(exchanged.wrapping_add(1)).get_or_init(empty);
        // A reader that sees what is written from here on sees also that this table was exchanged since it began.
        fence(Release);
        next.iter().for_each(Service::clear);
        for service in self.current().iter().filter(|service| service.is_used() && stays(service)) {
            let key = service.key.load(Relaxed);
            if let Some(place) = find(next, key) {
                place.held.copy(&service.held);
                place.key.store(key, Relaxed);
            }
        }
        self.exchanged.store(exchanged.wrapping_add(1), Release);
    }

    /// Takes over the services of the parent process. For a forked child, before it has threads.
    pub fn inherit(&self, parents: &Services) {
        let copied = |service: &Service| {
            let own = Service { key: AtomicU64::new(service.key.load(Relaxed)), held: Held::default() };
            own.held.copy(&service.held);
            own
        };
        if !parents.current().is_empty() {
            let _ = self.table(self.exchanged.load(Relaxed)).set(parents.current().iter().map(copied).collect());
        }
    }

    /// Forgets all services.
    pub fn clear(&self) {
        self.current().iter().for_each(Service::clear);
    }
}

impl Service {
    fn is_used(&self) -> bool {
        self.key.load(Relaxed) != 0
    }

    fn clear(&self) {
        self.held.clear();
        self.key.store(0, Relaxed);
    }
}

fn empty() -> Box<[Service]> {
    (0..SERVICES_MAX * 2).map(|_| Service { key: AtomicU64::new(0), held: Held::default() }).collect()
}

/// Returns the place of a key, or the free one where it would be.
fn find(services: &[Service], key: u64) -> Option<&Service> {
    let start = key as usize % services.len().max(1);
    let (behind, before) = services.split_at_checked(start).map(|(before, behind)| (behind, before))?;
    behind.iter().chain(before).find(|service| [0, key].contains(&service.key.load(Relaxed)))
}
