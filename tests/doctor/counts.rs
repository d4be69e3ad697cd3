//! The doctor counts everything in a log, however much it is, and says so if a log does not contain it.

use super::doctor;
use super::plant::Folder;
use super::planted::at;

#[test]
fn every_span_of_a_large_trace_is_counted_in_the_log_of_a_language_that_lists_them() {
    let folder = Folder::new("counts");
    for dialect in ["php", "php@source", "ruby", "ruby@source", "node", "node@source", "java@source"] {
        // More than fits into one record, and more than the log holds at a time.
        for spans in [51, 700, 4_000] {
            if dialect.starts_with("java") && spans > 700 {
                continue; // a line for each start and end as well, of which the log then loses some, and says so
            }
            let program = at("file:///dev/null").program(&format!("wide {spans}"));
            let Some(log) = program.env("DD_TRACE_PARTIAL_FLUSH_ENABLED", "false").log(&folder, dialect) else {
                return;
            };
            let visit = doctor(&[&log]);
            let counts = (visit.count("spans_written"), visit.count("records_lost"));
            assert_eq!(counts, (spans, 0), "{dialect}: {:#}", visit.report["facts"]);
        }
    }
}

#[test]
fn a_log_without_debug_mode_cannot_tell_what_was_sent_and_one_with_it_can() {
    let folder = Folder::new("quiet");
    for dialect in ["php", "native", "ruby", "go", "dotnet", "python"] {
        let says = |program: &str, debug: &str| {
            let program = at("file:///dev/null").program(program).env("DD_TRACE_DEBUG", debug);
            let visit = doctor(&[&program.env("DD_TRACE_STARTUP_LOGS", "true").log(&folder, dialect)?]);
            let finding = visit.findings().find(|finding| finding["cause"] == "agent.not_logged").cloned();
            Some((visit.answers()[2].to_owned(), finding.map(|f| f["says"].as_str().unwrap_or_default().to_owned())))
        };
        let Some((delivered, said)) = says("spans 3", "false") else { return };
        let said = said.unwrap_or_default();
        assert_eq!(delivered, "unknown", "{dialect}");
        assert!(said.contains("not known") && !said.contains("nothing to send"), "{dialect}: {said}");
        let said = says("none", "true").and_then(|(_, said)| said).unwrap_or_default();
        assert!(said.contains("there was nothing to send"), "{dialect}: {said}");
    }
}
