//! Finds out which tracer wrote a line of a log, and what it says. Other text may precede the message, such as a
//! container's name or a time. The languages define marks and messages. Does not count or judge lines.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use spanwire::companion::languages::reading::{agent, LogReader, Place, Read};
use spanwire::companion::languages::ALL;

pub use spanwire::companion::languages::reading::Seen;

/// The language whose tracer wrote a line: its place in the list of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tongue(usize);

impl Tongue {
    fn of(id: &str) -> Option<Tongue> {
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
    /// Each word, and the readers of lines with it; none for the Agent's words.
    marks: Vec<(&'static str, Vec<Read>)>,
}

impl Reader {
    pub fn new() -> Result<Reader, String> {
        let mut marks: Vec<(&'static str, Vec<Read>)> = Vec::new();
        for (word, read) in ALL.iter().flat_map(|language| language.reader.marks) {
            match marks.iter_mut().find(|(known, _)| known == word) {
                Some((_, readers)) => readers.push(*read),
                None => marks.push((word, vec![*read])),
            }
        }
        marks.extend(agent::MARKS.iter().map(|word| (*word, Vec::new())));
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
        let mut vague = None;
        for found in self.matcher.find_iter(line).take(TRIED) {
            let (_, readers) = &self.marks[found.pattern().as_usize()];
            if readers.is_empty() && vague.is_none() {
                return Some(Wrote::Agent);
            }
            // A word is ASCII, and so its ends are those of characters.
            let place = Place { line, start: found.start(), end: found.end() };
            let Some((id, seen)) = readers.iter().find_map(|read| read(&place)) else { continue };
            let tongue = Tongue::of(id)?;
            match (&seen, &vague) {
                (Seen::Line, None) => vague = Some((tongue, found.end())),
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
