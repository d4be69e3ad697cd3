//! Decides whether a name is that of a secret, by its words in any spelling (`apiKey`, `api_key`, `API-KEY`,
//! `api.key`).
//! `assign` finds names and values in a text.

use super::words;

/// Maximum length of the name of a secret, in bytes.
pub const NAME_MAX: usize = 128;
/// Length of the longest word that is looked up, in bytes.
pub const WORD_MAX: usize = 24;

/// What a name implies for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Name {
    /// Nothing.
    Plain,
    /// The value is secret if it is long: signatures. The name alone makes no value a secret.
    Long,
    /// The value is secret unless it is a number: `token_count=12`.
    Number,
    /// `key` alone. As the name of a tag, it is the key of a cache. In a text, its value is secret if it looks
    /// generated.
    Key,
    /// The value is secret.
    Secret,
    /// The value is secret. A scheme may precede it: `Authorization: Basic …`.
    Header,
    /// The value is secret and extends to the end of the line: cookies.
    Line,
}

/// Whether the name is one of the harmless ones that most spans have: looking its words up takes longer.
fn is_usual(name: &str) -> bool {
    match name.len() {
        8 => matches!(name, "http.url" | "language"),
        9 => matches!(name, "component" | "span.kind" | "db.system"),
        10 => matches!(name, "http.route" | "runtime-id"),
        11 => matches!(name, "http.method" | "db.instance"),
        16 => name == "http.status_code",
        _ => false,
    }
}

/// Classifies a name.
pub fn class(name: &str) -> Name {
    let bytes = name.as_bytes();
    if bytes.len() < 3 || bytes.len() > NAME_MAX || is_usual(name) {
        return Name::Plain;
    }
    let mut found = Name::Plain;
    let mut words = 0;
    let mut counts = false;
    let mut keys = Keys::default();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let end = word_end(bytes, at);
        let mut lower = [0; WORD_MAX];
        let lower = lowered(&bytes[at..end], &mut lower);
        let is = match is_known(lower) {
            true => keys.take(lower).unwrap_or_else(|| word(lower)),
            false => keys.take_unknown(lower),
        };
        counts |= is == Name::Number || lower == b"tokens";
        if !matches!(is, Name::Number | Name::Plain) && (found == Name::Plain || found == Name::Long || is > Name::Long)
        {
            found = is;
        }
        words += 1;
        at = end;
    }
    if keys.of_a_lock() && found <= Name::Long {
        found = Name::Secret;
    }
    match found {
        Name::Plain if is_pass(bytes) && words > 1 => Name::Secret,
        Name::Plain if is_pass(bytes) => Name::Number,
        Name::Plain if keys.plain && words == 1 => Name::Key,
        Name::Plain => Name::Plain,
        _ if counts => Name::Number,
        _ => found,
    }
}

/// Collects what the words of a name say about the word `key` in it. Most keys are those of caches and tables.
#[derive(Default)]
struct Keys {
    /// The last word makes a following `key` a secret: `api`.
    qualified: bool,
    /// The last word makes a following `key` harmless: `public`.
    public: bool,
    /// There was a word of cryptography: `rsa`.
    with: bool,
    /// There was a `key` about which the word before says nothing.
    plain: bool,
}

impl Keys {
    /// Takes the next word. Returns what it implies if it is `key` or `keys`.
    fn take(&mut self, word: &[u8]) -> Option<Name> {
        if matches!(word, b"key" | b"keys") {
            let is = if self.qualified { Name::Secret } else { Name::Plain };
            self.plain |= !self.qualified && !self.public;
            return Some(is);
        }
        self.with |= is_one(word, words::WITH_KEY);
        // A single letter is a part of a version: `api.v2.key`.
        if word.len() > 1 {
            self.qualified = is_one(word, words::BEFORE_KEY);
            self.public = word == b"public";
        }
        None
    }

    /// Does the same for a word that is in no list.
    fn take_unknown(&mut self, word: &[u8]) -> Name {
        if word.len() > 1 {
            (self.qualified, self.public) = (false, false);
        }
        if has_ending(word) {
            Name::Secret
        } else {
            Name::Plain
        }
    }

    /// Whether the name is that of a secret because it has `key` and, anywhere, a word of cryptography.
    fn of_a_lock(&self) -> bool {
        self.plain && self.with
    }
}

/// Whether two words of a sentence, such as `API key`, are the name of a secret.
pub fn is_key_of_a_lock(words: &str) -> bool {
    class(words) == Name::Secret
}

/// Whether this word before `key` in a sentence makes it the key of data, which is no secret: `cache key`.
pub fn is_of_data(word: &[u8]) -> bool {
    let mut lower = [0; WORD_MAX];
    is_one(lowered(word, &mut lower), words::OF_DATA)
}

fn is_one(word: &[u8], of: &[&str]) -> bool {
    of.iter().any(|known| known.as_bytes() == word)
}

/// Bits of a table in which every known word has set one.
const KNOWN_BITS: usize = 4096;
static KNOWN: [u64; KNOWN_BITS / 64] = known();

const fn known() -> [u64; KNOWN_BITS / 64] {
    let lists: [&[&str]; 8] = [
        words::SECRET,
        words::HEADER,
        words::LINE,
        words::LONG,
        words::NUMBER,
        words::BEFORE_KEY,
        words::WITH_KEY,
        &["key", "keys", "ms", "public"],
    ];
    let (mut table, mut list) = ([0; KNOWN_BITS / 64], 0);
    while list < lists.len() {
        let mut n = 0;
        while n < lists[list].len() {
            let bit = bit_of(lists[list][n].as_bytes());
            table[bit / 64] |= 1 << (bit % 64);
            n += 1;
        }
        list += 1;
    }
    table
}

const fn bit_of(word: &[u8]) -> usize {
    let (first, second, last) = (word[0] as usize, word[1] as usize, word[word.len() - 1] as usize);
    (first * 331 + second * 37 + last * 7 + word.len() * 1013) % KNOWN_BITS
}

/// Whether a word in lower case may be in one of the lists: a quick test that most other words fail.
fn is_known(word: &[u8]) -> bool {
    word.len() > 1 && KNOWN[bit_of(word) / 64] >> (bit_of(word) % 64) & 1 != 0
}

/// Returns the word in lower case; empty if it is longer than every word that is looked up.
fn lowered<'a>(word: &[u8], into: &'a mut [u8; WORD_MAX]) -> &'a [u8] {
    let Some(lower) = into.get_mut(..word.len()) else { return &[] };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    lower
}

/// Returns the end of the word that begins here: at a byte that is no letter, at a capital after a small letter, or at
/// the last of several capitals if a small letter follows it (`HTTPToken`).
fn word_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at].is_ascii_alphabetic() {
        let hump = bytes[at].is_ascii_uppercase()
            && (bytes[at - 1].is_ascii_lowercase()
                || (at > start + 1 && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase)));
        if hump {
            break;
        }
        at += 1;
    }
    at
}

/// Whether the last word is `pass`. A name with no other word is usually about a test.
fn is_pass(name: &[u8]) -> bool {
    let Some(head) = name.len().checked_sub(4).filter(|n| name[*n..].eq_ignore_ascii_case(b"pass")) else {
        return false;
    };
    name[..head].last().is_none_or(|b| !b.is_ascii_alphabetic() || name[head] == b'P' && b.is_ascii_lowercase())
}

/// Returns what one word, in lower case, implies.
fn word(word: &[u8]) -> Name {
    let is = |of| is_one(word, of);
    match word.len() {
        2 if word == b"ms" => Name::Number,
        0..=2 => Name::Plain,
        _ if is(words::SECRET) => Name::Secret,
        _ if is(words::HEADER) => Name::Header,
        _ if is(words::LINE) => Name::Line,
        _ if is(words::LONG) => Name::Long,
        _ if is(words::NUMBER) => Name::Number,
        _ if has_ending(word) => Name::Secret,
        _ => Name::Plain,
    }
}

/// Whether a word written without a gap ends like the name of a secret (`dbpassword`, `accesstoken`, `apikey`).
fn has_ending(word: &[u8]) -> bool {
    let ends = |of: &[&str], word: &[u8]| of.iter().any(|ending| word.ends_with(ending.as_bytes()));
    if let [.., b'k', b'e', b'y'] | [.., b'k', b'e', b'y', b's'] = word {
        let head = word.strip_suffix(b"keys").or_else(|| word.strip_suffix(b"key"));
        return head.is_some_and(|head| ends(words::GLUED_TO_KEY, head));
    }
    // A quick test first: these are the last letters of all endings.
    match word {
        [.., b't', b'h'] | [.., b'l', b's'] | [.., b'i', b'd'] | [.., b's', b'e'] => ends(words::ENDINGS, word),
        [.., b'w' | b'r', b'd'] | [.., b'e', b't' | b'n'] => ends(words::ENDINGS, word),
        _ => false,
    }
}

/// Whether a name is that of an id, whose value is not taken for a card number: it ends in the word `id`, or in a known
/// word glued to `id`.
pub fn is_id(name: &[u8]) -> bool {
    let Some(head) = name.len().checked_sub(2).filter(|n| name[*n..].eq_ignore_ascii_case(b"id")) else {
        return false;
    };
    let hump = name[head] == b'I' && name.get(head.wrapping_sub(1)).is_none_or(|b| !b.is_ascii_uppercase());
    let start = name[..head].iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |n| n + 1);
    let glued = &name[start..head];
    let known: [&[u8]; 12] =
        [b"trace", b"span", b"parent", b"request", b"user", b"order", b"message", b"gu", b"uu", b"p", b"t", b"u"];
    hump || glued.is_empty() || known.iter().any(|word| glued.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_decide_in_every_spelling() {
        for (name, what) in [
            ("DD_API_KEY", Name::Secret),
            ("x-auth-token", Name::Secret),
            ("authToken", Name::Secret),
            ("HTTPAuth", Name::Secret),
            ("db.password2", Name::Secret),
            ("APIKEY", Name::Secret),
            ("clientsecret", Name::Secret),
            ("PHPSESSID", Name::Secret),
            ("Key", Name::Key),
            ("keys", Name::Key),
            ("cache_key", Name::Plain),
            ("api.v2.key", Name::Secret),
            ("token.cache.key", Name::Secret),
            ("api_key_count", Name::Number),
            ("sshkeys", Name::Secret),
            ("ssh_host_ed25519_key", Name::Secret),
            ("ssh.public_key", Name::Plain),
            ("turkey", Name::Plain),
            ("Set-Cookie", Name::Line),
            ("Proxy-Authorization", Name::Header),
            ("signature", Name::Long),
            ("token_count", Name::Number),
            ("maxTokenAge", Name::Number),
            ("smtp_pass", Name::Secret),
            ("pass", Name::Number),
            ("bypass", Name::Plain),
            ("dbPass", Name::Secret),
            ("max_tokens", Name::Number),
            ("count", Name::Plain),
            ("author", Name::Plain),
            ("authority", Name::Plain),
            ("monkey", Name::Plain),
            ("keyspace", Name::Plain),
            ("keyboard", Name::Plain),
            ("tokenizer", Name::Plain),
            ("signal", Name::Plain),
            ("", Name::Plain),
        ] {
            assert_eq!(class(name), what, "{name}");
        }
    }

    #[test]
    fn usual_names_are_harmless_by_their_words_as_well() {
        for name in "http.url language component span.kind db.system http.route runtime-id http.method db.instance \
                     http.status_code"
            .split_ascii_whitespace()
        {
            assert!(is_usual(name) && class(&format!("x {name}")) == Name::Plain, "{name}");
        }
    }

    #[test]
    fn the_quick_tests_of_a_word_let_every_listed_word_and_ending_pass() {
        let lists = [words::SECRET, words::HEADER, words::LINE, words::LONG, words::NUMBER];
        for word in lists.iter().chain([&words::BEFORE_KEY, &words::WITH_KEY]).copied().flatten() {
            assert!(word.len() <= WORD_MAX && is_known(word.as_bytes()), "{word}");
        }
        for ending in words::ENDINGS {
            assert!(has_ending(format!("x{ending}").as_bytes()), "{ending}");
        }
        assert!(!is_known(b"component") && !is_known(b""));
    }

    #[test]
    fn the_examples_of_the_documentation_hold_in_every_spelling() {
        for (name, removed) in words::EXAMPLES {
            let spaced = name.replace(['_', '-', '.'], " ");
            let kebab = spaced.replace(' ', "-");
            let dots = spaced.replace(' ', ".");
            let upper = name.to_uppercase();
            for spelling in [name, spaced.as_str(), &kebab, &dots, &upper] {
                let humps = upper == spelling
                    && name.chars().any(|c| c.is_ascii_lowercase())
                    && !name.contains(['_', '-', '.']);
                // Without gaps, `CACHEKEY` is one word.
                if !humps {
                    assert_eq!(super::super::removes(spelling), *removed, "{spelling}");
                }
            }
        }
    }

    #[test]
    fn ids_are_told_from_words_that_end_like_them() {
        for name in ["id", "trace_id", "dd.span_id", "traceId", "traceid", "Order.ID", "uuid"] {
            assert!(is_id(name.as_bytes()), "{name}");
        }
        for name in ["paid", "valid", "grid", "card", "i", ""] {
            assert!(!is_id(name.as_bytes()), "{name}");
        }
    }
}
