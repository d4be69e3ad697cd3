//! Finds the headers of all styles among those of a request, in one pass.

use super::headers::{Field, Fields, Repeated};
use super::list::STYLES;

/// Room for the headers of all styles.
const MAX: usize = 16;
/// A list of several headers is joined up to so many bytes.
const JOINED_MAX: usize = 32 * 1024;
/// Headers of one list that are joined at most.
const JOINS_MAX: u32 = 64;

const NO_FIELD: Field = Field::first("");
/// The headers of all styles in the order of `STYLES`, their number, and the place of each style's first one.
const FLAT: ([Field; MAX], usize, [usize; STYLES.len()]) = {
    let (mut all, mut count, mut starts) = ([NO_FIELD; MAX], 0, [0; STYLES.len()]);
    let mut style = 0;
    while style < STYLES.len() {
        starts[style] = count;
        let mut n = 0;
        while n < STYLES[style].headers.len() {
            all[count] = STYLES[style].headers[n];
            (n, count) = (n + 1, count + 1);
        }
        style += 1;
    }
    (all, count, starts)
};
static FIELDS: [Field; MAX] = FLAT.0;
/// For each length of a name the first field that has it, plus 1, and for each field the next one.
static FIRST: [u8; 64] = CHAINS.0;
static NEXT: [u8; MAX] = CHAINS.1;
const CHAINS: ([u8; 64], [u8; MAX]) = {
    let (mut first, mut next, mut n) = ([0; 64], [0; MAX], FLAT.1);
    while n > 0 {
        n -= 1;
        let length = FLAT.0[n].name.len();
        next[n] = first[length];
        first[length] = n as u8 + 1;
    }
    (first, next)
};
const COUNT: usize = FLAT.1;

/// The headers that some style reads.
pub struct Headers<'a> {
    /// Their values; empty where there is none.
    values: [&'a [u8]; COUNT],
    /// Lists that are joined of several headers, with the field's number.
    joined: Vec<(usize, Vec<u8>)>,
}

impl<'a> Headers<'a> {
    /// Looks through names and values. A name is compared without regard to case; it may also have the form that CGI
    /// gives it (`HTTP_X_DATADOG_TRACE_ID`).
    #[inline]
    pub fn collect(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Headers<'a> {
        let mut found = Headers { values: [&[]; COUNT], joined: Vec::new() };
        let (mut seen, mut void, mut joins) = (0u32, 0u32, 0);
        for (name, value) in headers {
            let (name, in_cgi) = match name.strip_prefix(b"HTTP_") {
                Some(rest) => (rest, true),
                None => (name, false),
            };
            let Some(n) = number_of(name, in_cgi) else { continue };
            if seen >> n & 1 == 0 {
                seen |= 1 << n;
                found.values[n] = value;
            } else {
                match FIELDS[n].repeated {
                    Repeated::First => {}
                    Repeated::Void => void |= 1 << n,
                    Repeated::List if joins < JOINS_MAX => {
                        joins += 1;
                        found.join(n, value);
                    }
                    Repeated::List => {}
                }
            }
        }
        if void != 0 {
            (0..COUNT).filter(|n| void >> n & 1 == 1).for_each(|n| found.values[n] = &[]);
        }
        found
    }

    /// Adds a further header to a list.
    #[cold]
    fn join(&mut self, n: usize, value: &[u8]) {
        match self.joined.iter_mut().find(|(other, _)| *other == n) {
            Some((_, former)) if former.len() + value.len() < JOINED_MAX => {
                former.push(b',');
                former.extend_from_slice(value);
            }
            None if self.values[n].len() + value.len() < JOINED_MAX => {
                self.joined.push((n, [self.values[n], value].join(&b',')));
            }
            _ => {}
        }
    }

    /// The headers of a style.
    #[inline]
    pub fn of<'b>(&'b self, style: usize) -> Fields<'b> {
        Fields { values: &self.values, joined: &self.joined, first: FLAT.2[style] }
    }
}

/// The number of the field of this name.
#[inline]
fn number_of(name: &[u8], in_cgi: bool) -> Option<usize> {
    let mut number = *FIRST.get(name.len())?;
    while let Some(n) = usize::from(number).checked_sub(1) {
        if is_named(FIELDS[n].name, name, in_cgi) {
            return Some(n);
        }
        number = NEXT[n];
    }
    None
}

#[inline]
fn is_named(field: &str, name: &[u8], in_cgi: bool) -> bool {
    let field = field.as_bytes();
    field.len() == name.len() && (field == name || is_named_loosely(field, name, in_cgi))
}

fn is_named_loosely(field: &[u8], name: &[u8], in_cgi: bool) -> bool {
    let plain = |byte: u8| if in_cgi && byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    field.iter().zip(name).all(|(&field, &name)| field == plain(name))
}
