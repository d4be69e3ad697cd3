//! Finds out which tracer wrote a line of a log, and what it says. Other text may precede the message, such as a
//! container's name or a time. The languages define marks and messages. Does not count or judge lines.

use super::anchors::Anchors;
use spanwire::companion::languages::reading::{LogReader, Place, Read};
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

/// Reads lines. Made once.
pub struct Reader {
    anchors: Anchors,
    /// Each word, and the readers of lines with it.
    marks: Vec<(&'static str, Vec<Read>)>,
}

impl Reader {
    pub fn new() -> Reader {
        let mut marks: Vec<(&'static str, Vec<Read>)> = Vec::new();
        for (word, read) in ALL.iter().flat_map(|language| language.reader.marks) {
            match marks.iter_mut().find(|(known, _)| known == word) {
                Some((_, readers)) => readers.push(*read),
                None => marks.push((word, vec![*read])),
            }
        }
        let words: Vec<&str> = marks.iter().map(|(word, _)| *word).collect();
        Reader { anchors: Anchors::new(&words), marks }
    }

    /// Whether some tracer may have written this line; cheap, and wrong now and then.
    pub fn may_say(&self, line: &[u8]) -> bool {
        self.anchors.find(line, 0).is_some()
    }

    /// Returns who wrote the line and what it says; `None` if no tracer wrote it.
    pub fn read<'a>(&self, line: &'a str) -> Option<(Tongue, Seen<'a>)> {
        let mut from = 0;
        // The application's own text may precede the tracer's.
        for _ in 0..4 {
            let (found, end) = self.anchors.find(line.as_bytes(), from)?;
            from = end;
            let (word, readers) = &self.marks[found];
            // A word is ASCII, and so its ends are those of characters.
            let place = Place { line, start: end - word.len(), end };
            if let Some((id, seen)) = readers.iter().find_map(|read| read(&place)) {
                return Some((Tongue::of(id)?, seen));
            }
        }
        None
    }
}
