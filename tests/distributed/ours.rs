//! Services on spanwire.

use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::free_ports;
use crate::support::hosts::{compile_cpp, require, root, stage};

/// A Ruby service under Puma with two worker processes; `None` without Puma.
pub fn ruby(agent: &TestAgent) -> Option<Service> {
    if !["ruby", "ruby-ffi", "puma"].iter().all(|tool| require(tool)) {
        return None;
    }
    let port = free_ports(1);
    let mut puma = limited("puma");
    puma.args(["--quiet", "--workers", "2", "--threads", "4:8", "--bind"]).arg(format!("tcp://127.0.0.1:{port}"));
    puma.arg(root().join("tests/distributed/hop.ru")).env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so"));
    // Without it, Puma looks for its configuration in the current folder.
    puma.args(["--config", "-"]);
    Some(Service::start_at("ruby", port, puma, agent))
}

/// A C++ service with a thread for each connection; `None` without g++.
pub fn cpp(agent: &TestAgent) -> Option<Service> {
    require("g++").then(|| {
        let program = compile_cpp(&root().join("tests/distributed/hop.cpp"));
        Service::start("cpp", limited(&program.display().to_string()), agent)
    })
}
