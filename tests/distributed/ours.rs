//! Services on spanwire.

use crate::hops::{limited, Service};
use crate::support::agent::TestAgent;
use crate::support::free_ports;
use crate::support::hosts::{compile_cpp, require, root, stage};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Ruby service under Puma with two worker processes; `None` without Puma.
pub fn ruby(agent: &TestAgent) -> Option<Service> {
    puma("tests/distributed/hop.ru", agent)
}

/// As `ruby`, for an application of this repository.
pub fn puma(application: &str, agent: &TestAgent) -> Option<Service> {
    if !["ruby", "ruby-ffi", "puma"].iter().all(|tool| require(tool)) {
        return None;
    }
    let port = free_ports(1);
    let mut puma = limited("puma");
    puma.args(["--quiet", "--workers", "2", "--threads", "4:8", "--bind"]).arg(format!("tcp://127.0.0.1:{port}"));
    puma.arg(root().join(application)).env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so"));
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

/// Compiles a C++ program with these libraries, named as pkg-config knows them.
pub fn compile_with(source: &Path, libraries: &[&str]) -> PathBuf {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs"]).args(libraries).output();
    let flags = String::from_utf8(flags.expect("pkg-config runs").stdout).expect("flags are text");
    let (include, lib) = (stage().join("include"), stage().join("lib"));
    let name = source.file_stem().expect("a file has a name").to_string_lossy();
    let folder = root().join("target/test-hosts");
    std::fs::create_dir_all(&folder).expect("a folder for host programs");
    // Built under another name and then renamed, because another test binary may be running the same program.
    let (program, aside) =
        (folder.join(format!("distributed-{name}")), folder.join(format!("distributed-{name}-{}", std::process::id())));
    let mut command = Command::new("g++");
    command.args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"]).arg(include).arg(source);
    command.arg("-o").arg(&aside).args(flags.split_whitespace()).arg("-L").arg(&lib);
    let made = command.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-lspanwire").output();
    let made = made.expect("the compiler runs");
    assert!(made.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&made.stderr));
    std::fs::rename(&aside, &program).expect("the compiled program is moved into place");
    program
}
