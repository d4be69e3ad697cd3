//! The extension's own `.phpt` tests: with the extension, over FFI, and under valgrind.

use crate::extension::{folder, php, Php};
use crate::support::hosts::{command, require, root, Host};
use std::path::PathBuf;

/// Returns a section of a `.phpt` file; empty if it is missing.
fn section(phpt: &str, name: &str) -> String {
    let lines = phpt.lines().skip_while(|line| *line != format!("--{name}--")).skip(1);
    lines.take_while(|line| !(line.starts_with("--") && line.ends_with("--"))).map(|line| format!("{line}\n")).collect()
}

fn phpts() -> Vec<PathBuf> {
    let all = std::fs::read_dir(root().join("bindings/php/tests")).expect("the .phpt tests").flatten();
    let mut all: Vec<PathBuf> = all.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "phpt")).collect();
    all.sort();
    all
}

/// Runs `.phpt` files as `make test` does, in a folder of their own.
fn run_tests(php: &Php, name: &str, arguments: &[String], wanted: impl Fn(&str) -> bool, edit: fn(String) -> String) {
    let folder = folder(name);
    let mut host = command("php").arg("-n").arg(php.extension.with_file_name("../run-tests.php").display()).arg("-q");
    host = host.arg("-n").arg("--show-diff").arg("--no-color");
    host = arguments.iter().fold(host, Host::arg);
    let mut count = 0;
    for phpt in phpts() {
        let file = phpt.file_name().expect("a name").to_string_lossy().into_owned();
        if wanted(&file) {
            let text = std::fs::read_to_string(&phpt).expect("a test");
            std::fs::write(folder.join(&file), edit(text)).expect("a copy of a test");
            host = host.arg(folder.join(&file).display());
            count += 1;
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let executable = std::env::split_paths(&path).map(|folder| folder.join("php")).find(|file| file.is_file());
    let executable = executable.expect("php");
    let outcome =
        host.env("NO_INTERACTION", 1).env("TEST_PHP_EXECUTABLE", executable.display()).folder(&folder).limit(120).run();
    let passed = outcome.stdout.lines().find(|line| line.starts_with("Tests passed"));
    let passed = passed.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    assert_eq!(passed, Some(count), "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn the_extensions_own_tests_pass() {
    let Some(php) = php() else { return };
    let arguments: Vec<String> = php.arguments().into_iter().skip(1).collect();
    run_tests(php, "phpt", &arguments, |_| true, |text| text);
}

#[test]
fn the_ffi_classes_pass_the_tests_of_the_extension() {
    let Some(php) = php() else { return };
    let prepend = format!("auto_prepend_file={}", root().join("bindings/php/src/Spanwire.php").display());
    let library = format!("spanwire.library={}", php.library.display());
    let arguments: Vec<String> =
        ["-d", "extension=ffi", "-d", "ffi.enable=1", "-d", &prepend, "-d", &library].map(str::to_owned).to_vec();
    // Without exceptions in flight, fatal errors and ini_set(), which only an extension sees.
    let same = ["002", "004", "005", "007", "009", "011", "013", "014", "015", "016", "017", "018", "019"];
    let without_extension = |text: String| text.replace("--EXTENSIONS--\nspanwire\n", "--EXTENSIONS--\nctype\n");
    run_tests(php, "ffi", &arguments, |file| same.contains(&&file[..3]), without_extension);
}

#[test]
fn valgrind_finds_nothing_in_the_extension_that_php_alone_does_not_have() {
    let Some(php) = php() else { return };
    if !require("valgrind") {
        return;
    }
    let folder = folder("valgrind");
    // Memory of threads that still run when the process ends: those of the library, which nothing waits for.
    let of_threads =
        |frames: &str| format!("{{\nthread\nMemcheck:Leak\nmatch-leak-kinds: possible\n...\n{frames}\n...\n}}\n");
    let threads = [of_threads("fun:pthread_create*"), of_threads("fun:__tls_get_addr")].concat();
    std::fs::write(folder.join("suppressions"), threads).expect("suppressions");
    let suppressions = format!("--suppressions={}", folder.join("suppressions").display());
    let checked = |name: &str, loads: Vec<String>, phpt: &str, code: &str| {
        let script = folder.join(format!("{name}.php"));
        std::fs::write(&script, code).expect("a script");
        let mut host = loads.into_iter().fold(command("php"), Host::arg);
        for line in section(phpt, "INI").lines().filter(|line| !line.starts_with("memory_limit")) {
            host = host.arg("-d").arg(line.replace("{PWD}", &folder.display().to_string()));
        }
        for (name, value) in section(phpt, "ENV").lines().filter_map(|line| line.split_once('=')) {
            host = host.env(name, value);
        }
        let host = host.arg(script.display()).env("USE_ZEND_ALLOC", 0).env("ZEND_DONT_UNLOAD_MODULES", 1);
        // The library's allocator returns addresses inside blocks of the C library. Valgrind calls memory "possibly
        // lost" if only such addresses point to it.
        let leaks = "--errors-for-leak-kinds=definite";
        let memcheck = ["valgrind", "--leak-check=full", leaks, "--child-silent-after-fork=yes", &suppressions];
        let said = host.under(&memcheck).limit(120).run().ok().stderr;
        let last = said.lines().rev().find(|line| line.contains("ERROR SUMMARY: "));
        let errors = last.and_then(|line| line.split("SUMMARY: ").nth(1)?.split(' ').next()?.parse::<u64>().ok());
        (errors.unwrap_or_else(|| panic!("no summary from valgrind:\n{said}")), said)
    };
    let plain = "<?php $f = new Fiber(function () { Fiber::suspend(); throw new Exception; }); $f->start();
        try { $f->resume(); } catch (Exception) { } echo json_encode([1]), strlen(phpversion());";
    let (php_alone, _) = checked("plain", vec!["-n".to_owned()], "", plain);
    let all = phpts();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (all, checked) = (&all, &checked);
            scope.spawn(move || {
                for phpt in all.iter().skip(half).step_by(2) {
                    let text = std::fs::read_to_string(phpt).expect("a test");
                    let name = phpt.file_stem().expect("a name").to_string_lossy();
                    let (errors, said) = checked(&name, php.arguments(), &text, &section(&text, "FILE"));
                    assert!(errors <= php_alone, "{name}: {errors} errors, {php_alone} in PHP alone:\n{said}");
                }
            });
        }
    });
}
