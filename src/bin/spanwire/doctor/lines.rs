//! Finds out which tracer wrote a line of a log, and what it says. Other text may precede the message, such as a
//! container's name or a time. The languages define marks and messages. Does not count or judge lines.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use spanwire::companion::languages::reading::{agent, LogReader, Place, Read};
use spanwire::companion::languages::ALL;

pub use spanwire::companion::languages::reading::Seen;

/// The language whose tracer wrote a line: its place in the list of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tongue(usize);

impl Tongue {
    /// Returns the language of this name.
    pub fn of(id: &str) -> Option<Tongue> {
        ALL.iter().position(|language| language.id() == id).map(Tongue)
    }

    /// How its lines are read.
    pub fn reader(self) -> &'static LogReader {
        ALL[self.0].reader
    }

    /// The name for people and in JSON.
    pub fn name(self) -> &'static str {
        self.reader().name
    }
}

/// Words of a line that are tried: an application's own words may stand before those of the tracer.
const TRIED: usize = 16;

/// Who wrote a line.
pub enum Wrote<'a> {
    /// A tracer, and what the line says. `end`: where the word ends by which it was recognised.
    Tracer { tongue: Tongue, seen: Seen<'a>, end: usize },
    /// The Agent.
    Agent,
}

/// Reads lines. Made once.
pub struct Reader {
    matcher: AhoCorasick,
    /// Each word, and what reads lines with it.
    marks: Vec<(&'static str, Readers)>,
}

/// What reads the lines with one word.
enum Readers {
    Tracers(Vec<Read>),
    /// Whether such a line is the Agent's.
    Agent(fn(&Place<'_>) -> bool),
}

impl Reader {
    pub fn new() -> Result<Reader, String> {
        let mut marks: Vec<(&'static str, Readers)> = Vec::new();
        for (word, read) in ALL.iter().flat_map(|language| language.reader.marks) {
            match marks.iter_mut().find(|(known, _)| known == word) {
                Some((_, Readers::Tracers(readers))) => readers.push(*read),
                _ => marks.push((word, Readers::Tracers(vec![*read]))),
            }
        }
        marks.extend(agent::MARKS.iter().map(|(word, wrote)| (*word, Readers::Agent(*wrote))));
        // The automaton of all states is the fastest one; of these few words it has less than a megabyte.
        let matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(marks.iter().map(|(word, _)| word))
            .map_err(|error| error.to_string())?;
        Ok(Reader { matcher, marks })
    }

    /// Returns where the first word of a tracer or of the Agent begins.
    pub fn first(&self, line: &[u8]) -> Option<usize> {
        self.matcher.find(line).map(|found| found.start())
    }

    /// Returns who wrote the line and what it says; `None` if it is neither a tracer's nor the Agent's.
    pub fn read<'a>(&self, line: &'a str) -> Option<Wrote<'a>> {
        let (mut vague, mut from) = (None, 0);
        for _ in 0..TRIED {
            let Some(found) = self.matcher.find(Input::new(line).range(from..)) else { break };
            // Another word may begin within one that nobody wrote.
            from = found.start() + 1;
            // A word is ASCII, and so its ends are those of characters.
            let place = Place { line, start: found.start(), end: found.end() };
            let readers = match &self.marks[found.pattern().as_usize()].1 {
                Readers::Agent(wrote) if vague.is_none() && wrote(&place) => return Some(Wrote::Agent),
                Readers::Agent(_) => continue,
                Readers::Tracers(readers) => readers,
            };
            let Some((id, seen)) = readers.iter().find_map(|read| read(&place)) else { continue };
            let tongue = Tongue::of(id)?;
            match (&seen, &vague) {
                (Seen::Line, None) => {
                    vague = Some((tongue, found.end()));
                    from = found.end();
                }
                // Behind a frame only the same tracer's messages count.
                (Seen::Line, _) => {}
                (_, Some((first, _))) if *first != tongue => {}
                _ => return Some(Wrote::Tracer { tongue, seen, end: found.end() }),
            }
        }
        vague.map(|(tongue, end)| Wrote::Tracer { tongue, seen: Seen::Line, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_at_the_first_place_counts_and_an_applications_words_before_it_do_not() {
        let reader = Reader::new().expect("the words");
        let line = "web-1 | we had an Error from the agent: none; Datadog Tracer v2.1.0 ERROR: lost 2 traces: EOF";
        assert!(reader.first(line.as_bytes()).is_some());
        let Some(Wrote::Tracer { tongue, seen: Seen::Failed { .. }, .. }) = reader.read(line) else { panic!("{line}") };
        assert_eq!(tongue.name(), "Go");
        assert!(reader.read("nothing \u{fffd} of it").is_none());
    }
}
