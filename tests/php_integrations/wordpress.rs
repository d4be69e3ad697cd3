//! WordPress under nginx and php-fpm, with MariaDB, calling a C++ service.

use crate::extension::{php, Php};
use crate::fpm::Fpm;
use crate::mariadb::MariaDb;
use crate::support::agent::TestAgent;
use crate::support::hosts::{command, require, root};
use crate::support::payload::Span;
use crate::support::{http, wait_until};
use crate::{integration, modules, ours};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

const WORDPRESS: &str = "/usr/share/wordpress";
const NEEDS: [&str; 6] = ["mysqlnd", "mysqli", "curl", "ctype", "tokenizer", "opcache"];

/// WordPress with a folder and a database of its own.
struct Site {
    folder: PathBuf,
    database: MariaDb,
}

impl Site {
    /// Installs WordPress; `None` if something is missing.
    fn install() -> Option<Site> {
        if !["wordpress", "php-mysql", "php-curl"].iter().all(|tool| require(tool)) {
            return None;
        }
        let database = MariaDb::start("wordpress-db")?;
        let folder = std::env::temp_dir().join(format!("spanwire-wordpress-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let content = folder.join("wp-content");
        for name in ["mu-plugins", "themes/plain", "plugins"] {
            std::fs::create_dir_all(content.join(name)).expect("a folder for WordPress");
        }
        // Its front files take the folder that they are in for the site's.
        for file in std::fs::read_dir(WORDPRESS).expect("WordPress").flatten().map(|entry| entry.path()) {
            let name = file.file_name().expect("a name");
            if file.extension().is_some_and(|kind| kind == "php") && name != "wp-config.php" {
                std::fs::copy(&file, folder.join(name)).expect("a copy");
            }
        }
        for name in ["wp-includes", "wp-admin"] {
            symlink(PathBuf::from(WORDPRESS).join(name), folder.join(name)).expect("a link");
        }
        let ours = root().join("tests/php_integrations/wordpress");
        std::fs::write(content.join("themes/plain/style.css"), "/* Theme Name: plain */").expect("a theme");
        for (from, to) in [
            ("wp-config.php", "wp-config.php"),
            ("install.php", "install.php"),
            ("theme.php", "wp-content/themes/plain/index.php"),
        ] {
            std::fs::copy(ours.join(from), folder.join(to)).expect("a copy");
        }
        let site = Site { folder, database };
        let php =
            modules(&NEEDS[..5]).into_iter().fold(command("php").arg("-n"), |php, module| php.arg("-d").arg(module));
        let installed =
            php.arg(site.folder.join("install.php").display()).env("SITE_SOCKET", site.database.socket.display());
        let installed = installed.run().ok();
        assert!(installed.stdout.ends_with("installed"), "{}{}", installed.stdout, installed.stderr);
        Some(site)
    }

    /// Copies the line of wordpress.php to this file in `wp-content`.
    fn add_integration(&self, file: &str) {
        let line = format!("<?php require_once '{}';", integration("wordpress.php").display());
        std::fs::write(self.folder.join("wp-content").join(file), line).expect("a plugin");
    }

    fn serve(&self, php: &Php, agent: &TestAgent, called: Option<u16>) -> Option<Fpm> {
        let mut settings = modules(&NEEDS[..5]);
        settings.push("zend_extension=opcache".to_owned());
        settings.push("display_errors=0".to_owned());
        // php-fpm passes its environment on to the workers.
        let called = called.map(|port| port.to_string()).unwrap_or_default();
        let environment = [("SITE_SOCKET", self.database.socket.display().to_string()), ("SITE_CALLED", called)];
        Fpm::serve(php, agent, &self.folder.join("index.php"), &settings, &environment)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Requests a page in a trace of its own, and returns the spans of that trace once `complete` says so.
fn visit(
    fpm: &Fpm,
    agent: &TestAgent,
    trace: u64,
    path: &str,
    complete: impl Fn(&[Span]) -> bool,
) -> (String, Vec<Span>) {
    let id = trace.to_string();
    let headers =
        [("x-datadog-trace-id", id.as_str()), ("x-datadog-parent-id", "77"), ("x-datadog-sampling-priority", "2")];
    let answer = http::get(fpm.service.port, path, &headers).unwrap_or_else(|e| panic!("{e}\n{}", fpm.service.log()));
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), fpm.service.log());
    let mut spans: Vec<Span> = Vec::new();
    let arrived = wait_until(Duration::from_secs(20), || {
        spans = agent.traces().into_iter().flatten().filter(|span| span.trace_id == trace).collect();
        spans.iter().any(|span| span.name == "web.request") && complete(&spans)
    });
    assert!(arrived, "{path}: {spans:#?}\n{}", fpm.service.log());
    (answer.text(), spans)
}

/// Asserts that each span but the request has its parent among the spans, which was running meanwhile.
fn assert_one_tree(spans: &[Span]) {
    let by_id: BTreeMap<u64, &Span> = spans.iter().map(|span| (span.span_id, span)).collect();
    for span in spans {
        match by_id.get(&span.parent_id) {
            None => assert_eq!((span.name.as_str(), span.parent_id), ("web.request", 77), "{span:?}"),
            Some(parent) => assert!(parent.start <= span.start, "{span:?} began before {parent:?}"),
        }
    }
}

#[test]
fn a_page_of_wordpress_is_one_tree_with_root_hooks_sql_and_the_called_service() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    let (Some(site), Some(cpp)) = (Site::install(), ours::cpp(&agent)) else { return };
    for (number, file) in ["mu-plugins/spanwire.php", "db.php"].into_iter().enumerate() {
        site.add_integration(file);
        let Some(fpm) = site.serve(php, &agent, Some(cpp.port)) else { return };
        let has = |spans: &[Span], name: &str| spans.iter().any(|span| span.name == name);
        let trace = 1_000 + number as u64;
        let (page, spans) = visit(&fpm, &agent, trace, "/?p=1&token=sesame", |spans| has(spans, "hop"));
        assert!(
            page.contains("<h1>Hello world!</h1>") && page.contains("\"by\":\"cpp\"") && page.contains("</html>"),
            "{page}"
        );
        assert_one_tree(&spans);
        let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
        let [request] = named("web.request")[..] else { panic!("{spans:#?}") };
        assert_eq!((request.tag("http.status_code"), request.tag("http.url")), ("200", "http://127.0.0.1/?p&token"));
        let hooks: BTreeSet<&str> = named("wordpress.hook").iter().map(|span| span.resource.as_str()).collect();
        for hook in [
            "plugins_loaded",
            "init",
            "wp_loaded",
            "wp",
            "template_redirect",
            "wp_head",
            "the_content",
            "wp_footer",
            "shutdown",
        ] {
            assert!(hooks.contains(hook), "no {hook} in {hooks:?}");
        }
        let template = named("wordpress.template");
        assert_eq!((template.len(), template[0].resource.as_str()), (1, "index.php"));
        let queries = named("wpdb.query");
        let posts = queries.iter().find(|span| span.resource.contains("FROM wp_posts WHERE ?=? AND wp_posts.ID = ?"));
        assert_eq!(
            posts.map(|span| (
                span.kind.as_str(),
                span.tag("db.name"),
                span.tag("out.host"),
                span.metrics["db.row_count"]
            )),
            Some(("sql", "wordpress", "localhost", 1.0))
        );
        assert!(queries.iter().all(|span| !span.resource.contains(['\'', '"']) && !span.resource.contains("= 1")));
        let options = queries.iter().any(|span| span.resource.contains("autoload = ?"));
        assert_eq!(options, file == "db.php", "the options are read before must-use plugins are loaded");
        let ([call], [hop]) = (&named("wordpress.http")[..], &named("hop")[..]) else { panic!("{spans:#?}") };
        assert_eq!((call.parent_id, hop.parent_id), (template[0].span_id, call.span_id));
        assert_eq!(
            (call.tag("http.url"), call.tag("http.status_code"), call.error),
            (format!("http://127.0.0.1:{}/", cpp.port).as_str(), "200", 0)
        );
        assert!(!spans.iter().any(|span| format!("{span:?}").contains("secret")));
        drop(fpm);
        std::fs::remove_file(site.folder.join("wp-content").join(file)).expect("the plugin");
    }
    // What fails is marked, and what the script leaves is ended.
    site.add_integration("mu-plugins/spanwire.php");
    let Some(fpm) = site.serve(php, &agent, None) else { return };
    let (_, spans) = visit(&fpm, &agent, 2_000, "/?p=1&fails&breaks&leaves", |_| true);
    assert_one_tree(&spans);
    let mut spans = spans;
    spans.sort_by_key(|span| span.start);
    let failed: Vec<_> = spans
        .iter()
        .filter(|span| span.error == 1)
        .map(|span| (span.name.as_str(), span.resource.as_str(), span.tag("error.type")))
        .collect();
    assert_eq!(
        failed,
        [
            ("wordpress.http", "GET http://127.0.0.1:1/nothing", "http_request_failed"),
            ("wordpress.http", "GET", "http_request_failed"),
            ("wordpress.http", "GET /no/host", "http_request_failed"),
            ("wpdb.query", "SELEC ?", "SQL error")
        ]
    );
    assert!(!spans.iter().any(|span| span.resource.contains("secret")), "{spans:?}");
    let template = spans.iter().find(|span| span.name == "wordpress.template").expect("the template");
    let shutdown = spans.iter().find(|span| span.resource == "shutdown").expect("the last hook");
    assert!(shutdown.start >= template.start + template.duration, "{template:?} lasted into {shutdown:?}");
    agent.assert_checks_passed();
}
