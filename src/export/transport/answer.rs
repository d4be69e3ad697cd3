//! The result of a request: an answer, or a failure without one.

use crate::event::send_error::SendError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// An agent's answer. A body that is incomplete or too long is cut; the status is still valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, including 4xx and 5xx.
    pub status: u16,
    /// At most 64 KiB. Bytes that are not UTF-8 are replaced.
    pub body: String,
    /// How many spans a receiver of OTLP has refused although it answers with success. `body` is then its reason.
    pub rejected: u64,
    /// `Datadog-Agent-State`: changes when the answer to `/info` changes.
    pub agent_state: Option<String>,
    /// `Datadog-Agent-Version`.
    pub agent_version: Option<String>,
    /// `Datadog-Rates-Payload-Version`, to send with the next payload.
    pub rates_version: Option<String>,
    /// `Retry-After`, from now, not limited.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the receiver has taken the payload. HTML is no answer of an Agent: a web server or a proxy listens in its
    /// place, and answers 200 to every path.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status) && (self.rejected > 0 || !self.body.trim_start().starts_with('<'))
    }
}

/// Why a request has no answer, and whether the agent may have received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing can have arrived.
    NotSent(SendError),
    /// Nothing can have arrived, because no process listens at any address. Another attempt at once would fail too.
    Refused(SendError),
    /// Something may have arrived.
    Unknown(SendError),
    /// Time ran out after sending had begun, so something may have arrived.
    Timeout(SendError),
}

impl Failure {
    /// Why there is no answer.
    pub fn error(&self) -> &SendError {
        let (Failure::NotSent(error) | Failure::Refused(error) | Failure::Unknown(error) | Failure::Timeout(error)) =
            self;
        error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for Failure {}

/// The sampling rates in the body of an answer to traces, by `service:<name>,env:<name>`. `None` if there are none: the
/// earlier ones stay. A rate that is not a number from 0 to 1 is left out.
pub fn rates(body: &str) -> Option<BTreeMap<String, f64>> {
    let json: Value = serde_json::from_str(body).ok()?;
    let given = json.get("rate_by_service")?.as_object()?;
    let usable = given.iter().filter_map(|(key, rate)| Some((key.clone(), rate.as_f64()?)));
    let mut rates = BTreeMap::new();
    rates.extend(usable.filter(|(_, rate)| (0.0..=1.0).contains(rate)));
    Some(rates).filter(|rates| !rates.is_empty())
}
