//! The processor for Monolog.

use crate::extension::{folder, php};
use crate::support::hosts::{require, root};
use crate::{both, integration};
use serde_json::Value as Json;

#[test]
fn records_of_monolog_have_the_ids_of_the_current_span() {
    let Some(php) = php() else { return };
    if !require("php-monolog") {
        return;
    }
    let settings = [
        format!("auto_prepend_file={}", integration("monolog.php").display()),
        "include_path=/usr/share/php".to_owned(),
        "datadog.service=shop".to_owned(),
        "datadog.env=test".to_owned(),
    ];
    for (how, host) in both(php, &["ctype"], &settings) {
        let file = folder("monolog").join(format!("{how}.json"));
        let _ = std::fs::remove_file(&file);
        let script = root().join("tests/php_integrations/monolog.php");
        let outcome = host.agent(&format!("file://{}", file.display())).arg(script.display()).run().ok();
        let chunk: Json = serde_json::from_str(&std::fs::read_to_string(&file).expect("a trace")).expect("JSON");
        let (trace, span) = (chunk["trace_id"].as_str(), chunk["spans"][0]["span_id"].as_str());
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        let [first, second, third] = lines.as_slice() else { panic!("{how}: {lines:?}") };
        let [first, third] = [first, third].map(|line| serde_json::from_str::<Json>(line).expect("a record in JSON"));
        assert_eq!(
            (first["extra"]["dd.trace_id"].as_str(), first["extra"]["dd.span_id"].as_str()),
            (trace, span),
            "{how}"
        );
        assert_eq!(
            (first["extra"]["dd.service"].as_str(), first["extra"]["dd.env"].as_str()),
            (Some("shop"), Some("test"))
        );
        assert_eq!((first["extra"]["mine"].as_i64(), first["context"]["user"].as_i64()), (Some(1), Some(5)), "{how}");
        let fields = format!(
            "WARNING: as text [dd.trace_id={} dd.span_id={} dd.service=shop dd.env=test]",
            trace.expect("a trace"),
            span.expect("a span")
        );
        assert!(second.contains(&fields), "{how}: {second}");
        assert_eq!(
            (&third["extra"]["dd.trace_id"], third["extra"]["dd.service"].as_str()),
            (&Json::Null, Some("shop")),
            "{how}"
        );
    }
}
