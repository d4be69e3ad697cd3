//! Which names are those of secrets. Looks at a name alone, whole words of it in any spelling (`apiKey`, `api_key`,
//! `API-KEY`, `api.key`); where names and values stand in a text is `assign`'s business.

/// Names longer than this are not looked at.
pub const NAME_MAX: usize = 128;
/// No word of interest is longer.
const WORD_MAX: usize = 24;

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Name {
    /// Nothing.
    Plain,
    /// It is secret if it is long, and no tag of this name is hidden for its name: signatures.
    Long,
    /// It is secret unless it is a number: `token_count=12`.
    Number,
    /// It is secret if it is long: `key=42` is more often a cache's than a lock's.
    Key,
    /// It is secret.
    Secret,
    /// It is secret, and may come after the name of a scheme: `Authorization: Basic …`.
    Header,
    /// It is secret, and goes on to the end of the line: cookies.
    Line,
}

/// What this name says of its value.
pub fn class(name: &str) -> Name {
    let bytes = name.as_bytes();
    if bytes.len() < 3 || bytes.len() > NAME_MAX {
        return Name::Plain;
    }
    let mut found = Name::Plain;
    let mut words = 0;
    let mut counts = false;
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let end = word_end(bytes, at);
        let is = word(&bytes[at..end]);
        counts |= is == Name::Number || bytes[at..end].eq_ignore_ascii_case(b"tokens");
        if is != Name::Number && (found == Name::Plain || found == Name::Long || is > Name::Long) {
            found = is;
        }
        words += 1;
        at = end;
    }
    match found {
        Name::Plain if !is_pass(bytes) => Name::Plain,
        Name::Plain if words > 1 => Name::Secret,
        _ if counts => Name::Number,
        Name::Key if bytes.len() != 3 => Name::Secret,
        _ => found,
    }
}

/// The end of the word that begins here: at a gap, or where a capital follows a small letter, or the last capital of
/// several before a small letter (`HTTPToken`).
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

/// Whether the last word is `pass`, which alone is more often said of a test.
fn is_pass(name: &[u8]) -> bool {
    let Some(head) = name.len().checked_sub(4).filter(|n| name[*n..].eq_ignore_ascii_case(b"pass")) else {
        return false;
    };
    name[..head].last().is_none_or(|b| !b.is_ascii_alphabetic() || name[head] == b'P' && b.is_ascii_lowercase())
}

fn word(word: &[u8]) -> Name {
    if !(3..=WORD_MAX).contains(&word.len()) {
        return if matches!(word, b"ms" | b"MS" | b"Ms") { Name::Number } else { Name::Plain };
    }
    let mut lower = [0; WORD_MAX];
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"key" | b"keys" => Name::Key,
        b"auth" | b"token" | b"tokens" | b"secret" | b"secrets" | b"password" | b"passwords" | b"passwd" | b"pwd"
        | b"passphrase" | b"passcode" | b"credential" | b"credentials" | b"creds" | b"bearer" | b"jwt" | b"cvv"
        | b"cvc" | b"ssn" => Name::Secret,
        b"authorization" => Name::Header,
        b"cookie" | b"cookies" => Name::Line,
        b"sign" | b"signed" | b"signature" | b"sig" | b"authentication" => Name::Long,
        b"pass" | b"count" | b"counts" | b"size" | b"length" | b"len" | b"total" | b"limit" | b"max" | b"min"
        | b"ttl" | b"bytes" | b"seconds" | b"age" | b"expiry" | b"expires" | b"expiration" | b"version" | b"index"
        | b"rate" | b"ratio" | b"used" | b"left" | b"remaining" => Name::Number,
        glued if has_ending(glued) => Name::Secret,
        _ => Name::Plain,
    }
}

/// Whether a word written without a gap ends like the name of a secret (`dbpassword`, `accesstoken`, `apikey`).
fn has_ending(word: &[u8]) -> bool {
    let Some(last) = word.last() else { return false };
    let endings: &[&[u8]] = match last {
        b'n' => &[b"token"],
        b't' => &[b"secret"],
        b'd' => &[b"password", b"passwd", b"pwd", b"sessid", b"jsessionid"],
        b'e' => &[b"passphrase"],
        b's' => &[b"credentials", b"apikeys"],
        b'y' => &[b"apikey", b"appkey", b"accesskey", b"privatekey", b"secretkey", b"authkey", b"accountkey"],
        b'h' => &[b"xauth", b"basicauth", b"httpauth"],
        _ => &[],
    };
    endings.iter().any(|ending| word.ends_with(ending))
}

/// Whether a name is that of an id, whose numbers are no cards: its last word is `id`, or a word that is glued to it.
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
            ("cache_key", Name::Secret),
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
    fn ids_are_told_from_words_that_end_like_them() {
        for name in ["id", "trace_id", "dd.span_id", "traceId", "traceid", "Order.ID", "uuid"] {
            assert!(is_id(name.as_bytes()), "{name}");
        }
        for name in ["paid", "valid", "grid", "card", "i", ""] {
            assert!(!is_id(name.as_bytes()), "{name}");
        }
    }
}
