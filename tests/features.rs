//! docs/features.md is complete and true: it names every function of the C API and every setting, and what it names exists.

use spanwire::companion::settings::table;
use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words between backticks on lines that begin so, with the lines that continue them.
fn named(text: &str, beginning: &str) -> BTreeSet<String> {
    let (mut found, mut inside) = (BTreeSet::new(), false);
    for line in text.lines() {
        inside = line.starts_with(beginning) || inside && line.starts_with("  ");
        if inside {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_string));
        }
    }
    found
}

/// The functions that the header declares.
fn functions() -> BTreeSet<String> {
    let header = read("include/spanwire.h");
    let declared = header.lines().filter(|line| !line.starts_with([' ', '*', '/', '#']) && line.contains('('));
    let name = |line: &str| {
        let word = line.split('(').next().unwrap_or_default().rsplit([' ', '*']).next().unwrap_or_default();
        word.starts_with("spanwire_").then(|| word.to_string())
    };
    declared.filter_map(name).collect()
}

#[test]
fn every_function_is_named_and_those_named_exist() {
    let functions = functions();
    assert!(functions.len() > 70, "the header declares {functions:?}");
    assert_eq!(named(&read("docs/features.md"), "- C:"), functions);
}

/// The bindings' own names of a function stand beside the C functions, and each exists where users of the language look.
#[test]
fn names_in_the_bindings_exist() {
    let text = read("docs/features.md");
    let names = named(&text, "- C++, PHP and Ruby:");
    assert!(!names.is_empty(), "no line names what the bindings have");
    for name in names {
        let (file, declared) = match (name.rsplit_once("::"), name.rsplit_once('\\')) {
            (Some((_, name)), _) => ("include/spanwire.hpp", format!(" {name}(")),
            (_, Some((_, name))) => ("bindings/php/spanwire.stub.php", format!("function {name}(")),
            _ => ("bindings/ruby/sig/spanwire.rbs", format!("def {}:", name.replace("Spanwire.", "self."))),
        };
        assert!(read(file).contains(&declared), "{file} does not declare {declared:?}");
    }
}

#[test]
fn every_setting_is_named_and_those_named_exist() {
    let settings: BTreeSet<String> = table::all().map(|setting| setting.name.to_string()).collect();
    assert_eq!(named(&read("docs/features.md"), "- Settings:"), settings);
}

#[test]
fn each_feature_names_tests_that_exist_and_both_other_libraries() {
    let text = read("docs/features.md");
    for path in named(&text, "- Tests:") {
        assert!(path.starts_with("tests/"), "{path} is no test");
        read(&path);
    }
    for feature in text.split("\n### ").skip(1) {
        let feature = feature.split("\n## ").next().unwrap_or_default();
        for line in ["\n- Tests: `tests/", "\n- dd-trace-cpp: ", "\n- libdatadog: "] {
            assert_eq!(feature.matches(line).count(), 1, "{line:?} in: {feature}");
        }
    }
}
