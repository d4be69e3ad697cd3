//! Which format an agent is sent.

use super::encoder::PayloadFormat;
use super::json_lines::JsonLines;
use super::linked::Fields;
use super::otlp::Otlp;
use super::to_agent::Encoding;
use super::v04::V04;
use super::v05::{self, V05};
use super::v1::{self, V1};
use crate::settings::Protocol;

/// The formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// MessagePack at `/v0.4/traces`.
    V04,
    /// The same at `/v0.3/traces`, for an agent that does not know v0.4, with links and events as tags. Its answers have
    /// no sampling rates.
    V03,
    /// A table of strings at `/v0.5/traces`, with links and events as tags and without blobs.
    V05,
    /// A map with all that v0.4 has and a table of strings, at `/v1.0/traces`.
    V1,
    /// OpenTelemetry's format, for a receiver that is no agent.
    Otlp,
    /// One JSON object for each chunk, on a line of its own. For files.
    JsonLines,
}

impl Format {
    /// An encoder, for an agent that takes the field `span_events` or does not.
    pub fn encoder(self, span_events: bool) -> Box<dyn PayloadFormat> {
        match self {
            Format::V04 => Box::new(V04::at(self.path(), Fields { links: true, events: span_events })),
            Format::V03 => Box::new(V04::at(self.path(), Fields { links: false, events: false })),
            Format::V05 => Box::<V05>::default(),
            Format::V1 => Box::<V1>::default(),
            Format::Otlp => Box::<Otlp>::default(),
            Format::JsonLines => Box::new(JsonLines::default()),
        }
    }

    /// The path of its requests.
    pub fn path(self) -> &'static str {
        match self {
            Format::V04 => "/v0.4/traces",
            Format::V03 => "/v0.3/traces",
            Format::V05 => v05::Strung::PATH,
            Format::V1 => v1::Map::PATH,
            // The address has the whole path.
            Format::Otlp | Format::JsonLines => "",
        }
    }

    /// Whether only some agents take it.
    pub fn is_new(self) -> bool {
        matches!(self, Format::V05 | Format::V1)
    }

    /// The format that the settings ask for.
    pub fn of(protocol: Protocol) -> Format {
        match protocol {
            Protocol::V04 => Format::V04,
            Protocol::V05 => Format::V05,
            Protocol::V1 => Format::V1,
        }
    }
}

/// Formats of agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formats(u8);

impl Formats {
    /// Every format.
    pub const ALL: Formats = Formats(u8::MAX);

    /// The formats whose paths are among those that an agent lists.
    pub fn listed(paths: &[String]) -> Formats {
        let mut listed = Formats::default();
        for format in [Format::V03, Format::V04, Format::V05, Format::V1] {
            if paths.iter().any(|path| path.contains(format.path())) {
                listed.add(format);
            }
        }
        listed
    }

    /// Adds a format.
    pub fn add(&mut self, format: Format) {
        self.0 |= 1 << format as u8;
    }

    fn has(self, format: Format) -> bool {
        self.0 & 1 << format as u8 != 0
    }
}

/// What is known of the formats that an agent takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Those that `/info` lists, once it has answered.
    pub listed: Option<Formats>,
    /// Those that the agent has refused (404 or 415) since `/info` listed others.
    pub refused: Formats,
}

impl Known {
    /// Chooses the format in which a payload is offered that was refused in some formats: the one that is asked for, else
    /// v0.4, else v0.3. `None` if the agent has refused all.
    pub fn choose(&self, asked: Format, refused: Formats) -> Option<Format> {
        let left = |format: &Format| !self.refused.has(*format) && !refused.has(*format);
        let listed = |format: &Format| self.listed.is_some_and(|listed| listed.has(*format));
        let mut offered = [asked, Format::V04, Format::V03].into_iter().filter(left);
        // Every agent takes the old ones, as far as is known. An agent need not list them.
        let mut old = [Format::V04, Format::V03].into_iter().filter(left);
        offered.find(listed).or_else(|| old.next())
    }

    /// Takes the paths that `/info` lists. If they are other formats than before, what was refused may be taken now.
    pub fn learn(&mut self, paths: &[String]) {
        let listed = Some(Formats::listed(paths));
        if listed != self.listed {
            *self = Known { listed, refused: Formats::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Known {
        let mut known = Known::default();
        known.learn(&paths.iter().map(|path| path.to_string()).collect::<Vec<_>>());
        known
    }

    #[test]
    fn formats_are_offered_one_after_another_until_none_is_left() {
        for (mut known, asked, offered) in [
            (Known::default(), Format::V04, &[Format::V04, Format::V03][..]),
            (Known::default(), Format::V05, &[Format::V04, Format::V03]),
            (listing(&["/v0.4/traces"]), Format::V05, &[Format::V04, Format::V03]),
            (listing(&["/v0.3/traces"]), Format::V04, &[Format::V03, Format::V04]),
            (listing(&["/v0.4/traces", "/v0.5/traces"]), Format::V05, &[Format::V05, Format::V04, Format::V03]),
            (listing(&["/v0.4/traces", "/v0.5/traces"]), Format::V04, &[Format::V04, Format::V03]),
            (listing(&["/info"]), Format::V05, &[Format::V04, Format::V03]),
        ] {
            let mut refused = Formats::default();
            for &format in offered {
                assert_eq!(known.choose(asked, refused), Some(format), "{known:?}");
                refused.add(format);
            }
            assert_eq!(known.choose(asked, refused), None, "{known:?}");
            known.refused = refused;
            assert_eq!(known.choose(asked, Formats::default()), None, "a later payload is not offered them either");
        }
    }

    #[test]
    fn what_was_refused_is_offered_again_only_after_the_list_has_changed() {
        let paths = ["/v0.4/traces".to_string(), "/v0.5/traces".to_string()];
        let mut known = listing(&["/v0.4/traces", "/v0.5/traces"]);
        known.refused.add(Format::V05);
        known.learn(&paths);
        assert_eq!(known.choose(Format::V05, Formats::default()), Some(Format::V04));
        known.learn(&paths[..1]);
        known.learn(&paths);
        assert_eq!(known.choose(Format::V05, Formats::default()), Some(Format::V05));
    }
}
