//! The extension, built as users build it, and the PHP that loads it. The expectations are in other files.

use crate::support::hosts::{command, require, root, stage, Host};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The extension and the library that PHP loads.
pub struct Php {
    pub extension: PathBuf,
    pub library: PathBuf,
}

/// Builds the extension with `phpize && ./configure && make`; `None` if PHP is missing and not required.
pub fn php() -> Option<&'static Php> {
    static BUILT: OnceLock<Option<Php>> = OnceLock::new();
    let build = || {
        let there = ["php", "phpize", "make", "gcc"].iter().all(|tool| require(tool));
        there.then(|| Php { extension: build_extension(), library: stage().join("lib/libspanwire.so.0") })
    };
    BUILT.get_or_init(build).as_ref()
}

fn build_extension() -> PathBuf {
    let folder = folder("build");
    let mut changed = !folder.join("modules/spanwire.so").exists();
    for entry in std::fs::read_dir(root().join("bindings/php")).expect("the extension's sources").flatten() {
        let (from, to) = (entry.path(), folder.join(entry.file_name()));
        if from.extension().is_some_and(|kind| ["c", "h", "m4"].iter().any(|k| kind == *k)) {
            changed |= copy_if_changed(&from, &to);
        }
    }
    changed |= copy_if_changed(&stage().join("include/spanwire.h"), &folder.join("built-for.h"));
    if changed {
        let script = format!(
            "phpize && ./configure --with-spanwire={} && make clean && make -j2 CFLAGS='-g -O2 -Werror'",
            stage().display()
        );
        command("sh").arg("-c").arg(script).folder(&folder).limit(300).run().ok();
    }
    folder.join("modules/spanwire.so")
}

fn copy_if_changed(from: &Path, to: &Path) -> bool {
    let wanted = std::fs::read(from).expect("a source");
    let changed = std::fs::read(to).ok().as_ref() != Some(&wanted);
    if changed {
        std::fs::write(to, wanted).expect("a copy of a source");
    }
    changed
}

/// Makes a folder for this topic below `target`.
pub fn folder(name: &str) -> PathBuf {
    let folder = root().join("target/test-php").join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

impl Php {
    /// Returns the arguments that load the extension without the machine's own configuration.
    pub fn arguments(&self) -> Vec<String> {
        let extension = format!("extension={}", self.extension.display());
        let library = format!("spanwire.library={}", self.library.display());
        ["-n", "-d", &extension, "-d", &library].map(str::to_owned).to_vec()
    }

    pub fn cli(&self) -> Host {
        self.arguments().into_iter().fold(command("php"), Host::arg)
    }
}

/// A request of five spans; the query contains its number.
pub const FIVE_SPANS: &str = r"<?php
$tracer = Spanwire\Tracer::get();
$request = $tracer->startSpan('request', type: 'web', activate: true, tags: ['number' => (int) $_SERVER['QUERY_STRING']]);
$query = $tracer->startSpan('query', resource: 'SELECT 1', type: 'sql', activate: true);
$row = $tracer->startSpan('row');
$row->finish();
$query->finish();
$render = $tracer->startSpan('render', activate: true);
$left_open = $tracer->startSpan('left open');
echo 'ok ', $_SERVER['QUERY_STRING'];
";
