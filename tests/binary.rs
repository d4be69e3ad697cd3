//! The library file as packagers, linkers and debuggers see it.

mod support;

use std::path::PathBuf;
use std::process::Command;
use support::hosts::{command, copy_program, require, root, stage, Host};

/// Returns the output of a tool for the shared library; `None` if the tool is missing.
fn seen_by(tool: &str, options: &[&str]) -> Option<String> {
    require(tool).then(|| {
        let library = stage().join("lib/libspanwire.so");
        let output = Command::new(tool).args(options).arg(library).output().expect("the tool runs");
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

#[test]
fn the_library_exports_nothing_but_its_api() {
    let Some(symbols) = seen_by("nm", &["-D", "--defined-only"]) else { return };
    let names: Vec<&str> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert!(names.len() > 40, "{names:?}");
    let strange: Vec<&&str> = names.iter().filter(|name| !name.starts_with("spanwire_")).collect();
    assert!(strange.is_empty(), "a host's own symbols could clash with {strange:?}");
}

#[test]
fn every_declared_function_is_exported() {
    let Some(symbols) = seen_by("nm", &["-D", "--defined-only"]) else { return };
    let header = std::fs::read_to_string(stage().join("include/spanwire.h")).expect("the header");
    let exported: Vec<&str> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with(['*', '/', '#'])).collect();
    let declared: Vec<&str> = code
        .split('(')
        .filter_map(|before| before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next())
        .filter(|name| name.starts_with("spanwire_") && !name.ends_with("_callback") && !name.ends_with("_release"))
        .collect();
    assert!(declared.len() > 40, "{declared:?}");
    let missing: Vec<&&str> = declared.iter().filter(|name| !exported.contains(name)).collect();
    assert!(missing.is_empty(), "declared and not exported: {missing:?}");
}

#[test]
fn the_library_has_a_soname_and_a_build_id_and_stays_loaded() {
    let Some(dynamic) = seen_by("readelf", &["-W", "-d", "-n"]) else { return };
    assert!(dynamic.contains("Library soname: [libspanwire.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "unloading would leave our threads without code: {dynamic}");
    assert!(dynamic.contains("Build ID: "), "{dynamic}");
}

#[test]
fn the_library_can_be_debugged() {
    let Some(sections) = seen_by("readelf", &["-W", "-S"]) else { return };
    assert!(sections.contains(".debug_info") && sections.contains(".symtab"), "{sections}");
    // GDB would print a warning about this section for every program that uses the library, unless the user trusts the
    // file.
    assert!(!sections.contains(".debug_gdb_scripts"), "{sections}");
}

#[test]
fn the_library_needs_nothing_that_a_system_may_lack() {
    let Some(dynamic) = seen_by("readelf", &["-W", "-d"]) else { return };
    let needed: Vec<&str> =
        dynamic.lines().filter_map(|line| line.split_once("Shared library: [")).map(|l| l.1).collect();
    let usual = ["libc.so.6]", "libgcc_s.so.1]", "libm.so.6]", "libpthread.so.0]", "libdl.so.2]", "ld-linux"];
    assert!(needed.iter().all(|library| usual.iter().any(|known| library.starts_with(known))), "{needed:?}");
}

/// Compiles a file that only includes the header.
fn compiles(compiler: &str, standard: &str, extension: &str, header: &str) {
    if !require(compiler) {
        return;
    }
    let folder = root().join("target/test-hosts");
    std::fs::create_dir_all(&folder).expect("a folder");
    let source = folder.join(format!("alone-{}-{standard}.{extension}", header.replace('.', "-")));
    std::fs::write(&source, format!("#include <{header}>\n")).expect("a source file");
    let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"];
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(strict).arg(stage().join("include")).arg(&source);
    let output = command.output().expect("the compiler runs");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_header_compiles_alone_as_c99() {
    compiles("gcc", "c99", "c", "spanwire.h");
}

#[test]
fn the_headers_compile_alone_as_cpp17() {
    compiles("g++", "c++17", "cpp", "spanwire.h");
    compiles("g++", "c++17", "cpp", "spanwire.hpp");
}

/// Links `linked.c` with these arguments, and runs it.
fn links(name: &str, words: &[String]) {
    let program: PathBuf = root().join("target/test-hosts").join(name);
    std::fs::create_dir_all(root().join("target/test-hosts")).expect("a folder");
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(root().join("tests/hosts/linked.c"));
    compiler.arg("-o").arg(&program).args(words);
    let output = compiler.output().expect("the compiler runs");
    assert!(output.status.success(), "{compiler:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let said = command(&program).run().ok().stdout;
    assert!(said.starts_with(concat!("spanwire ", env!("CARGO_PKG_VERSION"))), "{said}");
}

/// Returns the arguments that pkg-config prints for the staged library.
fn pkg_config(options: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", stage().join("lib/pkgconfig")).args(options).arg("spanwire");
    let output = command.output().expect("pkg-config runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_program_links_with_what_pkg_config_says() {
    if !require("gcc") || !require("pkg-config") {
        return;
    }
    let mut words = pkg_config(&["--cflags", "--libs"]);
    words.push(format!("-Wl,-rpath,{}", stage().join("lib").display()));
    links("linked-shared", &words);
}

#[test]
fn a_program_links_statically_and_then_needs_no_library_of_ours() {
    if !require("gcc") || !require("pkg-config") {
        return;
    }
    let archive = stage().join("lib/libspanwire.a").display().to_string();
    let words = pkg_config(&["--cflags", "--libs", "--static"]);
    let words: Vec<String> =
        words.into_iter().map(|word| if word == "-lspanwire" { archive.clone() } else { word }).collect();
    assert!(words.contains(&archive), "{words:?}");
    links("linked-static", &words);
    if require("readelf") {
        let output = Command::new("readelf").arg("-d").arg(root().join("target/test-hosts/linked-static")).output();
        let dynamic = String::from_utf8_lossy(&output.expect("readelf runs").stdout).into_owned();
        assert!(dynamic.contains("NEEDED") && !dynamic.contains("libspanwire"), "{dynamic}");
    }
}

/// Compiles `two_copies.c` to `name` with these further arguments, and returns its path.
fn two_copies(name: &str, words: &[&str]) -> String {
    let output = root().join("target/test-hosts").join(name);
    std::fs::create_dir_all(root().join("target/test-hosts")).expect("a folder");
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread", "-I"]);
    compiler.arg(stage().join("include")).arg(root().join("tests/hosts/two_copies.c")).arg("-o").arg(&output);
    let made = compiler.args(words).arg("-ldl").output().expect("the compiler runs");
    assert!(made.status.success(), "{compiler:?}\n{}", String::from_utf8_lossy(&made.stderr));
    output.display().to_string()
}

/// Makes a copy of the shared library that the loader treats as another library.
fn copy_of_the_library(name: &str) -> String {
    let copy = root().join("target/test-hosts").join(name);
    std::fs::create_dir_all(root().join("target/test-hosts")).expect("a folder");
    copy_program(&stage().join("lib/libspanwire.so.0"), &copy);
    copy.display().to_string()
}

#[track_caller]
fn assert_copies_do_not_mix(program: &str, copies: &[&str]) {
    for scope in ["local", "global"] {
        copies.iter().fold(command(program).arg(scope), Host::arg).run().ok();
    }
}

#[test]
fn two_copies_of_the_shared_library_in_one_process_keep_their_spans_apart() {
    if !require("gcc") {
        return;
    }
    let lib = stage().join("lib").display().to_string();
    let (one, other) = (copy_of_the_library("one-copy.so"), copy_of_the_library("other-copy.so"));
    let linked = two_copies("two-copies", &["-L", &lib, &format!("-Wl,-rpath,{lib}"), "-lspanwire"]);
    assert_copies_do_not_mix(&linked, &["-", &one]);
    assert_copies_do_not_mix(&linked, &["-", &one, &other]);
    // The program links neither copy, like an interpreter with two modules that bring one each.
    assert_copies_do_not_mix(&two_copies("two-copies-alone", &["-DALONE"]), &[&one, &other]);
}

#[test]
fn a_program_or_plugin_that_holds_the_static_library_does_not_mix_with_another_copy() {
    if !require("gcc") || !require("pkg-config") {
        return;
    }
    let words = pkg_config(&["--variable=static"]);
    let with = |more: &[&'static str]| [more.to_vec(), words.iter().map(String::as_str).collect()].concat();
    let plugin = |name| two_copies(name, &with(&["-DPLUGIN", "-shared", "-fPIC"]));
    let (one, other, copy) = (plugin("one-plugin.so"), plugin("other-plugin.so"), copy_of_the_library("third-copy.so"));
    assert_copies_do_not_mix(&two_copies("two-copies-plugins", &["-DALONE"]), &[&one, &other, &copy]);
    // -rdynamic exports the program's symbols to the libraries that it loads, as PHP and Ruby do.
    let program = two_copies("two-copies-static", &with(&["-DHOLDS", "-rdynamic"]));
    assert_copies_do_not_mix(&program, &["-", &one, &copy]);
    let Some(symbols) = require("nm").then(|| command("nm").arg("-D").arg("--defined-only").arg(&one).run().ok())
    else {
        return;
    };
    let strange: Vec<&str> = symbols.stdout.lines().filter(|line| !line.ends_with(" plugin_symbol")).collect();
    assert!(strange.is_empty(), "symbols that another copy could take the place of: {strange:?}");
}

#[test]
fn no_call_within_the_library_goes_through_the_symbol_table_of_the_process() {
    let Some(relocations) = seen_by("readelf", &["-W", "-r"]) else { return };
    // With this symbol the library finds the copy that a program may contain: see `src/inspect/table.rs`.
    let expected = |line: &&str| line.contains(" spanwire_debug_root ");
    let ours: Vec<&str> =
        relocations.lines().filter(|line| line.contains(" spanwire_")).filter(|line| !expected(line)).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
