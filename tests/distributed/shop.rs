//! One request through three services, traced by the integrations alone: PHP under php-fpm calls Ruby under Puma, which
//! calls C++ on cpp-httplib.

use crate::extension::Php;
use crate::fpm::Fpm;
use crate::hops::{limited, Service};
use crate::ours::{compile_with, puma};
use crate::support::agent::TestAgent;
use crate::support::hosts::{require, root};
use crate::support::payload::{self, Span};
use crate::support::{http, wait_until};
use std::collections::BTreeSet;
use std::time::Duration;

/// The services, in the order in which a request passes them.
pub struct Shop {
    php: Fpm,
    ruby: Service,
    cpp: Service,
}

impl Shop {
    /// Starts them; `None` if something that they need is missing.
    pub fn start(php: &Php, agent: &TestAgent) -> Option<Shop> {
        let tools = ["g++", "pkg-config", "libcpp-httplib-dev", "libspdlog-dev", "php-curl", "php-monolog"];
        if !tools.iter().all(|tool| require(tool)) {
            return None;
        }
        let script = root().join("tests/distributed/shop.php");
        let program = compile_with(&root().join("tests/distributed/shop.cpp"), &["cpp-httplib", "spdlog"]);
        let prepend = root().join("bindings/php/integrations/request.php");
        let settings = [
            "extension=curl".to_owned(),
            "include_path=/usr/share/php".to_owned(),
            format!("auto_prepend_file={}", prepend.display()),
        ];
        Some(Shop {
            php: Fpm::serve(php, agent, &script, &settings, &[])?,
            ruby: puma("tests/distributed/shop.ru", agent)?,
            cpp: Service::start("cpp", limited(&program.display().to_string()), agent),
        })
    }

    /// Sends a request through all of them. Returns its spans, from the root downwards.
    #[track_caller]
    pub fn request(&self, agent: &TestAgent) -> Vec<Span> {
        let before: BTreeSet<u64> = arrived(agent).iter().map(|span| span.trace_id).collect();
        let path = format!("/{}/{}/price/7", self.ruby.port, self.cpp.port);
        let answer = http::get(self.php.service.port, &path, &[]).unwrap_or_else(|e| panic!("{e}\n{:#?}", self.logs()));
        assert_eq!((answer.status, answer.text().as_str()), (200, "php\nruby\ncpp\n"), "{:#?}", self.logs());
        let new = || arrived(agent).into_iter().filter(|span| !before.contains(&span.trace_id)).collect::<Vec<_>>();
        let complete =
            || ["php", "ruby", "cpp"].iter().all(|service| new().iter().any(|span| span.service == *service));
        assert!(wait_until(Duration::from_secs(20), complete), "{:#?}\n{:#?}", new(), self.logs());
        let mut left = new();
        let mut tree: Vec<Span> = Vec::new();
        // A span follows its parent; the root has none.
        while let Some(at) = left.iter().position(|span| match tree.first() {
            None => span.parent_id == 0,
            Some(_) => tree.iter().any(|parent| parent.span_id == span.parent_id),
        }) {
            tree.push(left.remove(at));
        }
        assert!(left.is_empty(), "no tree: {left:#?}\nbeside {tree:#?}");
        tree
    }

    /// Returns what each service has logged.
    pub fn logs(&self) -> [(&'static str, String); 3] {
        [("php", self.php.log()), ("ruby", self.ruby.log()), ("cpp", self.cpp.log())]
    }
}

fn arrived(agent: &TestAgent) -> Vec<Span> {
    let chunks = |body: &[u8]| payload::decode(body).expect("a v0.4 payload");
    agent.trace_requests().iter().flat_map(|request| chunks(&request.body)).flatten().collect()
}
