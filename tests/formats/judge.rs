//! The program of `formats/judge`, in Go, which has the decoders of the trace-agent and of the OpenTelemetry Collector.

use super::support::hosts::root;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub struct Judge(PathBuf);

impl Judge {
    /// Returns it, built once for all tests. `None`, which is said, without Go or its modules: nothing installs Go.
    pub fn build() -> Option<&'static Judge> {
        static BUILT: OnceLock<Option<Judge>> = OnceLock::new();
        BUILT.get_or_init(Judge::built).as_ref()
    }

    fn built() -> Option<Judge> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]);
        let Some(go) = folders.map(|folder| folder.join("go")).find(|go| go.is_file()) else {
            eprintln!("skipped: the decoders of the trace-agent need Go");
            return None;
        };
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&go);
            command.current_dir(root().join("tests/formats/judge")).env("GOTOOLCHAIN", "local").args(arguments);
            let output = command.output().expect("Go runs");
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        // Downloads the modules.
        let (there, said) = run(&["list", "-deps", "."]);
        if !there {
            eprintln!("skipped: Go or its modules do not suffice for the decoders of the trace-agent: {said}");
            return None;
        }
        let program = root().join("target/test-hosts/formats-judge");
        std::fs::create_dir_all(program.parent().unwrap_or(Path::new("."))).expect("a folder");
        let (built, said) = run(&["build", "-buildvcs=false", "-o", &program.display().to_string(), "."]);
        assert!(built, "tests/formats/judge is not built: {said}");
        Some(Judge(program))
    }

    /// Decodes the payloads of a file into another one.
    pub fn decode(&self, format: &str, payloads: &str, decoded: &str) {
        let mut command = Command::new(&self.0);
        command.args(["spans", format, payloads]).stdout(File::create(decoded).expect("a file"));
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
