//! Finds the headers of all styles among those of a request, in one pass.

use super::headers::{Field, Fields, Repeated};
use super::list::STYLES;
use crate::sys;

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
/// For each length of a name the number of the first field that has it, which is its place plus 1, and for each number
/// the next one. 0 is none.
static FIRST: [u8; 64] = CHAINS.0;
static NEXT: [u8; MAX] = CHAINS.1;
const CHAINS: ([u8; 64], [u8; MAX]) = {
    let (mut first, mut next, mut number) = ([0; 64], [0; MAX], FLAT.1);
    while number > 0 {
        let length = FLAT.0[number - 1].name.len();
        next[number] = first[length];
        first[length] = number as u8;
        number -= 1;
    }
    (first, next)
};
const COUNT: usize = FLAT.1;
// `words_of` covers no more.
const _: () = {
    let mut n = 0;
    while n < COUNT {
        assert!(FLAT.0[n].name.len() <= 32);
        n += 1;
    }
};

/// For each number the name in words, see [`words_of`].
static NAMES: [[u128; 2]; MAX] = {
    let (mut names, mut n) = ([[0; 2]; MAX], 0);
    while n < COUNT {
        names[n + 1] = words_of(FIELDS[n].name.as_bytes());
        n += 1;
    }
    names
};

/// Lists that are joined of several headers, with the field's number.
pub type Joined = Vec<(usize, Vec<u8>)>;

/// The headers that some style reads.
#[derive(Default)]
pub struct Headers<'a> {
    /// Their values, by number.
    values: [Option<&'a [u8]>; MAX],
}

impl<'a> Headers<'a> {
    /// Looks through names and values. A name is compared without regard to case; it may also have the form that CGI
    /// gives it (`HTTP_X_DATADOG_TRACE_ID`). Lists of several headers are in `joined` afterwards.
    #[inline(never)]
    pub fn collect<'b: 'a>(&mut self, headers: impl Iterator<Item = (&'b [u8], &'b [u8])>, joined: &mut Joined) {
        let mut again = Again::default();
        for (name, value) in headers {
            let number = number_of(name);
            if number == 0 {
                continue;
            }
            let place = &mut self.values[number % MAX];
            match *place {
                None => *place = Some(value),
                Some(first) => again.add(number, first, value, joined),
            }
        }
        if again.void != 0 {
            (0..MAX).filter(|n| again.void >> n & 1 == 1).for_each(|n| self.values[n] = None);
        }
    }

    /// Adds the lists that were joined.
    #[inline]
    pub fn take_in(&mut self, joined: &'a Joined) {
        for (number, text) in joined {
            self.values[*number] = Some(text);
        }
    }

    /// The headers of a style.
    #[inline]
    pub fn of(&self, style: usize) -> Fields<'_> {
        Fields(&self.values[FLAT.2[style] + 1..])
    }
}

/// What further headers of a name mean.
#[derive(Default)]
struct Again {
    /// The numbers of headers that void each other, one bit each.
    void: u32,
    joins: u32,
}

impl Again {
    #[cold]
    #[inline(never)]
    fn add(&mut self, number: usize, first: &[u8], value: &[u8], joined: &mut Joined) {
        match FIELDS[number - 1].repeated {
            Repeated::Void => self.void |= 1 << number,
            Repeated::List if self.joins < JOINS_MAX => {
                self.joins += 1;
                sys::keep_errno(|| join(joined, number, first, value));
            }
            Repeated::First | Repeated::List => {}
        }
    }
}

/// Adds a further header to a list, whose first one is given, too.
fn join(joined: &mut Joined, n: usize, first: &[u8], value: &[u8]) {
    match joined.iter_mut().find(|(other, _)| *other == n) {
        Some((_, former)) if former.len() + value.len() < JOINED_MAX => {
            former.push(b',');
            former.extend_from_slice(value);
        }
        None if first.len() + value.len() < JOINED_MAX => joined.push((n, [first, value].join(&b','))),
        _ => {}
    }
}

/// The number of the field of this name; 0 if there is none.
#[inline(always)]
fn number_of(name: &[u8]) -> usize {
    let Some(&number) = FIRST.get(name.len()) else { return 0 };
    let number = usize::from(number) % MAX;
    if number != 0 && has_words(&NAMES[number], name) {
        return number;
    }
    // Names that begin with `H` may have the form of CGI.
    if number == 0 && name.first() != Some(&b'H') {
        return 0;
    }
    number_of_unusual(name)
}

/// The same for a name in any form.
#[inline(never)]
fn number_of_unusual(name: &[u8]) -> usize {
    let (rest, in_cgi) = match name.strip_prefix(b"HTTP_") {
        Some(rest) => (rest, true),
        None => (name, false),
    };
    let Some(&number) = FIRST.get(rest.len()) else { return 0 };
    let mut number = usize::from(number) % MAX;
    while number != 0 && !is_named(number, rest, in_cgi) {
        number = usize::from(NEXT[number]) % MAX;
    }
    number
}

/// Whether the name of this length is that of a field, in any case.
fn is_named(number: usize, name: &[u8], in_cgi: bool) -> bool {
    let plain = |byte: u8| if in_cgi && byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    FIELDS[number - 1].name.bytes().zip(name).all(|(field, &name)| field == plain(name))
}

/// Whether a name of the same length has these words.
#[inline(always)]
fn has_words([first, last]: &[u128; 2], name: &[u8]) -> bool {
    if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
        return (first ^ u128::from_le_bytes(*head)) | (last ^ u128::from_le_bytes(*tail)) == 0;
    }
    if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
        return (*first as u64 ^ u64::from_le_bytes(*head)) | (*last as u64 ^ u64::from_le_bytes(*tail)) == 0;
    }
    words_of(name)[0] == *first
}

/// Up to 32 bytes of a name, from both ends, which overlap. Names of equal length with equal words are equal.
#[inline(always)]
const fn words_of(name: &[u8]) -> [u128; 2] {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u128::from_le_bytes(*first), u128::from_le_bytes(*last)];
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u64::from_le_bytes(*first) as u128, u64::from_le_bytes(*last) as u128];
    }
    let (mut word, mut n) = (0, 0);
    while n < name.len() {
        word = word << 8 | name[n] as u128;
        n += 1;
    }
    [word, 0]
}
