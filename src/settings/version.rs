//! The version of the language's tracer that a host replaces. The documented settings depend on it.

/// Major, minor and patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32, u32);

impl Version {
    /// Reads `1.3.2`, `v1.3`, `2.0.0rc1`: missing parts are 0, and text after a number is ignored. `None` if
    /// it does not begin with a number.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.trim().trim_start_matches('v').splitn(3, '.');
        let major = leading_number(parts.next()?)?;
        let mut next = || parts.next().and_then(leading_number).unwrap_or(0);
        Some(Version(major, next(), next()))
    }

    /// Whether it is older than this one.
    pub fn is_before(self, major: u32, minor: u32, patch: u32) -> bool {
        self < Version(major, minor, patch)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (older, newer) in
            [("1.3.1", "1.3.2"), ("1.9", "1.10"), ("0.61.0", "v1.0"), ("1.20.4", "2"), ("2", "10.0rc1")]
        {
            assert!(Version::parse(older) < Version::parse(newer), "{older} {newer}");
        }
        assert_eq!(Version::parse("2.0.0rc1"), Some(Version(2, 0, 0)));
        assert_eq!(Version::parse("1.x"), Some(Version(1, 0, 0)));
        for none in ["", "dev", "-1", "99999999999.0"] {
            assert_eq!(Version::parse(none), None, "{none}");
        }
    }
}
