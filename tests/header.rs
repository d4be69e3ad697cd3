//! Generates include/spanwire.h and the bindings' constants, structures and signatures from src/abi/. `cargo test
//! --test header` compares them with the committed files; `cargo test --test header -- --bless` writes them. This file
//! lists the tests and reports their results; `manual` has the texts of the header besides the doc comments.

#[path = "header/bindings.rs"]
mod bindings;
#[path = "header/checks.rs"]
mod checks;
#[path = "header/items.rs"]
mod items;
#[path = "header/manual.rs"]
mod manual;
#[path = "header/model.rs"]
mod model;
#[path = "header/render.rs"]
mod render;
#[path = "header/sections.rs"]
mod sections;

use bindings::Output;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HEADER: &str = "include/spanwire.h";
const BLESS: &str = "cargo test --test header -- --bless";

/// The input of all checks.
struct Material {
    root: PathBuf,
    sources: Vec<items::Source>,
    items: Vec<items::Item>,
    header: String,
    bindings: Vec<Output>,
}

/// A test: its name, and a function that returns its errors.
type Test = (&'static str, fn(&Material) -> Vec<String>);

const TESTS: &[Test] = &[
    ("the_header_is_what_the_sources_say", |m| differences(m, HEADER, &m.header)),
    ("the_bindings_are_what_the_sources_say", |m| {
        m.bindings.iter().flat_map(|output| differences(m, output.path, &output.text)).collect()
    }),
    ("the_compiler_agrees_with_the_sizes_and_offsets", checks::layouts),
    ("the_example_for_fiddle_declares_what_the_header_does", checks::fiddle),
    ("every_exported_function_is_declared", checks::exports),
    ("every_parameter_is_documented", checks::parameters),
    ("every_answer_is_documented", checks::answers),
    ("every_function_says_its_threads_blocking_fork_and_since", checks::conditions),
    ("every_status_has_its_number_for_ever", checks::statuses),
    ("no_line_is_too_long_or_speaks_rust", checks::lines),
    ("the_header_and_its_examples_compile", checks::compiles),
    ("the_declarations_for_php_are_what_php_can_use", checks::php),
];

/// Returns the first lines in which the committed file differs from the generated one.
fn differences(material: &Material, file: &str, wanted: &str) -> Vec<String> {
    let there = match std::fs::read_to_string(material.root.join(file)) {
        Ok(text) if text == wanted => return Vec::new(),
        Ok(text) => text,
        Err(error) => return vec![format!("cannot read {file}: {error}"), format!("to regenerate it: {BLESS}")],
    };
    let (old, new): (Vec<&str>, Vec<&str>) = (there.lines().collect(), wanted.lines().collect());
    let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let mut wrong = vec![format!("{file} differs from src/abi/ from line {} on:", first + 1)];
    wrong.extend(old.iter().skip(first).take(3).map(|line| format!("-{line}")));
    wrong.extend(new.iter().skip(first).take(3).map(|line| format!("+{line}")));
    wrong.push(format!("to regenerate it: {BLESS}"));
    wrong
}

fn material(root: &Path) -> Result<Material, String> {
    let sources = items::sources(&root.join("src/abi"))?;
    let items = sections::sorted(items::parse(&root.join("src/abi"))?, &sources)?;
    let (header, bindings) = (render::header(&items), bindings::outputs(root, &items)?);
    Ok(Material { root: root.into(), sources, items, header, bindings })
}

fn bless(material: &Material) -> Result<(), String> {
    let bindings = material.bindings.iter().map(|output| (output.path, &output.text));
    for (file, text) in std::iter::once((HEADER, &material.header)).chain(bindings) {
        let path = material.root.join(file);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == *text) {
            continue;
        }
        let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        parent.and_then(|()| std::fs::write(&path, text)).map_err(|error| format!("cannot write {file}: {error}"))?;
        println!("wrote {file}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let made = material(Path::new(env!("CARGO_MANIFEST_DIR"))).and_then(|material| {
        let wanted = arguments.iter().any(|argument| argument == "--bless");
        if wanted { bless(&material) } else { Ok(()) }.map(|()| material)
    });
    let material = match made {
        Ok(material) => material,
        Err(why) => {
            println!("\n{why}\n\ntest result: FAILED. 0 passed; {} failed", TESTS.len());
            return ExitCode::FAILURE;
        }
    };

    let tests: Vec<&Test> = TESTS.iter().filter(|(name, _)| chosen(name)).collect();
    println!("\nrunning {} tests", tests.len());
    let mut failures = Vec::new();
    for (name, test) in &tests {
        let wrong = test(&material);
        println!("test {name} ... {}", if wrong.is_empty() { "ok" } else { "FAILED" });
        if !wrong.is_empty() {
            failures.push((name, wrong));
        }
    }
    for (name, wrong) in &failures {
        println!("\n---- {name} ----\n{}", wrong.join("\n"));
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        tests.len() - failures.len(),
        failures.len(),
        TESTS.len() - tests.len(),
    );
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
