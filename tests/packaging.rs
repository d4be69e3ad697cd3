//! Ways to use spanwire in a C++ project: the CMake package, pkg-config, the static library, FetchContent, a moved
//! installation. Uses the lines of bindings/cpp/README.md, and checks that the spans arrive at an Agent.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::agent::TestAgent;
use support::hosts::{command, require, root, stage, Host};

/// A folder outside the repository with examples/cpp/hello.cpp as its program; removed at the end.
struct Outside(PathBuf);

impl Outside {
    fn new(name: &str) -> Outside {
        let folder = std::env::temp_dir().join(format!("spanwire-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("a folder outside the repository");
        fs::copy(root().join("examples/cpp/hello.cpp"), folder.join("main.cpp")).expect("a program");
        Outside(folder)
    }

    fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// Writes a CMakeLists.txt and builds `target` with it.
    #[track_caller]
    fn build(&self, cmake: &str, target: &str, options: &[&str]) {
        fs::write(self.join("CMakeLists.txt"), cmake).expect("CMakeLists.txt");
        fs::remove_dir_all(self.join("build")).ok();
        let configure = tool("cmake").folder(&self.0).arg("-B").arg("build").arg("-DCMAKE_BUILD_TYPE=Debug");
        options.iter().fold(configure, Host::arg).arg(".").run().ok();
        tool("cmake").folder(&self.0).arg("--build").arg("build").arg("--target").arg(target).run().ok();
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Returns a build tool with the environment that cargo needs, without variables that would change the result.
fn tool(program: &str) -> Host {
    let kept = std::env::vars().filter(|(name, _)| {
        let fixed = ["CARGO_TARGET_DIR", "DESTDIR", "MAKEFLAGS", "OBJCOPY", "LD_LIBRARY_PATH", "CPATH", "LIBRARY_PATH"];
        let groups = ["CMAKE_", "PKG_CONFIG", "SPANWIRE_", "DD_", "GIT_"];
        !fixed.contains(&name.as_str()) && !groups.iter().any(|group| name.starts_with(group))
    });
    kept.fold(command(program).limit(300), |host, (name, value)| host.env(&name, value))
}

/// Returns the code blocks of bindings/cpp/README.md in this language.
fn documented(language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("bindings/cpp/README.md")).expect("bindings/cpp/README.md");
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

/// Returns the project that the README shows.
fn project() -> String {
    let shown = documented("cmake").into_iter().find(|block| block.contains("find_package"));
    shown.expect("a CMakeLists.txt with find_package in bindings/cpp/README.md")
}

fn with_prefix(prefix: &Path) -> String {
    format!("-DCMAKE_PREFIX_PATH={}", prefix.display())
}

fn has(tools: &[&str]) -> bool {
    tools.iter().all(|tool| require(tool))
}

/// Runs a copy of examples/cpp/hello.cpp and checks that its trace is at a test agent.
#[track_caller]
fn assert_its_spans_arrive(program: Host) {
    let Some(agent) = TestAgent::start() else { return };
    assert_eq!(program.agent(&agent.tcp()).run().ok().stdout, "2 spans finished, 2 sent\n");
    let traces = agent.traces();
    let names: Vec<&str> = traces.iter().flatten().map(|span| span.name.as_str()).collect();
    assert_eq!((traces.len(), names.as_slice()), (1, ["checkout", "payment"].as_slice()));
    agent.assert_checks_passed();
}

fn readelf(option: &str, file: &Path) -> String {
    command("readelf").arg("--wide").arg(option).arg(file.display()).run().ok().stdout
}

#[track_caller]
fn assert_needs_no_libspanwire(program: &Path) {
    let needed = readelf("--dynamic", program);
    assert!(needed.contains("libc.so"), "{needed}");
    assert!(!needed.contains("libspanwire"), "{needed}");
}

#[test]
fn a_project_with_nothing_but_find_package_builds_and_its_spans_arrive() {
    if !has(&["cmake", "g++"]) {
        return;
    }
    let outside = Outside::new("find-package");
    outside.build(&project(), "shop", &[&with_prefix(stage())]);
    assert_its_spans_arrive(command(outside.join("build/shop")));
}

#[test]
fn a_project_in_c_alone_builds_too() {
    if !has(&["cmake", "gcc"]) {
        return;
    }
    let outside = Outside::new("c");
    fs::copy(root().join("examples/c/hello.c"), outside.join("main.c")).expect("a program");
    let cmake = project().replace("CXX", "C").replace("main.cpp", "main.c");
    outside.build(&cmake, "shop", &[&with_prefix(stage())]);
    assert_its_spans_arrive(command(outside.join("build/shop")));
}

#[test]
fn the_static_target_brings_all_that_it_needs() {
    if !has(&["cmake", "g++", "readelf"]) {
        return;
    }
    let outside = Outside::new("static");
    let plugin = "\nadd_library(plugin MODULE main.cpp)\ntarget_link_libraries(plugin PRIVATE spanwire::static)\n";
    let cmake = project().replace("spanwire::spanwire", "spanwire::static") + plugin;
    outside.build(&cmake, "all", &[&with_prefix(stage())]);
    assert_needs_no_libspanwire(&outside.join("build/shop"));
    assert_its_spans_arrive(command(outside.join("build/shop")));
    // The code of a plugin must not be unmapped while threads of the library in it run.
    let flags = readelf("--dynamic", &outside.join("build/libplugin.so"));
    assert!(flags.contains("NODELETE"), "{flags}");
}

/// Runs the README's lines for pkg-config in a new folder each, with the package in `lib`.
#[track_caller]
fn assert_pkg_config_serves(outside: &Outside, lib: &Path) {
    let blocks = documented("sh");
    let lines: Vec<&str> =
        blocks.iter().flat_map(|block| block.lines()).filter(|line| line.contains("$(pkg-")).collect();
    let [shared, partly, wholly] = lines.as_slice() else { panic!("not three lines with pkg-config: {lines:?}") };
    let compile = |line: &str| {
        let shell = tool("sh").folder(&outside.0).env("PKG_CONFIG_PATH", lib.join("pkgconfig").display());
        shell.arg("-c").arg(line).run().ok();
        outside.join("a.out")
    };
    assert_its_spans_arrive(command(compile(shared)).env("LD_LIBRARY_PATH", lib.display()));
    let program = compile(partly);
    assert_needs_no_libspanwire(&program);
    assert_its_spans_arrive(command(program));
    let program = compile(wholly);
    assert!(readelf("--dynamic", &program).contains("no dynamic section"));
    assert_its_spans_arrive(command(program));
}

#[test]
fn pkg_config_is_enough_shared_and_static() {
    if has(&["pkg-config", "g++", "readelf"]) {
        assert_pkg_config_serves(&Outside::new("pkg-config"), &stage().join("lib"));
    }
}

/// tools/stage has built everything, so that cargo has nothing to do.
fn with_what_is_built(host: Host) -> Host {
    stage();
    host.env("CARGO_TARGET_DIR", root().join("target/stage-build").display())
}

/// Runs the installed program, as on a server: it needs neither a compiler nor the repository.
#[track_caller]
fn assert_the_companion_works(program: &Path) {
    assert_needs_no_libspanwire(program);
    assert_eq!(command(program).arg("--version").run().ok().stdout, "spanwire 0.1.0\n");
    let report = command(program).arg("doctor").arg("-").input("no log of a tracer\n").run();
    assert!(report.stdout.contains("1 line"), "{}{}", report.stdout, report.stderr);
}

#[test]
fn the_three_lines_install_from_a_sub_folder_and_the_prefix_may_be_moved() {
    if !has(&["cmake", "make", "g++", "pkg-config", "readelf"]) {
        return;
    }
    let outside = Outside::new("install");
    let below = root().join("target");
    fs::remove_dir_all(below.join(".build")).ok();
    let lines = documented("sh").into_iter().find(|block| block.starts_with("cmake")).expect("three lines of cmake");
    let shell = with_what_is_built(tool("sh")).folder(&below).env("DESTDIR", outside.join("dest").display());
    // The companion is compiled here for the first time.
    shell.arg("-ec").arg(lines).limit(1_200).run().ok();

    let installed = outside.join("dest/usr/local");
    let script = |path: &str| fs::read_to_string(installed.join(path)).expect(path);
    let for_gdb = "share/gdb/auto-load/usr/local/lib/libspanwire.so.0.1.0-gdb.py";
    assert_eq!(script(for_gdb), script("share/spanwire/gdb/spanwire_gdb.py"), "GDB looks for it by the library's path");
    assert!(!installed.join("lib/libspanwire.so.0.1.0-gdb.py").exists(), "GDB would warn of it");
    assert!(installed.join("include/spanwire/httplib.hpp").exists(), "the integrations are installed");
    assert_the_companion_works(&installed.join("bin/spanwire"));
    outside.build(&project(), "shop", &[&with_prefix(&installed)]);
    assert_its_spans_arrive(command(outside.join("build/shop")));

    let moved = outside.join("another place");
    fs::rename(&installed, &moved).expect("the prefix is moved");
    outside.build(&project(), "shop", &[&with_prefix(&moved)]);
    assert_its_spans_arrive(command(outside.join("build/shop")));
    outside.build(&project().replace("spanwire::spanwire", "spanwire::static"), "shop", &[&with_prefix(&moved)]);
    assert_its_spans_arrive(command(outside.join("build/shop")));
    // A path with a blank does not work in a shell's $(pkg-config …).
    let moved_again = outside.join("elsewhere");
    fs::rename(&moved, &moved_again).expect("the prefix is moved");
    assert_pkg_config_serves(&outside, &moved_again.join("lib"));
}

#[test]
fn release_symbols_lie_in_a_file_apart_where_tools_find_them() {
    if !has(&["cmake", "make", "g++", "readelf", "nm", "addr2line"]) {
        return;
    }
    let outside = Outside::new("release");
    let build = outside.join("library");
    let configure =
        with_what_is_built(tool("cmake")).arg("-DCMAKE_BUILD_TYPE=Release").arg("-DCMAKE_INSTALL_LIBDIR=lib64");
    let configure = configure.arg("-DSPANWIRE_COMPANION=OFF");
    configure.arg("-B").arg(build.display()).arg(root().display()).run().ok();
    tool("cmake").arg("--build").arg(build.display()).run().ok();
    let prefix = outside.join("prefix");
    tool("cmake").arg("--install").arg(build.display()).arg("--prefix").arg(prefix.display()).run().ok();

    assert!(!prefix.join("bin").exists(), "the companion was not asked for");
    let (library, symbols) = (prefix.join("lib64/libspanwire.so"), prefix.join("lib64/libspanwire.so.debug"));
    let build_id =
        |file: &Path| readelf("--notes", file).lines().find(|line| line.contains("Build ID")).map(str::to_owned);
    assert!(build_id(&library).is_some());
    assert_eq!(build_id(&library), build_id(&symbols));
    assert!(!readelf("--sections", &library).contains(".debug_info"));
    let defined = command("nm").arg("--dynamic").arg(library.display()).run().ok().stdout;
    let address =
        defined.lines().find_map(|line| line.strip_suffix(" T spanwire_span_start")).expect("spanwire_span_start");
    let place = || command("addr2line").arg("-e").arg(library.display()).arg(address).run().ok().stdout;
    assert!(place().contains("src/abi/span/start.rs:"), "{}", place());
    fs::remove_file(&symbols).expect("the symbols are removed");
    assert!(!place().contains("start.rs"), "{}", place());

    // Debian's CMake does not search lib64 by itself.
    let package = format!("-Dspanwire_DIR={}", prefix.join("lib64/cmake/spanwire").display());
    outside.build(&project(), "shop", &[&package]);
    assert_its_spans_arrive(command(outside.join("build/shop")));
}

/// Commits the repository's current files to a new repository.
fn clone(to: &Path) {
    let git =
        |folder: &Path| tool("git").folder(folder).arg("-c").arg("user.name=x").arg("-c").arg("user.email=x@localhost");
    let listed = git(root()).arg("ls-files").arg("-co").arg("--exclude-standard").run().ok().stdout;
    for file in listed.lines().filter(|file| root().join(file).is_file()) {
        fs::create_dir_all(to.join(file).parent().unwrap_or(to)).expect("a folder of the clone");
        fs::copy(root().join(file), to.join(file)).expect("a file of the clone");
    }
    git(to).arg("init").arg("--quiet").arg("--initial-branch=main").run().ok();
    git(to).arg("add").arg("--all").run().ok();
    git(to).arg("commit").arg("--quiet").arg("--message=all").run().ok();
}

#[test]
fn fetch_content_from_a_local_clone_builds_what_is_linked_and_nothing_twice() {
    if !has(&["cmake", "make", "g++", "git"]) {
        return;
    }
    let outside = Outside::new("fetch");
    clone(&outside.join("clone"));
    let fetch = documented("cmake").into_iter().find(|block| block.contains("FetchContent")).expect("FetchContent");
    let fetch = fetch.replace("https://…", &outside.join("clone").display().to_string()).replace("v0.1.0", "main");
    assert!(fetch.contains("GIT_REPOSITORY /"), "{fetch}");
    outside.build(&project().replace("find_package(spanwire 0.1 CONFIG REQUIRED)", &fetch), "all", &[]);
    assert_its_spans_arrive(command(outside.join("build/shop")));

    let made = outside.join("build/_deps/spanwire-build/stage/lib");
    let library = fs::read(made.join("libspanwire.so")).expect("the shared library");
    // Only code that is not optimised checks additions for overflow.
    let checks = b"attempt to add with overflow";
    assert!(library.windows(checks.len()).any(|bytes| bytes == checks), "a Debug build was optimised");
    assert!(!made.join("libspanwire.a").exists(), "what nobody links was built");

    let again = tool("cmake").arg("--build").arg(outside.join("build").display()).run().ok();
    assert!(
        !again.stdout.contains("Linking") && !again.stderr.contains("Compiling"),
        "{}{}",
        again.stdout,
        again.stderr
    );
    let fetched = outside.join("build/_deps/spanwire-src");
    assert_eq!(tool("git").folder(&fetched).arg("status").arg("--porcelain").run().ok().stdout, "");
}

#[test]
fn a_version_that_may_differ_in_what_was_promised_is_refused_and_named() {
    if !has(&["cmake"]) {
        return;
    }
    let outside = Outside::new("version");
    let find = |wanted: &str| {
        let text = format!(
            "cmake_minimum_required(VERSION 3.19)\nproject(x NONE)\nfind_package(spanwire {wanted} CONFIG REQUIRED)\n"
        );
        fs::write(outside.join("CMakeLists.txt"), text).expect("CMakeLists.txt");
        fs::remove_dir_all(outside.join("build")).ok();
        tool("cmake").folder(&outside.0).arg("-B").arg("build").arg(with_prefix(stage())).arg(".").run()
    };
    for wanted in ["", "0.1", "0.1.0", "0.1.0 EXACT", "0.1...0.3", "0.0...0.1.0"] {
        find(wanted).ok();
    }
    for wanted in ["0.1.1", "0.0", "0.2", "1", "1.1", "0.2...1", "0.0...<0.1.0"] {
        let refused = find(wanted);
        assert!(!refused.status.success(), "0.1.0 was taken for {wanted}");
        assert!(refused.stderr.contains("version: 0.1.0"), "{wanted}: {}", refused.stderr);
    }
}

#[test]
fn the_readme_shows_the_lines_that_build_from_a_sub_folder() {
    let lines = documented("sh").into_iter().find(|block| block.starts_with("cmake"));
    let wanted =
        "cmake -B .build -DCMAKE_BUILD_TYPE=RelWithDebInfo ..\ncmake --build .build -j\ncmake --install .build\n";
    assert_eq!(lines.as_deref(), Some(wanted));
}
