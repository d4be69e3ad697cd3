//! Reads trace ids as people paste them: from a log line, a header, an address in the browser, a debugger.

/// One reading of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// The upper half; `None` if the text has only the lower one.
    pub high: Option<u64>,
    /// The lower half.
    pub low: u64,
    /// How it was read.
    pub base: Base,
}

/// The notation of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Decimal,
    Hexadecimal,
}

impl Base {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Base::Decimal => "decimal",
            Base::Hexadecimal => "hexadecimal",
        }
    }
}

impl Id {
    /// Returns the id in hexadecimal digits: 32, or 16 if only the lower half is known.
    pub fn hex(&self) -> String {
        match self.high {
            Some(high) => format!("{high:016x}{:016x}", self.low),
            None => format!("{:016x}", self.low),
        }
    }

    fn of(number: u128, whole: bool, base: Base) -> Id {
        let high = (number >> 64) as u64;
        Id { high: (whole && high != 0).then_some(high), low: number as u64, base }
    }
}

/// Returns the time at which a trace began, in seconds since 1970, if the upper half of its id holds it: tracers of Datadog
/// put it into the upper 32 bits, and zeros below.
pub fn began(high: u64) -> Option<u64> {
    let seconds = high >> 32;
    // From 2015 to 2100.
    (high as u32 == 0 && (1_420_070_400..4_102_444_800).contains(&seconds)).then_some(seconds)
}

/// Returns the readings of a text, the most likely one first; none if it holds no id. A text that may be decimal and
/// hexadecimal has two.
pub fn parse(text: &str) -> Vec<Id> {
    let text = text.trim();
    if let Some(id) = traceparent(text) {
        return vec![id];
    }
    let value = after_name(text);
    let value = value.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let (marked, digits) = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    // A UUID has its digits in groups.
    let joined: String = digits.chars().filter(|&c| c != '-' && c != '_').collect();
    if joined.is_empty() || !joined.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Vec::new();
    }
    let significant = joined.trim_start_matches('0');
    let hexadecimal = || {
        let number = if significant.is_empty() { Ok(0) } else { u128::from_str_radix(significant, 16) };
        number.ok().map(|number| Id::of(number, true, Base::Hexadecimal))
    };
    let all_digits = joined.bytes().all(|byte| byte.is_ascii_digit());
    let decimal = || joined.parse::<u128>().ok().map(|number| Id::of(number, true, Base::Decimal));
    let mut ids = Vec::new();
    if all_digits && !marked {
        match joined.len() {
            // Whole ids in hexadecimal have this many digits; a decimal one of 32 digits is far less likely.
            32 => ids.extend(hexadecimal().into_iter().chain(decimal())),
            16 => ids.extend(decimal().into_iter().chain(hexadecimal())),
            _ => ids.extend(decimal()),
        }
    } else {
        ids.extend(hexadecimal());
    }
    ids.retain(|id| (id.high, id.low) != (None, 0));
    ids.dedup_by_key(|id| (id.high, id.low));
    ids
}

/// Reads a `traceparent`: `00-TRACE-SPAN-FLAGS`.
fn traceparent(text: &str) -> Option<Id> {
    let text = text.strip_prefix("traceparent").map_or(text, |rest| rest.trim_start_matches([':', '=', ' ']));
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { return None };
    if (version.len(), trace.len(), span.len(), flags.len()) != (2, 32, 16, 2) {
        return None;
    }
    u128::from_str_radix(trace, 16).ok().map(|number| Id::of(number, true, Base::Hexadecimal))
}

/// Returns what follows a name such as `dd.trace_id=` or `"trace_id":`, up to the next blank or comma.
fn after_name(text: &str) -> &str {
    let names = ["trace_id", "traceid", "trace-id", "traceId", "TraceId", "traceID"];
    let rest = names.iter().find_map(|name| Some(&text[text.find(name)? + name.len()..])).unwrap_or(text);
    let rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    // The end of an address in the browser: `/apm/trace/ID?…`.
    let rest = rest.rsplit_once("/trace/").map_or(rest, |(_, id)| id);
    let end = rest.find(|c: char| c.is_whitespace() || ",;\"'}&?)]".contains(c)).unwrap_or(rest.len());
    &rest[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGH: u64 = 0x68e7_d1a2_0000_0000;

    #[track_caller]
    fn assert_reads(text: &str, ids: &[(Option<u64>, u64, Base)]) {
        let read: Vec<_> = parse(text).into_iter().map(|id| (id.high, id.low, id.base)).collect();
        assert_eq!(read, ids, "{text:?}");
    }

    #[test]
    fn an_id_is_read_in_any_form_that_people_paste() {
        let whole = &[(Some(HIGH), 0x0123_4567_89ab_cdef, Base::Hexadecimal)][..];
        for text in [
            "68e7d1a2000000000123456789abcdef",
            "68E7D1A2000000000123456789ABCDEF",
            "0x68e7d1a2000000000123456789abcdef",
            " dd.trace_id=68e7d1a2000000000123456789abcdef ",
            "dd.trace_id=68e7d1a2000000000123456789abcdef dd.span_id=77",
            "\"dd.trace_id\":\"68e7d1a2000000000123456789abcdef\",",
            "[dd.service=shop dd.trace_id=68e7d1a2000000000123456789abcdef dd.span_id=5]",
            "68e7d1a2-0000-0000-0123-456789abcdef",
            "00-68e7d1a2000000000123456789abcdef-00f067aa0ba902b7-01",
            "traceparent: 00-68e7d1a2000000000123456789abcdef-00f067aa0ba902b7-01",
            "https://app.example.com/apm/trace/68e7d1a2000000000123456789abcdef?colorBy=service",
        ] {
            assert_reads(text, whole);
        }
        let half = &[(None, 0x0123_4567_89ab_cdef, Base::Hexadecimal)][..];
        for text in ["0123456789abcdef", "0x123456789abcdef", "00000000000000000123456789abcdef", "(123456789abcdef)"] {
            assert_reads(text, half);
        }
        let decimal = &[(None, 13_931_074_883_647_674_919, Base::Decimal)][..];
        for text in ["13931074883647674919", "dd.trace_id=13931074883647674919", "trace_id: 13931074883647674919,"] {
            assert_reads(text, decimal);
        }
        let number = (u128::from(HIGH) << 64 | 5).to_string();
        assert_reads(&number, &[(Some(HIGH), 5, Base::Decimal)]);
    }

    #[test]
    fn a_number_that_may_be_decimal_and_hexadecimal_is_read_as_both() {
        assert_reads(
            "1234567890123456",
            &[(None, 1_234_567_890_123_456, Base::Decimal), (None, 0x1234_5678_9012_3456, Base::Hexadecimal)],
        );
        let both = parse("68271230000000001234567890123456");
        assert_eq!(both.iter().map(|id| id.base).collect::<Vec<_>>(), [Base::Hexadecimal, Base::Decimal]);
        assert_reads("0x1234567890123456", &[(None, 0x1234_5678_9012_3456, Base::Hexadecimal)]);
    }

    #[test]
    fn what_is_no_id_is_not_read() {
        for text in
            ["", "0", "0x", "shop", "dd.trace_id=", "trace_id", "68e7d1a2000000000123456789abcdef0", "0000000000000000"]
        {
            assert_reads(text, &[]);
        }
        assert_reads(&"9".repeat(60), &[]);
    }

    #[test]
    fn an_id_tells_when_its_trace_began_if_it_holds_that() {
        assert_eq!(began(HIGH), Some(0x68e7_d1a2));
        assert_eq!((began(HIGH | 1), began(5), began(0)), (None, None, None));
    }
}
