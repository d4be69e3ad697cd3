//! Patterns of sampling rules: `*` matches any text, `?` one character; everything else matches itself, whatever the case
//! of its ASCII letters. There are no sets and no escapes.

/// Comparisons for each byte of a text, on average, after which a pattern counts as not matching. A part of a pattern
/// behind a `*` is compared at each place of the text once, so that only longer parts can need more, in texts that repeat
/// their beginning again and again.
const COMPARED_MAX: usize = 64;

/// Whether a pattern matches the whole text. Needs no memory, and time in proportion to the lengths.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut left = text.len().saturating_mul(COMPARED_MAX).saturating_add(pattern.len());
    let (mut p, mut t) = (0, 0);
    // Behind the last `*`, and where its match ends.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        left -= 1;
        if left == 0 {
            return false;
        }
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                star = Some((p, t));
            }
            Some(b'?') => {
                p += 1;
                t += width(text[t]);
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, end)) = star else { return false };
                let end = end + width(text[end]);
                star = Some((behind, end));
                (p, t) = (behind, end);
            }
        }
    }
    t == text.len() && pattern[p..].iter().all(|&byte| byte == b'*')
}

/// The length of the character that begins with this byte.
fn width(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

/// Whether a pattern is nothing but stars, and so matches every text.
pub fn is_any(pattern: &[u8]) -> bool {
    !pattern.is_empty() && pattern.iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "abc", true),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("sh*p", "shop", true),
            ("sh*p", "SHxxP", true),
            ("*.request", "web.request", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
            ("web[.]request", "web.request", false),
            ("a?c*", "abc", true),
            ("*é?", "xxéé", true),
            ("*?é", "é", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_long_part_in_a_text_that_repeats_itself_is_given_up() {
        let text = [&[b'a'; 25_000][..], b"b"].concat();
        let pattern = |length| [b"*", &vec![b'a'; length][..], b"b*"].concat();
        assert!(matches(&pattern(60), &text), "parts of up to 62 characters are always found");
        // Half the product of both lengths, 156 million steps, if it were not given up.
        assert!(!matches(&pattern(12_500), &text));
        assert!(matches(&pattern(25_000), &text), "found at the first place");
    }

    #[test]
    fn any_bytes_are_matched_without_a_panic() {
        for text in [&b"\xff"[..], b"a\xe2", b"\xf0\x9f", b"\x80\x80"] {
            for pattern in ["*", "?", "*?", "a?", "*a", "????"] {
                matches(pattern.as_bytes(), text);
            }
        }
    }
}
