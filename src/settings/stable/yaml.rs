//! Reads the part of YAML that people and programs write configuration in: mappings, lists, plain and quoted texts, texts
//! of several lines, comments. All scalars are text. What it does not know is a fault, and never read as something else:
//! anchors, aliases, tags, directives, keys after `?`. A test compares it with a complete parser of YAML, which would
//! make the library 120 KB larger.

mod flow;
mod text;

use crate::settings::rejection::stable::YamlFault;

/// The deepest nesting. The format of stable configuration needs five levels.
const DEPTH_MAX: usize = 16;
/// The most values.
const NODES_MAX: usize = 20_000;

/// A value, and the line where it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The line.
    pub line: usize,
    /// The value.
    pub content: Content,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: no text, or `null` without quotes.
    Null,
    /// A scalar, whatever its type.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order of the text.
    Mapping(Vec<(Node, Node)>),
}

/// Reads a text with one document or none. A fault has its line, from 1.
pub fn parse(bytes: &[u8]) -> Result<Node, (usize, YamlFault)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        (1 + before.iter().filter(|byte| **byte == b'\n').count(), YamlFault::NotUtf8)
    })?;
    let mut reader = Reader { lines: text.lines().collect(), line: 0, column: 0, depth: 0, nodes: 0 };
    let control = |c: char| c.is_control() && c != '\t' || c == '\u{feff}';
    for (line, text) in (1..).zip(&reader.lines) {
        if let Some(c) = text.chars().find(|c| control(*c)) {
            return Err((line, YamlFault::ControlCharacter(c)));
        }
    }
    let root = reader.document();
    root.map_err(|why| ((reader.line + 1).min(reader.lines.len().max(1)), why))
}

/// A reader with its place in the text. Methods that read a value begin at its first byte. Those that read one of a block
/// end at the beginning of a line, those that read one in brackets behind its last byte.
struct Reader<'a> {
    lines: Vec<&'a str>,
    line: usize,
    column: usize,
    depth: usize,
    nodes: usize,
}

/// The indentation of the block that a value belongs to, in columns; -1 for none.
type Parent = isize;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, YamlFault> {
        if self.content()?.is_none() && self.is_marker("---") {
            self.column = 3;
            self.end_of_line()?;
        }
        let root = match self.content()? {
            Some(_) => self.block(-1)?,
            None => self.node(0, Content::Null)?,
        };
        if self.content()?.is_none() && self.is_marker("...") {
            self.column = 3;
            self.end_of_line()?;
        }
        match self.content()? {
            Some(_) => Err(YamlFault::Indentation),
            None if self.line < self.lines.len() => Err(YamlFault::SecondDocument),
            None => Ok(root),
        }
    }

    /// The rest of the line.
    fn rest(&self) -> &'a str {
        self.lines.get(self.line).and_then(|line| line.get(self.column..)).unwrap_or_default()
    }

    /// Whether the line is this marker.
    fn is_marker(&self, marker: &str) -> bool {
        let after = self.lines.get(self.line).and_then(|line| line.strip_prefix(marker));
        after.is_some_and(is_blank_or_begins_blank)
    }

    /// Whether the line begins or ends a document.
    fn is_end(&self) -> bool {
        self.is_marker("---") || self.is_marker("...")
    }

    /// Goes to the next line with content, and returns its indentation; none at the end of the document.
    fn content(&mut self) -> Result<Option<usize>, YamlFault> {
        while let Some(line) = self.lines.get(self.line) {
            let rest = line.trim_start_matches(' ');
            let indent = line.len() - rest.len();
            let begin = rest.trim_start();
            if !begin.is_empty() && !begin.starts_with('#') {
                if self.is_end() {
                    return Ok(None);
                }
                if rest.starts_with('\t') {
                    return Err(YamlFault::Tab);
                }
                self.column = indent;
                return Ok(Some(indent));
            }
            self.line += 1;
        }
        Ok(None)
    }

    fn node(&mut self, line: usize, content: Content) -> Result<Node, YamlFault> {
        self.nodes += 1;
        match self.nodes <= NODES_MAX {
            true => Ok(Node { line: line + 1, content }),
            false => Err(YamlFault::TooMany),
        }
    }

    /// Reads a value of any form that may extend over the lines below.
    fn block(&mut self, parent: Parent) -> Result<Node, YamlFault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(YamlFault::TooDeep { max: DEPTH_MAX });
        }
        let node = if self.at_dash() {
            self.list()
        } else if self.key()?.is_some() {
            self.mapping()
        } else {
            self.value(parent)
        };
        self.depth -= 1;
        node
    }

    fn at_dash(&self) -> bool {
        self.rest().strip_prefix('-').is_some_and(is_blank_or_begins_blank)
    }

    fn list(&mut self) -> Result<Node, YamlFault> {
        let (line, column, mut nodes) = (self.line, self.column, Vec::new());
        loop {
            self.column += 1;
            nodes.push(self.element(column, false)?);
            if self.content()? != Some(column) || !self.at_dash() {
                return self.node(line, Content::List(nodes));
            }
        }
    }

    fn mapping(&mut self) -> Result<Node, YamlFault> {
        let (line, column, mut pairs) = (self.line, self.column, Vec::new());
        loop {
            let (content, length) = self.key()?.ok_or(YamlFault::NoColon)?;
            let key = self.node(self.line, content)?;
            self.column += length;
            let value = self.element(column, true)?;
            pairs.push((key, value));
            match self.content()? {
                Some(indent) if indent > column => return Err(YamlFault::Indentation),
                Some(indent) if indent == column => {}
                _ => return self.node(line, Content::Mapping(pairs)),
            }
        }
    }

    /// Reads the value behind a dash or colon: on the same line, or on the lines below. `column` is that of the list or
    /// mapping.
    fn element(&mut self, column: usize, of_mapping: bool) -> Result<Node, YamlFault> {
        let (line, rest) = (self.line, self.rest());
        let begin = rest.trim_start_matches(' ');
        if begin.starts_with('\t') {
            return Err(YamlFault::Tab);
        }
        if !begin.is_empty() && !begin.starts_with('#') {
            self.column += rest.len() - begin.len();
            return if of_mapping { self.value(column as Parent) } else { self.block(column as Parent) };
        }
        self.line += 1;
        match self.content()? {
            Some(indent) if indent > column => self.block(column as Parent),
            Some(indent) if of_mapping && indent == column && self.at_dash() => self.block(column as Parent),
            _ => self.node(line, Content::Null),
        }
    }

    /// Returns the key at this place with the length up to behind its colon; none if there is no key.
    fn key(&self) -> Result<Option<(Content, usize)>, YamlFault> {
        let rest = self.rest();
        let (content, length) = match rest.bytes().next() {
            Some(quote @ (b'"' | b'\'')) => match text::quoted_on_one_line(rest, quote)? {
                Some((content, length)) => (Content::Text(content), length),
                None => return Ok(None),
            },
            Some(b'[' | b'{') => return Ok(None),
            _ => {
                let colon = text::colon(rest, false);
                let plain = colon.and_then(|colon| rest.get(..colon)).filter(|key| !text::has_comment(key));
                let Some(plain) = plain else { return Ok(None) };
                text::check_plain(rest, false)?;
                (text::plain(plain.trim_end()), plain.len())
            }
        };
        let after = rest.get(length..).unwrap_or_default();
        let colon = after.trim_start_matches([' ', '\t']);
        let is_key = colon.strip_prefix(':').is_some_and(is_blank_or_begins_blank);
        Ok(is_key.then(|| (content, length + after.len() - colon.len() + 1)))
    }

    /// Reads a value that is no block of keys or elements.
    fn value(&mut self, parent: Parent) -> Result<Node, YamlFault> {
        let (line, rest) = (self.line, self.rest());
        match rest.bytes().next() {
            Some(b'[' | b'{') => {
                let node = self.brackets(parent)?;
                self.end_of_line()?;
                Ok(node)
            }
            Some(quote @ (b'"' | b'\'')) => {
                let text = self.quoted(quote, parent)?;
                self.end_of_line()?;
                self.node(line, Content::Text(text))
            }
            Some(b'|' | b'>') if parent >= 0 => {
                let text = self.literal(parent)?;
                self.node(line, Content::Text(text))
            }
            _ => {
                let content = self.plain(parent)?;
                self.node(line, content)
            }
        }
    }

    /// Goes to the next line. Nothing but a comment may be left on this one.
    fn end_of_line(&mut self) -> Result<(), YamlFault> {
        let rest = self.rest();
        let begin = rest.trim_start_matches([' ', '\t']);
        let comment = begin.starts_with('#') && begin.len() < rest.len();
        if !begin.is_empty() && !comment {
            return Err(YamlFault::After);
        }
        self.line += 1;
        self.column = 0;
        Ok(())
    }
}

/// Whether a text is empty or begins with a blank.
fn is_blank_or_begins_blank(text: &str) -> bool {
    text.is_empty() || text.starts_with([' ', '\t'])
}
