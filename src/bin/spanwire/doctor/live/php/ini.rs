//! Parses php.ini and the configuration of php-fpm, which have the same form.

/// A line that sets a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The section that it is in, in lower case; empty before the first one.
    pub section: String,
    /// The name, such as `datadog.service`, `pm` or `env`.
    pub name: String,
    /// What is in brackets behind the name, as in `env[DD_SERVICE]`.
    pub key: Option<String>,
    /// The value. As for PHP, an unquoted `off`, `no`, `false` or `none` is an empty text, and `on`, `yes` and `true` are 1.
    pub value: String,
    /// The line's number, from 1.
    pub number: usize,
}

/// Returns the lines that set values. `env` gives the variables that `${NAME}` names.
pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Vec<Line> {
    let (mut lines, mut section) = (Vec::new(), String::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim().to_ascii_lowercase();
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, key) = match name.trim().strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, key)) => (name.trim(), Some(key.trim().to_owned())),
            None => (name.trim(), None),
        };
        let value = value_of(value.trim(), env);
        lines.push(Line { section: section.clone(), name: name.to_owned(), key, value, number });
    }
    lines
}

fn value_of(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    if let Some(rest) = text.strip_prefix('"') {
        let (mut inner, mut letters) = (String::new(), rest.chars().peekable());
        while let Some(c) = letters.next() {
            match c {
                '"' => break,
                '\\' if matches!(letters.peek(), Some('"' | '\\')) => inner.extend(letters.next()),
                c => inner.push(c),
            }
        }
        return expanded(&inner, env);
    }
    let bare = expanded(text.split(';').next().unwrap_or_default().trim(), env);
    match bare.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => "1".into(),
        "off" | "no" | "false" | "none" | "null" => String::new(),
        _ => bare,
    }
}

/// Replaces `${NAME}` by the variable, or by the default in `${NAME:-default}`.
fn expanded(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inner, behind)) = after.split_once('}') else { break };
        let (name, otherwise) = inner.split_once(":-").unwrap_or((inner, ""));
        out.push_str(before);
        out.push_str(&env(name).filter(|value| !value.is_empty()).unwrap_or_else(|| otherwise.to_owned()));
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_php_reads_them() {
        let text = "; comment\nextension=spanwire\n[PHP]\ndatadog.service = shop ; note\ndatadog.trace.enabled = Off\n\
                    datadog.trace.debug=on\ndatadog.env = \"a;\\\"b\\\"\"\ndatadog.version='${V}'\ndatadog.tags = \"v:${V}${W:-w}\"\n\
                    [www]\nenv[DD_ENV] = $V\nphp_admin_value[datadog.service] = \"no\"\nnothing\n";
        let lines = parse(text, &|name| (name == "V").then(|| "7".to_owned()));
        let seen: Vec<(&str, &str, Option<&str>, &str)> = lines
            .iter()
            .map(|line| (line.section.as_str(), line.name.as_str(), line.key.as_deref(), line.value.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("", "extension", None, "spanwire"),
                ("php", "datadog.service", None, "shop"),
                ("php", "datadog.trace.enabled", None, ""),
                ("php", "datadog.trace.debug", None, "1"),
                ("php", "datadog.env", None, "a;\"b\""),
                ("php", "datadog.version", None, "${V}"),
                ("php", "datadog.tags", None, "v:7w"),
                ("www", "env", Some("DD_ENV"), "$V"),
                ("www", "php_admin_value", Some("datadog.service"), "no"),
            ]
        );
        assert_eq!(lines.last().map(|line| line.number), Some(12));
    }
}
