//! The sampling rates that an Agent answers, by service and environment. The worker writes them, calling threads read
//! them; every rate is an atomic of its own, so that neither waits for the other.

mod services;

use services::Services;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The key of the rate for services that have none.
const OTHERS: &str = "service:,env:";
/// A rate rises at most twofold in this time.
const RAMP_NS: u64 = 1_000_000_000;
/// In a word: there is no rate. The bits of a NaN.
const NONE: u64 = 0x7ff8_0000_0000_0001;
/// In `uniform`: services differ.
const DIFFER: u64 = 0x7ff8_0000_0000_0002;
const ONE: u64 = 1f64.to_bits();

/// Holds the rates of one Agent.
#[derive(Debug)]
pub struct AgentRates {
    /// The hash of the Agent's address; 0 for no Agent.
    agent: AtomicU64,
    /// The rate of all services: [`NONE`], [`DIFFER`], or a rate.
    uniform: AtomicU64,
    others: Held,
    services: Services,
    /// When rates last rose by the limit.
    rose_ns: AtomicU64,
}

/// A rate.
#[derive(Debug)]
pub(super) struct Held {
    /// The one in force.
    rate: AtomicU64,
    /// What the Agent asked for.
    wanted: AtomicU64,
}

impl Default for Held {
    fn default() -> Held {
        Held { rate: AtomicU64::new(NONE), wanted: AtomicU64::new(NONE) }
    }
}

impl Default for AgentRates {
    fn default() -> AgentRates {
        AgentRates {
            agent: AtomicU64::new(0),
            uniform: AtomicU64::new(NONE),
            others: Held::default(),
            services: Services::default(),
            rose_ns: AtomicU64::new(0),
        }
    }
}

impl Held {
    fn get(&self) -> Option<f64> {
        Some(f64::from_bits(self.rate.load(Relaxed))).filter(|rate| !rate.is_nan())
    }

    fn want(&self, rate: Option<f64>) {
        self.wanted.store(rate.map_or(NONE, f64::to_bits), Relaxed);
    }

    fn copy(&self, from: &Held) {
        self.rate.store(from.rate.load(Relaxed), Relaxed);
        self.wanted.store(from.wanted.load(Relaxed), Relaxed);
    }

    fn clear(&self) {
        self.want(None);
        self.rate.store(NONE, Relaxed);
    }

    /// Moves the rate to what the Agent asked for; up only twofold, and only if it `may_rise`. Returns whether the limit
    /// held it back.
    fn step(&self, may_rise: bool) -> bool {
        let wanted = self.wanted.load(Relaxed);
        let (now, next) = (self.get().unwrap_or(0.0), f64::from_bits(wanted));
        if next.is_nan() || now == 0.0 || next <= now * 2.0 {
            self.rate.store(wanted, Relaxed);
            return false;
        }
        if may_rise {
            self.rate.store((now * 2.0).to_bits(), Relaxed);
        }
        true
    }
}

/// All services have the same rate, as calling threads ask first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Uniform {
    /// The Agent has not said any.
    None,
    /// 1.
    One,
    /// Services differ, or the rate is below 1.
    Other,
}

impl AgentRates {
    /// Returns what holds for all services.
    #[inline]
    pub fn uniform(&self) -> Uniform {
        match self.uniform.load(Relaxed) {
            NONE => Uniform::None,
            ONE => Uniform::One,
            _ => Uniform::Other,
        }
    }

    /// Returns the rate for a service: its own, or that of all others. `None` if the Agent has said none.
    pub fn rate_of(&self, service: &[u8], env: &[u8]) -> Option<f64> {
        if self.uniform.load(Relaxed) == NONE {
            return None;
        }
        self.services.rate_of(key_of(service, env)).or_else(|| self.others.get())
    }

    /// Takes the rates of an answer, by `service:<name>,env:<name>`; `None` if the answer has none, because they have
    /// not changed. For the worker.
    pub fn take(&self, rates: Option<&BTreeMap<String, f64>>, now_ns: u64) {
        if let Some(rates) = rates {
            self.want(rates);
        }
        let may_rise = now_ns.saturating_sub(self.rose_ns.load(Relaxed)) >= RAMP_NS;
        let mut held_back = self.others.step(may_rise);
        let mut uniform = self.others.rate.load(Relaxed);
        self.services.each(|held| {
            held_back |= held.step(may_rise);
            let own = held.rate.load(Relaxed);
            uniform = if own == uniform { uniform } else { DIFFER };
        });
        if held_back && may_rise {
            self.rose_ns.store(now_ns, Relaxed);
        }
        self.uniform.store(uniform, Relaxed);
    }

    fn want(&self, rates: &BTreeMap<String, f64>) {
        self.others.want(rates.get(OTHERS).copied());
        let own = rates.iter().filter(|(name, _)| *name != OTHERS);
        self.services.want(&own.map(|(name, &rate)| (hash(name.as_bytes(), SEED), rate)).collect());
    }

    /// Takes over the rates in force of the parent process. For a forked child, before it has threads.
    pub fn inherit(&self, parents: &AgentRates) {
        self.others.copy(&parents.others);
        self.services.inherit(&parents.services);
        self.rose_ns.store(parents.rose_ns.load(Relaxed), Relaxed);
        self.uniform.store(parents.uniform.load(Relaxed), Relaxed);
    }

    /// Whether both are the rates of the same Agent.
    pub fn is_of_same(&self, other: &AgentRates) -> bool {
        let agent = self.agent.load(Relaxed);
        agent != 0 && agent == other.agent.load(Relaxed)
    }

    /// Forgets all rates, and takes those of the Agent at this address from now on.
    pub fn begin(&self, address: &str) {
        self.agent.store(hash(address.as_bytes(), SEED), Relaxed);
        self.uniform.store(NONE, Relaxed);
        self.others.clear();
        self.services.clear();
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of the text in lower case: the Agent writes services in lower case. Never 0.
fn hash(text: &[u8], seed: u64) -> u64 {
    let hash = text
        .iter()
        .fold(seed, |hash, byte| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3));
    hash.max(1)
}

fn key_of(service: &[u8], env: &[u8]) -> u64 {
    [&b"service:"[..], service, b",env:", env].iter().fold(SEED, |seed, part| hash(part, seed))
}

#[cfg(test)]
mod tests {
    use super::services::SERVICES_MAX;
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rates(given: &[(&str, f64)]) -> BTreeMap<String, f64> {
        given.iter().map(|&(name, rate)| (name.to_string(), rate)).collect()
    }

    #[test]
    fn a_service_has_its_own_rate_or_that_of_all_others() {
        let agent = AgentRates::default();
        assert_eq!((agent.uniform(), agent.rate_of(b"shop", b"prod")), (Uniform::None, None));
        agent.take(Some(&rates(&[("service:,env:", 1.0)])), SECOND);
        assert_eq!((agent.uniform(), agent.rate_of(b"shop", b"prod")), (Uniform::One, Some(1.0)));
        agent.take(Some(&rates(&[("service:,env:", 0.5), ("service:shop,env:prod", 0.25)])), SECOND);
        assert_eq!(agent.uniform(), Uniform::Other);
        let of = |service: &str, env: &str| agent.rate_of(service.as_bytes(), env.as_bytes());
        assert_eq!([of("shop", "prod"), of("Shop", "prod"), of("shop", "")], [Some(0.25), Some(0.25), Some(0.5)]);
        // A service that the Agent does not name any more has none of its own.
        agent.take(Some(&rates(&[("service:,env:", 1.0)])), 9 * SECOND);
        assert_eq!((agent.uniform(), of("shop", "prod")), (Uniform::One, Some(1.0)));
    }

    #[test]
    fn a_rate_falls_at_once_and_at_most_doubles_in_a_second() {
        let agent = AgentRates::default();
        let mut now = 100 * SECOND;
        let mut asked = |rate: Option<f64>, after: u64| {
            now += after;
            agent.take(rate.map(|rate| rates(&[("service:,env:", rate)])).as_ref(), now);
            agent.rate_of(b"shop", b"")
        };
        assert_eq!(asked(Some(1.0), 0), Some(1.0));
        assert_eq!(asked(Some(0.1), 1), Some(0.1));
        assert_eq!(asked(Some(1.0), 1), Some(0.2));
        assert_eq!(asked(Some(1.0), SECOND / 2), Some(0.2), "not twice in a second");
        // Answers without rates, because those have not changed, carry on.
        assert_eq!([SECOND / 2, SECOND, SECOND].map(|after| asked(None, after)), [0.4, 0.8, 1.0].map(Some));
        assert_eq!(asked(Some(0.0), 1), Some(0.0));
        assert_eq!(asked(Some(0.9), 1), Some(0.9), "from 0 to any rate at once");
    }

    #[test]
    fn more_services_than_there_is_room_for_get_the_rate_of_all_others() {
        let agent = AgentRates::default();
        let mut many = rates(&[("service:,env:", 0.5)]);
        many.extend((0..3 * SERVICES_MAX).map(|n| (format!("service:s{n},env:"), 0.25)));
        agent.take(Some(&many), SECOND);
        let own = (0..3 * SERVICES_MAX).filter(|n| agent.rate_of(format!("s{n}").as_bytes(), b"") == Some(0.25));
        assert_eq!(own.count(), SERVICES_MAX);
        assert_eq!(agent.rate_of(b"unknown", b""), Some(0.5));
    }

    #[test]
    fn services_that_the_agent_does_not_name_any_more_make_room_for_others() {
        let agent = AgentRates::default();
        for round in 0..5 {
            let mut many = rates(&[("service:,env:", 0.5), ("service:stays,env:", 0.125)]);
            many.extend((1..SERVICES_MAX).map(|n| (format!("service:s{round}-{n},env:"), 0.25)));
            agent.take(Some(&many), SECOND);
            let rate_of = |round: i32, n: usize| agent.rate_of(format!("s{round}-{n}").as_bytes(), b"");
            assert!((1..SERVICES_MAX).all(|n| rate_of(round, n) == Some(0.25)), "{round}");
            assert!((1..SERVICES_MAX).all(|n| rate_of(round - 1, n) == Some(0.5)), "{round}");
            assert_eq!(agent.rate_of(b"stays", b""), Some(0.125));
        }
        // A service that stays keeps the rate in force, which rises twofold.
        agent.take(Some(&rates(&[("service:stays,env:", 1.0)])), 9 * SECOND);
        assert_eq!((agent.rate_of(b"stays", b""), agent.rate_of(b"s4-1", b"")), (Some(0.25), None));
        agent.begin("http://localhost:8126");
        assert_eq!(agent.rate_of(b"stays", b""), None);
    }

    #[test]
    fn a_reader_sees_the_rate_of_its_own_service_while_others_come_and_go() {
        let (agent, done) = (AgentRates::default(), AtomicU64::new(0));
        let with = |round: u64| {
            let mut some = rates(&[("service:,env:", 0.5), ("service:stays,env:", 0.125)]);
            some.extend((0..64).map(|n| (format!("service:s{}-{n},env:", round % 3), 0.25)));
            some
        };
        agent.take(Some(&with(0)), SECOND);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..2_000).for_each(|round| agent.take(Some(&with(round)), SECOND));
                done.store(1, Relaxed);
            });
            while done.load(Relaxed) == 0 {
                let rate = agent.rate_of(b"stays", b"");
                assert!([Some(0.125), Some(0.5)].contains(&rate), "{rate:?}");
                let rate = agent.rate_of(b"s1-7", b"");
                assert!([Some(0.25), Some(0.5)].contains(&rate), "{rate:?}");
            }
        });
        assert_eq!(agent.rate_of(b"stays", b""), Some(0.125));
    }

    #[test]
    fn a_forked_child_keeps_the_rates() {
        let (parent, child) = (AgentRates::default(), AgentRates::default());
        parent.take(Some(&rates(&[("service:,env:", 0.5), ("service:a,env:b", 0.1)])), SECOND);
        parent.agent.store(7, Relaxed);
        child.begin("http://localhost:8126");
        assert!(!child.is_of_same(&parent));
        child.inherit(&parent);
        assert_eq!((child.rate_of(b"a", b"b"), child.rate_of(b"x", b"")), (Some(0.1), Some(0.5)));
        child.begin("http://other:8126");
        assert_eq!((child.uniform(), child.rate_of(b"a", b"b")), (Uniform::None, None));
    }
}
