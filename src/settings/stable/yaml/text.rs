//! Texts: plain, in quotes, and of several lines behind `|` or `>`.

use super::{is_blank_or_begins_blank, Content, Parent, Reader};
use crate::settings::rejection::stable::YamlFault;

/// Returns a text without quotes; nothing for the words of `null`.
pub(super) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        _ => Content::Text(text.into()),
    }
}

/// Whether a text without quotes may begin like this.
pub(super) fn check_plain(rest: &str, in_brackets: bool) -> Result<(), YamlFault> {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return Ok(()) };
    let ends =
        |text: &str| is_blank_or_begins_blank(text) || in_brackets && text.starts_with([',', '[', ']', '{', '}']);
    match first {
        '&' | '*' | '!' | '%' | '@' | '`' | ',' | ']' | '}' | '#' | '|' | '>' => Err(YamlFault::Construct(first)),
        '-' | '?' | ':' if ends(chars.as_str()) => Err(YamlFault::Construct(first)),
        _ => Ok(()),
    }
}

/// Returns the place of the first colon that ends a key.
pub(super) fn colon(text: &str, in_brackets: bool) -> Option<usize> {
    text.match_indices(':').map(|(place, _)| place).find(|place| {
        let after = text.get(place + 1..).unwrap_or_default();
        is_blank_or_begins_blank(after) || in_brackets && after.starts_with([',', ']', '}'])
    })
}

/// Returns the text before a comment.
pub(super) fn without_comment(text: &str) -> &str {
    let comment = text.match_indices('#').map(|(place, _)| place);
    let mut comment = comment.filter(|place| text.get(..*place).is_some_and(|before| before.ends_with([' ', '\t'])));
    comment.next().and_then(|place| text.get(..place)).unwrap_or(text)
}

/// Whether a text has a comment in it.
pub(super) fn has_comment(text: &str) -> bool {
    without_comment(text).len() < text.len()
}

/// Reads a text in quotes that ends on the same line, and returns it with its length. None if it does not end there.
pub(super) fn quoted_on_one_line(rest: &str, quote: u8) -> Result<Option<(String, usize)>, YamlFault> {
    let mut reader = Reader { lines: vec![rest], line: 0, column: 0, depth: 0, nodes: 0 };
    match reader.quoted(quote, -1) {
        Ok(text) => Ok(Some((text, reader.column))),
        Err(YamlFault::Quotes) => Ok(None),
        Err(why) => Err(why),
    }
}

impl Reader<'_> {
    /// Reads a text without quotes, which may continue on lines that are indented more than `parent`.
    pub(super) fn plain(&mut self, parent: Parent) -> Result<Content, YamlFault> {
        check_plain(self.rest(), false)?;
        let (mut text, mut blank_lines) = (String::new(), 0);
        loop {
            let rest = self.rest();
            let part = without_comment(rest);
            if colon(part, false).is_some() {
                return Err(YamlFault::ColonInText);
            }
            if !text.is_empty() {
                push_break(&mut text, blank_lines);
            }
            text.push_str(part.trim());
            let comment = part.len() < rest.len();
            self.line += 1;
            blank_lines = self.blank_lines();
            match self.lines.get(self.line + blank_lines) {
                Some(line) if !comment && self.continues(line, parent) => {
                    self.line += blank_lines;
                    self.column = line.len() - line.trim_start_matches(' ').len();
                    if self.rest().starts_with('\t') {
                        return Err(YamlFault::Tab);
                    }
                }
                _ => return Ok(plain(&text)),
            }
        }
    }

    /// The number of lines without content from here.
    fn blank_lines(&self) -> usize {
        let rest = self.lines.get(self.line..).unwrap_or_default();
        rest.iter().take_while(|line| line.trim_start_matches(' ').is_empty()).count()
    }

    /// Whether a text without quotes goes on with this line.
    fn continues(&self, line: &str, parent: Parent) -> bool {
        let begin = line.trim_start_matches(' ');
        let marker = |marker| line.strip_prefix(marker).is_some_and(is_blank_or_begins_blank);
        let goes_on = !begin.trim_start().starts_with('#') && !marker("---") && !marker("...");
        (line.len() - begin.len()) as Parent > parent && goes_on
    }

    /// Reads a text in quotes. Line ends in it are blanks, and those before empty lines remain.
    pub(super) fn quoted(&mut self, quote: u8, parent: Parent) -> Result<String, YamlFault> {
        let quote = char::from(quote);
        let (mut text, mut kept) = (String::new(), 0);
        self.column += 1;
        loop {
            let rest = self.rest();
            let mut chars = rest.char_indices().peekable();
            let mut joined = false;
            while let Some((place, c)) = chars.next() {
                match c {
                    '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                        chars.next();
                        text.push('\'');
                    }
                    c if c == quote => {
                        self.column += place + 1;
                        return Ok(text);
                    }
                    '\\' if quote == '"' => match chars.next() {
                        None => joined = true,
                        Some((_, escape)) => text.push(escaped(escape, &mut chars)?),
                    },
                    ' ' | '\t' => {
                        text.push(c);
                        continue;
                    }
                    c => text.push(c),
                }
                kept = text.len();
            }
            self.line += 1;
            let blank_lines = self.blank_lines();
            match joined {
                true if blank_lines > 0 => return Err(YamlFault::Escape('\n')),
                true => {}
                false => {
                    text.truncate(kept);
                    push_break(&mut text, blank_lines);
                }
            }
            self.line += blank_lines;
            kept = text.len();
            let line = self.lines.get(self.line).ok_or(YamlFault::Quotes)?;
            let begin = line.trim_start_matches([' ', '\t']);
            if begin.is_empty() {
                return Err(YamlFault::Tab);
            }
            let indent = line.len() - line.trim_start_matches(' ').len();
            if indent as Parent <= parent || self.is_end() {
                return Err(YamlFault::Quotes);
            }
            self.column = line.len() - begin.len();
        }
    }

    /// Reads a text of several lines: behind `|` with its line ends, behind `>` with blanks instead.
    pub(super) fn literal(&mut self, parent: Parent) -> Result<String, YamlFault> {
        let folded = self.rest().starts_with('>');
        self.column += 1;
        let end = self.rest().chars().next().filter(|c| matches!(c, '+' | '-'));
        self.column += usize::from(end.is_some());
        if let Some(digit) = self.rest().chars().next().filter(char::is_ascii_digit) {
            return Err(YamlFault::Construct(digit));
        }
        self.end_of_line()?;
        let blank = |line: &str| line.trim_start_matches(' ').is_empty();
        let rest = self.lines.get(self.line..).unwrap_or_default();
        let first = rest.iter().find(|line| !blank(line)).copied().unwrap_or_default();
        let indent = first.len() - first.trim_start_matches(' ').len();
        let (mut text, mut empty, mut any) = (String::new(), 0, false);
        while let Some(line) = self.lines.get(self.line).copied() {
            let content = line.get(indent..).filter(|content| !content.is_empty());
            if blank(line) && (content.is_none() || !any) {
                if !any && content.is_some() {
                    return Err(YamlFault::Indentation);
                }
                empty += 1;
                self.line += 1;
                continue;
            }
            let belongs = line.bytes().take(indent).all(|byte| byte == b' ') && indent as Parent > parent;
            let Some(content) = content.filter(|_| belongs && !self.is_end()) else {
                if line.trim_start_matches([' ', '\t']).is_empty() {
                    return Err(YamlFault::Tab);
                }
                break;
            };
            if folded && content.starts_with([' ', '\t']) {
                return Err(YamlFault::Folded);
            }
            match (any, folded) {
                (true, true) => push_break(&mut text, empty),
                (true, false) => (0..=empty).for_each(|_| text.push('\n')),
                (false, _) => (0..empty).for_each(|_| text.push('\n')),
            }
            text.push_str(content);
            (any, empty) = (true, 0);
            self.line += 1;
        }
        self.column = 0;
        match end {
            Some('-') => {}
            Some(_) => (0..empty + usize::from(any)).for_each(|_| text.push('\n')),
            None if any => text.push('\n'),
            None => {}
        }
        Ok(text)
    }
}

/// A line end in a text is a blank; lines without content behind it are line ends.
fn push_break(text: &mut String, blank_lines: usize) {
    match blank_lines {
        0 => text.push(' '),
        _ => (0..blank_lines).for_each(|_| text.push('\n')),
    }
}

/// Returns the character that stands behind a backslash.
fn escaped(escape: char, more: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> Result<char, YamlFault> {
    let digits = match escape {
        '0' => return Ok('\0'),
        'a' => return Ok('\x07'),
        'b' => return Ok('\x08'),
        't' | '\t' => return Ok('\t'),
        'n' => return Ok('\n'),
        'v' => return Ok('\x0b'),
        'f' => return Ok('\x0c'),
        'r' => return Ok('\r'),
        'e' => return Ok('\x1b'),
        ' ' | '"' | '/' | '\\' => return Ok(escape),
        'N' => return Ok('\u{85}'),
        '_' => return Ok('\u{a0}'),
        'L' => return Ok('\u{2028}'),
        'P' => return Ok('\u{2029}'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return Err(YamlFault::Escape(escape)),
    };
    let mut code = 0_u32;
    for _ in 0..digits {
        let digit = more.next().and_then(|(_, c)| c.to_digit(16)).ok_or(YamlFault::Escape(escape))?;
        code = code.wrapping_mul(16) | digit;
    }
    char::from_u32(code).ok_or(YamlFault::Escape(escape))
}
