//! Which format an agent is sent.

use super::encoder::PayloadFormat;
use super::json_lines::JsonLines;
use super::linked::Fields;
use super::v04::V04;

/// The formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// MessagePack at `/v0.4/traces`.
    V04,
    /// The same at `/v0.3/traces`, for an agent that does not know v0.4, with links and events as tags. Its answers have
    /// no sampling rates.
    V03,
    /// One JSON object for each chunk, on a line of its own. For files.
    JsonLines,
}

impl Format {
    /// An encoder, for an agent that takes the field `span_events` or does not.
    pub fn encoder(self, span_events: bool) -> Box<dyn PayloadFormat> {
        match self {
            Format::V04 => Box::new(V04::at(self.path(), Fields { links: true, events: span_events })),
            Format::V03 => Box::new(V04::at(self.path(), Fields { links: false, events: false })),
            Format::JsonLines => Box::new(JsonLines::default()),
        }
    }

    /// The path of its requests.
    pub fn path(self) -> &'static str {
        match self {
            Format::V04 => "/v0.4/traces",
            Format::V03 => "/v0.3/traces",
            Format::JsonLines => "",
        }
    }
}

/// The formats that an agent is offered, the preferred one first.
const OFFERED: &[Format] = &[Format::V04, Format::V03];

/// A place in the list of offered formats. An agent that answers 404 or 415 is offered the next one. The first place is
/// the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer(usize);

impl Offer {
    /// The format.
    pub fn format(self) -> Format {
        OFFERED.get(self.0).copied().unwrap_or(Format::V04)
    }

    /// The next offer, if there is one.
    pub fn next(self) -> Option<Offer> {
        Some(Offer(self.0 + 1)).filter(|next| next.0 < OFFERED.len())
    }

    /// The first offer whose path is among those that an agent lists.
    pub fn listed(paths: &[String]) -> Option<Offer> {
        let listed = |format: &Format| paths.iter().any(|path| path.contains(format.path()));
        OFFERED.iter().position(listed).map(Offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_offered_one_after_another_until_none_is_left() {
        let first = Offer::default();
        assert_eq!(first.format(), Format::V04);
        let second = first.next().unwrap();
        assert_eq!((second.format(), second.next()), (Format::V03, None));
        assert!(first < second);
    }

    #[test]
    fn the_preferred_one_of_the_listed_formats_is_offered() {
        let listed = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| path.to_string()).collect();
            Offer::listed(&paths).map(Offer::format)
        };
        assert_eq!(listed(&["/v0.3/traces", "/v0.4/traces"]), Some(Format::V04));
        assert_eq!(listed(&["/info", "/v0.3/traces"]), Some(Format::V03));
        assert_eq!(listed(&["/v0.6/stats"]), None);
    }
}
