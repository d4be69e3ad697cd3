//! What a flare is sent for.

/// What asks for a flare: the support case, and who gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlareTask {
    /// The case of Datadog's support, such as `12345` or `12345-with-debug`.
    pub case_id: String,
    /// The host that the flare is about.
    pub hostname: String,
    /// The user's e-mail address.
    pub user_handle: String,
    /// Identifies the request; empty if the request has no id.
    pub uuid: String,
}

impl FlareTask {
    /// Whether the Agent accepts this case: digits, not only 0, perhaps followed by `-with-debug` or `-with-content`.
    pub fn has_valid_case(&self) -> bool {
        let digits = ["-with-debug", "-with-content"]
            .iter()
            .find_map(|ending| self.case_id.strip_suffix(ending))
            .unwrap_or(&self.case_id);
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.bytes().any(|byte| byte != b'0')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_number_with_or_without_an_ending() {
        let valid = |case_id: &str| FlareTask { case_id: case_id.into(), ..FlareTask::default() }.has_valid_case();
        for case in ["1", "12345", "12345-with-debug", "12345-with-content"] {
            assert!(valid(case), "{case}");
        }
        for case in [
            "",
            "0",
            "00",
            "0-with-debug",
            "-1",
            "12a",
            "-with-debug",
            "12345-with",
            "12345-with-debug-with-debug",
            " 1",
            "1\n",
        ] {
            assert!(!valid(case), "{case:?}");
        }
    }
}
