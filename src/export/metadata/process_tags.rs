//! Process tags: what runs, and where. They go as one text in the tag `_dd.tags.process` of the first span of a chunk.

use crate::host;
use crate::settings::{Origin, Settings};

/// The tag.
pub const TAG: &str = "_dd.tags.process";
/// Longer values are cut, as other tracers do.
const VALUE_MAX: usize = 100;

/// Returns the tags, sorted and separated by commas.
#[inline(never)]
pub fn of(settings: &Settings) -> String {
    let entry = host::entry_point();
    let told = settings.value("DD_SERVICE").is_some_and(|value| value.origin != Origin::Default);
    let service = if told { ("svc.user", "true") } else { ("svc.auto", settings.service.as_str()) };
    joined(&[
        ("entrypoint.basedir", &entry.folder),
        ("entrypoint.name", &entry.name),
        ("entrypoint.type", "executable"),
        ("entrypoint.workdir", &entry.works_in),
        service,
    ])
}

/// The tags whose values say something, in the given order.
fn joined(tags: &[(&str, &str)]) -> String {
    let normal = tags.iter().map(|(key, value)| (key, normalized(value)));
    let telling = normal.filter(|(_, value)| !matches!(value.as_str(), "" | "/" | "bin"));
    telling.map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
}

/// Lower case; letters, digits and `/._-` stay, others become one underscore between them.
fn normalized(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars().take(VALUE_MAX).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || "/.-".contains(c) {
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_normalized_and_those_that_say_nothing_are_left_out() {
        let tags = [("a", "My Shop (2)"), ("b", "bin"), ("c", "/"), ("d", ""), ("e", "__"), ("f", "x/Y.z-1_2,é:=")];
        assert_eq!(joined(&tags), "a:my_shop_2,f:x/y.z-1_2_é");
        assert_eq!(normalized(&"x".repeat(200)).len(), VALUE_MAX);
    }

    #[test]
    fn this_process_has_a_name_and_a_service() {
        let settings = |code: &[(&str, &str)]| {
            let code: Vec<_> = code.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            of(&Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0)
        };
        let (own, auto) = (settings(&[("DD_SERVICE", "shop")]), settings(&[]));
        assert!(own.contains("entrypoint.basedir:deps,entrypoint.name:spanwire"), "{own}");
        assert!(own.contains("entrypoint.type:executable,entrypoint.workdir:"), "{own}");
        assert!(own.ends_with(",svc.user:true"), "{own}");
        assert!(auto.contains(",svc.auto:spanwire"), "{auto}");
    }
}
