//! Lists and mappings in brackets.

use super::{text, Content, Node, Parent, Reader, DEPTH_MAX};
use crate::settings::rejection::stable::YamlFault;

impl Reader<'_> {
    /// Reads a list or mapping in brackets, which may extend over lines that are indented more than `parent`.
    pub(super) fn brackets(&mut self, parent: Parent) -> Result<Node, YamlFault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(YamlFault::TooDeep { max: DEPTH_MAX });
        }
        let (line, mapping) = (self.line, self.rest().starts_with('{'));
        let end = if mapping { b'}' } else { b']' };
        let (mut nodes, mut pairs) = (Vec::new(), Vec::new());
        self.column += 1;
        while self.next_byte(parent)? != end {
            let closed = self.rest().starts_with(['"', '\'', '[', '{']);
            let node = self.in_brackets(parent)?;
            let line = self.line;
            let colon = self.next_byte(parent)? == b':' && self.line == line;
            let colon = colon && (closed || text::colon(self.rest(), true) == Some(0));
            if mapping {
                let mut value = None;
                if colon {
                    self.column += 1;
                    if !matches!(self.next_byte(parent)?, b',' | b'}') {
                        value = Some(self.in_brackets(parent)?);
                    }
                }
                let value = match value {
                    Some(value) => value,
                    None => self.node(self.line, Content::Null)?,
                };
                pairs.push((node, value));
            } else {
                nodes.push(node);
            }
            match self.next_byte(parent)? {
                b',' => self.column += 1,
                byte if byte == end => {}
                _ => return Err(YamlFault::Brackets),
            }
        }
        self.column += 1;
        self.depth -= 1;
        self.node(line, if mapping { Content::Mapping(pairs) } else { Content::List(nodes) })
    }

    fn in_brackets(&mut self, parent: Parent) -> Result<Node, YamlFault> {
        let (line, rest) = (self.line, self.rest());
        match rest.bytes().next() {
            Some(b'[' | b'{') => self.brackets(parent),
            Some(quote @ (b'"' | b'\'')) => {
                let text = self.quoted(quote, parent)?;
                self.node(line, Content::Text(text))
            }
            _ => {
                text::check_plain(rest, true)?;
                let end = rest.find([',', '[', ']', '{', '}']).unwrap_or(rest.len());
                let end = text::colon(rest, true).map_or(end, |colon| colon.min(end));
                let plain = rest.get(..end).unwrap_or_default();
                let plain = text::without_comment(plain).trim_end();
                self.column += plain.len();
                match plain.is_empty() {
                    true => Err(YamlFault::Brackets),
                    false => self.node(line, text::plain(plain)),
                }
            }
        }
    }

    /// Goes to the next byte that is no blank, line end or comment, and returns it.
    fn next_byte(&mut self, parent: Parent) -> Result<u8, YamlFault> {
        loop {
            let rest = self.rest();
            let begin = rest.trim_start_matches(' ');
            let blank = begin.len() < rest.len() || self.column == 0;
            match begin.bytes().next() {
                Some(b'#') if !blank => return Err(YamlFault::Construct('#')),
                Some(b'\t') => return Err(YamlFault::Tab),
                Some(byte) if byte != b'#' => {
                    self.column += rest.len() - begin.len();
                    return Ok(byte);
                }
                _ => {}
            }
            self.line += 1;
            self.column = 0;
            let line = self.lines.get(self.line).ok_or(YamlFault::Brackets)?;
            let begin = line.trim_start_matches(' ');
            if begin.is_empty() || begin.starts_with('#') {
                continue;
            }
            // As other readers do, the closing bracket may stand as far to the left as its key.
            let closes = begin.starts_with([']', '}']);
            if (line.len() - begin.len()) as Parent <= parent && !closes || self.is_end() {
                return Err(YamlFault::Brackets);
            }
        }
    }
}
