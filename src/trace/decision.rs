//! The sampling decision of a trace: the priority, the mechanism that decided, and the rates that were applied.

use crate::inspect::{signed, unsigned, Field};

/// How a trace was decided. Small and `Copy`, because a trace, its chunks and the contexts of its spans each have one.
/// In memory an absent priority, mechanism or rate is a number that none can have, so that debuggers can read it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Decision {
    /// The sampling priority, or [`ABSENT`].
    priority: i32,
    /// The mechanism's number as `_dd.p.dm` writes it, or [`ABSENT`].
    mechanism: i32,
    rates: Rates,
    /// What decided, beside the mechanism: a number of `crate::recorder::fates::cause::rule`.
    rule: u16,
}

/// In memory: no priority, or no mechanism.
const ABSENT: i32 = i32::MIN;

/// What decided about a trace: the number of `_dd.p.dm`, which is 0 or negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanism(i32);

impl Mechanism {
    /// No rule and no rate applied.
    pub const DEFAULT: Mechanism = Mechanism(0);
    /// A rate from the Agent.
    pub const AGENT_RATE: Mechanism = Mechanism(-1);
    /// A sampling rule, or a rate in the settings.
    pub const RULE: Mechanism = Mechanism(-3);
    /// The host, by hand.
    pub const MANUAL: Mechanism = Mechanism(-4);
    /// A sampling rule of remote configuration that a user has made.
    pub const REMOTE_RULE: Mechanism = Mechanism(-11);
    /// A sampling rule of remote configuration that adaptive sampling has made.
    pub const REMOTE_ADAPTIVE_RULE: Mechanism = Mechanism(-12);

    /// Returns the mechanism with this number; `None` for `ABSENT`.
    pub fn of(number: i32) -> Option<Mechanism> {
        (number != ABSENT).then_some(Mechanism(number))
    }

    /// Returns the number, as in `_dd.p.dm`.
    pub fn number(self) -> i32 {
        self.0
    }
}

/// The rates that took part in a decision, each between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Rates {
    sampling: Rate,
    limit: Rate,
}

/// A rate, or none. In memory, no rate is a NaN.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
struct Rate(f64);

impl PartialEq for Rate {
    fn eq(&self, other: &Rate) -> bool {
        self.get() == other.get()
    }
}

impl Rate {
    const NONE: Rate = Rate(f64::NAN);

    fn of(rate: Option<f64>) -> Rate {
        // First a number in any case, so that the comparison reads no memory that was not written.
        let rate = rate.unwrap_or(f64::NAN);
        if (0.0..=1.0).contains(&rate) {
            Rate(rate)
        } else {
            Rate::NONE
        }
    }

    fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

impl Rates {
    /// No rate was applied.
    pub const NONE: Rates = Rates { sampling: Rate::NONE, limit: Rate::NONE };

    /// Makes the rates of a decision: `sampling` is the rate of the rule or of the Agent that decided, `limit` the
    /// share that a rate limit let through. A number that is not between 0 and 1 counts as none.
    pub fn new(sampling: Option<f64>, limit: Option<f64>) -> Rates {
        Rates { sampling: Rate::of(sampling), limit: Rate::of(limit) }
    }
}

impl Default for Decision {
    fn default() -> Decision {
        Decision::NONE
    }
}

impl Decision {
    /// Kept, because no rule and no rate says otherwise.
    pub const DEFAULT: Decision =
        Decision { priority: 1, mechanism: Mechanism::DEFAULT.0, rates: Rates::NONE, rule: 0 };
    /// Kept by the Agent's rate of 1.
    pub const KEPT_BY_AGENT: Decision = Decision {
        priority: 1,
        mechanism: Mechanism::AGENT_RATE.0,
        rates: Rates { sampling: Rate(1.0), limit: Rate::NONE },
        rule: 0,
    };
    /// Not decided, or not known. A trace begins so.
    pub const NONE: Decision = Decision { priority: ABSENT, mechanism: ABSENT, rates: Rates::NONE, rule: 0 };

    /// A decision that was made elsewhere.
    pub fn new(priority: i32, mechanism: Option<Mechanism>) -> Decision {
        Decision { priority, mechanism: mechanism.map_or(ABSENT, Mechanism::number), rates: Rates::NONE, rule: 0 }
    }

    /// A decision of the host.
    pub fn by_hand(priority: i32) -> Decision {
        Decision::new(priority, Some(Mechanism::MANUAL))
    }

    /// The same decision with the rates that led to it.
    pub fn with_rates(self, rates: Rates) -> Decision {
        Decision { rates, ..self }
    }

    /// The same decision with the number of what decided, beside the mechanism.
    pub fn with_rule(self, rule: u16) -> Decision {
        Decision { rule, ..self }
    }

    /// What the recorder keeps of it: priority, mechanism, rate and rule, each as a number that may stand for none.
    #[inline]
    pub fn recorded(&self) -> (i32, i32, f64, u16) {
        (self.priority, self.mechanism, self.rates.sampling.0, self.rule)
    }

    /// The sampling priority; `None` while the trace is not decided.
    #[inline]
    pub fn priority(&self) -> Option<i32> {
        (self.priority != ABSENT).then_some(self.priority)
    }

    /// Returns how the decision was made. `None` if there is no decision yet, or if another process decided and did not
    /// send its mechanism.
    #[inline]
    pub fn mechanism(&self) -> Option<Mechanism> {
        Mechanism::of(self.mechanism)
    }

    /// Returns the rate of the rule or of the Agent that decided here; `None` if neither did.
    #[inline]
    pub fn rate(&self) -> Option<f64> {
        self.rates.sampling.get()
    }

    /// Returns the mechanism if spans and headers carry it. A decision of this process to reject has none there.
    #[inline]
    pub fn sent_mechanism(&self, decided_elsewhere: bool) -> Option<Mechanism> {
        self.mechanism().filter(|_| decided_elsewhere || self.priority() > Some(0))
    }

    /// Whether the tag `_dd.p.ksr` that came with a context is not of this decision, because this process has replaced
    /// the one that came.
    #[inline]
    pub fn replaces_rate(&self) -> bool {
        self.rate().is_some() || self.mechanism() == Some(Mechanism::MANUAL)
    }

    /// Writes that rate as the trace tag `_dd.p.ksr` has it, and returns the text: at most 6 decimals, no zeros at the
    /// end.
    pub fn kept_rate<'a>(&self, text: &'a mut [u8; 8]) -> Option<&'a [u8]> {
        let millionths = (self.rate()? * 1e6).round() as u32;
        if millionths == 0 || millionths >= 1_000_000 {
            text[0] = b'0' + u8::from(millionths > 0);
            return Some(&text[..1]);
        }
        text[..2].copy_from_slice(b"0.");
        let mut rest = millionths;
        for digit in text[2..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let end = text.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        Some(&text[..end])
    }

    /// Visits the applied rates under the names by which a trace's first span carries them.
    #[inline]
    pub fn each_rate(&self, mut visit: impl FnMut(&'static [u8], f64)) {
        if let Some(rate) = self.rates.sampling.get() {
            let by_agent = matches!(self.mechanism(), Some(Mechanism::DEFAULT | Mechanism::AGENT_RATE));
            visit(if by_agent { b"_dd.agent_psr" } else { b"_dd.rule_psr" }, rate);
        }
        if let Some(rate) = self.rates.limit.get() {
            visit(b"_dd.limit_psr", rate);
        }
    }
}

impl Decision {
    /// Describes a decision that lies `at` bytes inside another structure.
    pub fn inspected(at: usize) -> Vec<Field> {
        let fields = [
            signed!(Decision, priority),
            signed!(Decision, mechanism as "decision"),
            unsigned!(Decision, rates.sampling as "sampling_rate_bits"),
            unsigned!(Decision, rates.limit as "limit_rate_bits"),
        ];
        fields.into_iter().map(|field| field.moved(at)).collect()
    }

    /// Reads a decision out of another process's memory by the names of [`Decision::inspected`].
    pub fn of_inspected(signed: impl Fn(&str) -> Option<i64>, unsigned: impl Fn(&str) -> Option<u64>) -> Decision {
        let number = |name| signed(name).and_then(|number| i32::try_from(number).ok()).unwrap_or(ABSENT);
        let rate = |name| unsigned(name).map(f64::from_bits);
        let rates = Rates::new(rate("sampling_rate_bits"), rate("limit_rate_bits"));
        Decision { priority: number("priority"), mechanism: number("decision"), rates, rule: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_decided_is_absent() {
        assert_eq!((Decision::NONE.priority(), Decision::NONE.mechanism()), (None, None));
        assert_eq!(Decision::by_hand(-1).priority(), Some(-1));
        assert_eq!(Decision::new(2, None).mechanism(), None);
        assert_eq!(Decision::DEFAULT.mechanism(), Some(Mechanism::DEFAULT));
    }

    #[test]
    fn the_kept_rate_has_six_decimals_at_most() {
        for (rate, expected) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (0.0, "0"),
            (0.123_456_789, "0.123457"),
            (0.000_001, "0.000001"),
            (0.000_000_51, "0.000001"),
            (0.000_000_1, "0"),
            (0.999_999_9, "1"),
            (0.1, "0.1"),
        ] {
            let decision = Decision::DEFAULT.with_rates(Rates::new(Some(rate), None));
            assert_eq!(decision.kept_rate(&mut [0; 8]), Some(expected.as_bytes()), "{rate}");
        }
        assert_eq!(Decision::by_hand(2).kept_rate(&mut [0; 8]), None);
    }

    #[test]
    fn rates_are_named_after_what_decided() {
        let rates = Rates::new(Some(0.25), Some(7.0));
        let named = |decision: Decision| {
            let mut named = Vec::new();
            decision.with_rates(rates).each_rate(|name, rate| named.push((name, rate)));
            named
        };
        assert_eq!(named(Decision::DEFAULT), [(&b"_dd.agent_psr"[..], 0.25)]);
        assert_eq!(named(Decision::new(2, Mechanism::of(-3))), [(&b"_dd.rule_psr"[..], 0.25)]);
    }
}
