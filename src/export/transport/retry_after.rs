//! The `Retry-After` header.

use std::time::{Duration, UNIX_EPOCH};

/// Parses a `Retry-After` value: whole seconds, or an HTTP date such as `Wed, 21 Oct 2015 07:28:00 GMT`. Returns the time
/// from `now`, in seconds since 1970, to that date; zero if the date has passed; `None` for anything else.
pub fn parse_retry_after(value: &str, now: u64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(date.as_secs().saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_a_surprise() {
        let now = 1_445_412_470; // 2015-10-21 07:27:50
        let read = |text| parse_retry_after(text, now);
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Thu, 29 Feb 2024 12:00:00 GMT", 0), Some(Duration::from_secs(1_709_208_000)));
        assert_eq!(parse_retry_after("Thu, 01 Jan 1970 00:00:01 GMT", 0), Some(Duration::from_secs(1)));
        assert_eq!(parse_retry_after("Sat, 01 Mar 2025 00:00:00 GMT", 0), Some(Duration::from_secs(1_740_787_200)));
        for nonsense in [
            "",
            "-1",
            "+1",
            "1.5",
            "soon",
            "1 s",
            "Wed, 21 Oct 2015 07:28:00 CET",
            "Wed, 99 Oct 2015 07:28:00 GMT",
            "Wed, 21 Okt 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28 GMT",
            "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
            "Wed, 21 Oct 0 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00:00 GMT",
        ] {
            assert_eq!(read(nonsense), None, "{nonsense:?}");
        }
    }
}
