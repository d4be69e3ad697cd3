//! Says whether the tracer of a log can send flares by itself, and what to do if not.

use super::answers::Answer;
use super::config::Config;
use super::report::Finding;
use super::shown::shown;

/// Since which versions a language's tracer sends flares by itself, newest line of releases first: major and minor.
const SINCE: [(&str, &[(u64, u64)]); 4] =
    [("Java", &[(1, 26)]), ("Python", &[(3, 12)]), ("Node.js", &[(5, 15), (4, 39)]), (".NET", &[(2, 46)])];

/// What to do where no flare comes by itself.
pub const BY_HAND: &str =
    "turn debug mode on (DD_TRACE_DEBUG=true), let the problem happen again, and attach the log and \
                           the start-up line to the support case";

/// Returns a remark for a tracer that is too old for automatic flares, or that has no connection to the Agent.
pub fn advice(language: &str, config: &Config, delivered: Answer) -> Option<Finding> {
    // This library has flares in every version and language.
    let version = config.version.as_deref().filter(|_| config.spanwire_version.is_none())?;
    let since = SINCE.iter().find(|(name, _)| *name == language)?.1;
    if !is_new_enough(version, since)? {
        let wanted: Vec<String> = since.iter().map(|(major, minor)| format!("{major}.{minor}.0")).collect();
        let says = format!(
            "the {language} tracer {} is too old to send flares by itself; {} does. By hand: {BY_HAND}",
            shown(version),
            wanted.join(" or ")
        );
        return Some(Finding::note("flare.too_old", says));
    }
    (delivered == Answer::No).then(|| {
        let says = format!(
            "as long as this tracer has no connection to the Agent, Datadog's site offers no flare for its service. By \
             hand: {BY_HAND}"
        );
        Finding::note("flare.by_hand", says)
    })
}

/// Whether a version is at least that of its line of releases; `None` if it is no version.
fn is_new_enough(version: &str, since: &[(u64, u64)]) -> Option<bool> {
    let mut numbers = version.trim_start_matches('v').split(['.', '-', '+', '~']);
    let own = (numbers.next()?.parse::<u64>().ok()?, numbers.next()?.parse::<u64>().ok()?);
    let line = since.iter().find(|(major, _)| *major == own.0);
    Some(match (line, since.first()) {
        (Some(line), _) => own >= *line,
        (None, Some(newest)) => own >= *newest,
        (None, None) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_releases_has_its_first_version_with_flares() {
        let node: &[(u64, u64)] = &[(5, 15), (4, 39)];
        for (version, new) in [
            ("5.15.0", true),
            ("5.14.1", false),
            ("4.39.0", true),
            ("4.38.9", false),
            ("3.70.0", false),
            ("6.0.0-pre", true),
            ("v5.132.0", true),
        ] {
            assert_eq!(is_new_enough(version, node), Some(new), "{version}");
        }
        assert_eq!(is_new_enough("1.26.0-SNAPSHOT~abc", &[(1, 26)]), Some(true));
        assert_eq!(is_new_enough("unknown", node), None);
    }

    #[test]
    fn a_tracer_with_this_library_is_never_too_old() {
        let config = |version: &str, ours: Option<&str>| Config {
            version: Some(version.into()),
            spanwire_version: ours.map(str::to_owned),
            ..Config::default()
        };
        let cause = |config, answer| advice("Python", &config, answer).map(|finding| finding.cause);
        assert_eq!(cause(config("3.11.9", None), Answer::Yes), Some("flare.too_old"));
        assert_eq!(cause(config("3.12.0", None), Answer::Yes), None);
        assert_eq!(cause(config("3.12.0", None), Answer::No), Some("flare.by_hand"));
        assert_eq!(cause(config("0.1.0", Some("0.1.0")), Answer::No), None);
    }
}
