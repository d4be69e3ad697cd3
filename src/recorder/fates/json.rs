//! Fates as JSON, for flares and for scripts: one object for each trace.

#[cfg(any(test, feature = "cli"))]
use super::cause::{Cause, CauseKind};
use super::read::{Fate, Standing};
use crate::counters::Reason;
#[cfg(any(test, feature = "cli"))]
use crate::counters::ALL_REASONS;
use serde_json::{json, Value};

impl Standing {
    /// Returns the name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Standing::NoSpans => "no_spans",
            Standing::Queued => "queued",
            Standing::InFlight => "in_flight",
            Standing::Sent => "sent",
            Standing::Dropped => "dropped",
        }
    }
}

impl Fate {
    /// Returns all that is known as an object. `says` is the same as a sentence.
    pub fn json(&self) -> Value {
        json!({
            "trace_id": format!("{:032x}", self.trace_id()),
            "state": self.standing().name(),
            "says": self.to_string(),
            "name": self.name,
            "tracer": self.tracer,
            "spans": self.handed,
            "sent": self.sent,
            "dropped": self.lost,
            "reason": self.reason.map(Reason::name),
            "cause": self.cause.kind as u8,
            "code": self.cause.code,
            "attempts_failed": self.attempts,
            "taken": self.taken,
            "priority": self.priority,
            "mechanism": self.mechanism,
            "rule": self.rule,
            "limited": self.limited,
            "rate": self.rate,
            "decided_elsewhere": self.decided_elsewhere,
            "complete": self.complete,
            "abandoned": self.abandoned,
            "discarded": self.discarded,
            "handed_ns": self.handed_ns,
            "changed_ns": self.changed_ns,
            "number": self.id,
        })
    }

    /// Reads such an object; `None` if it has no trace id.
    #[cfg(any(test, feature = "cli"))]
    pub fn of_json(object: &Value) -> Option<Fate> {
        let number = |name: &str| object[name].as_u64().unwrap_or(0);
        let small = |name: &str| object[name].as_i64().and_then(|number| i32::try_from(number).ok());
        let flag = |name: &str| object[name].as_bool().unwrap_or(false);
        let id = u128::from_str_radix(object["trace_id"].as_str()?, 16).ok()?;
        let reason = object["reason"].as_str();
        Some(Fate {
            id: number("number"),
            trace_id_high: (id >> 64) as u64,
            trace_id_low: id as u64,
            tracer: number("tracer") as u32,
            handed_ns: number("handed_ns"),
            changed_ns: number("changed_ns"),
            priority: small("priority"),
            mechanism: small("mechanism"),
            rule: number("rule") as u16,
            limited: flag("limited"),
            rate: object["rate"].as_f64(),
            decided_elsewhere: flag("decided_elsewhere"),
            complete: flag("complete"),
            abandoned: flag("abandoned"),
            discarded: flag("discarded"),
            handed: number("spans"),
            sent: number("sent"),
            lost: number("dropped"),
            reason: ALL_REASONS.into_iter().find(|known| Some(known.name()) == reason),
            cause: Cause {
                kind: CauseKind::numbered(number("cause")).unwrap_or(CauseKind::None),
                code: number("code") as u16,
            },
            attempts: number("attempts_failed") as u32,
            taken: flag("taken"),
            name: object["name"].as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).collect(),
        })
    }
}
