//! Small trees that show what the reader of imports sees, and that each kind of finding is found.

use super::graph::{arrows, circles, Arrows};
use super::source::{self, Files};
use super::{against_the_order, in_a_circle};

struct Fake<'a>(&'a [(&'a str, &'a str)]);

impl Files for Fake<'_> {
    fn read(&self, file: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| *name == file).map(|(_, text)| (*text).to_owned())
    }
}

/// The arrows of this crate, whose `lib.rs` declares the modules `upper`, `middle` and `lower`. Those without a text of
/// their own are empty.
fn read(tree: &[(&str, &str)]) -> Arrows {
    let mut tree = tree.to_vec();
    tree.push(("lib.rs", "mod upper; mod middle; mod lower;"));
    for (file, folder) in [("upper.rs", "upper/"), ("middle.rs", "middle/"), ("lower.rs", "lower/")] {
        if !tree.iter().any(|(name, _)| *name == file || name.starts_with(folder)) {
            tree.push((file, ""));
        }
    }
    arrows(&source::read(&Fake(&tree), "lib.rs"))
}

/// Arrows as `from -> to: names`.
#[track_caller]
fn assert_arrows(tree: &[(&str, &str)], wanted: &[&str]) {
    let line = |((from, to), names): (&(String, String), &std::collections::BTreeSet<String>)| {
        format!("{from} -> {to}: {}", names.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(read(tree).iter().map(line).collect::<Vec<_>>(), wanted);
}

const ORDER: &[&[&str]] = &[&["upper"], &["middle"], &["lower"]];

#[test]
fn imports_and_paths_are_arrows_wherever_they_stand() {
    assert_arrows(&[("upper.rs", "use crate::lower::{self, A, deep::B as C};")], &["upper.rs -> lower.rs: A deep"]);
    assert_arrows(&[("upper.rs", "fn f() { if true { super::lower::go(1) } }")], &["upper.rs -> lower.rs: go"]);
    assert_arrows(
        &[("upper.rs", "use crate::lower; fn f() -> lower::T { lower::g() }")],
        &["upper.rs -> lower.rs: T g"],
    );
    assert_arrows(&[("upper.rs", "pub(crate) use crate::lower::A;")], &["upper.rs -> lower.rs: A"]);
    assert_arrows(&[("upper.rs", "struct S { t: Vec<crate::lower::T> }")], &["upper.rs -> lower.rs: T"]);
    assert_arrows(&[("upper.rs", "fn f() { format!(\"{}\", crate::lower::NAME) }")], &["upper.rs -> lower.rs: NAME"]);
    assert_arrows(&[("upper.rs", "use crate::lower::*;")], &["upper.rs -> lower.rs: *"]);
    assert_arrows(&[("upper.rs", "mod inner { use super::super::lower::A; }")], &["upper.rs -> lower.rs: A"]);
}

#[test]
fn what_is_no_import_is_no_arrow() {
    assert_arrows(&[("upper.rs", "use crate::lower;")], &[]);
    assert_arrows(
        &[("upper.rs", "// crate::lower::A\n/// [`crate::lower::A`]\nconst T: &str = \"crate::lower::A\";")],
        &[],
    );
    assert_arrows(&[("upper.rs", "use std::lower::A; fn f() { ::lower::g(); Self::lower(); }")], &[]);
    assert_arrows(
        &[("upper.rs", "#[cfg(test)] mod tests { use crate::lower::A; } #[cfg(test)] use crate::lower::{B, C};")],
        &[],
    );
    // No file of this name is needed, either.
    assert_arrows(&[("upper.rs", "#[cfg(test)]\nmod tests;")], &[]);
    assert_arrows(
        &[("upper.rs", "#[cfg(test)] fn f() { crate::lower::g() } use crate::middle::A;")],
        &["upper.rs -> middle.rs: A"],
    );
}

#[test]
fn a_re_export_leads_to_the_file_that_defines_the_name() {
    let lower = [("lower/mod.rs", "mod deep; pub use deep::A; pub use crate::middle::M;"), ("lower/deep.rs", "")];
    let with = |upper| [("upper.rs", upper), lower[0], lower[1]];
    let always = "lower/mod.rs -> middle.rs: M";
    assert_arrows(&with("use crate::lower::A;"), &[always, "upper.rs -> lower/deep.rs: A"]);
    assert_arrows(&with("use crate::lower::M;"), &[always, "upper.rs -> middle.rs: M"]);
    assert_arrows(&with("use crate::lower::N;"), &[always, "upper.rs -> lower/mod.rs: N"]);
    assert_arrows(
        &with("use crate::lower as low; fn f() { low::A::new() }"),
        &[always, "upper.rs -> lower/deep.rs: A"],
    );
    let globs = [("upper.rs", "use crate::lower::A;"), ("lower/mod.rs", "mod deep; pub use self::deep::*;"), lower[1]];
    assert_arrows(&globs, &["lower/mod.rs -> lower/deep.rs: *", "upper.rs -> lower/mod.rs: A"]);
}

#[test]
fn a_folder_is_a_part_of_its_module() {
    let tree =
        [("lower/mod.rs", "mod a; mod b; use a::A; struct B;"), ("lower/a.rs", "use super::B;"), ("lower/b.rs", "")];
    assert_arrows(&tree, &["lower/mod.rs -> lower/a.rs: A"]);
    let siblings =
        [("lower/mod.rs", "mod a; mod b;"), ("lower/a.rs", "use super::b::B;"), ("lower/b.rs", "use super::a::A;")];
    let arrows = read(&siblings);
    assert_eq!(circles(&arrows), [["lower/a.rs", "lower/b.rs"]]);
}

#[test]
fn an_upward_import_is_found_with_its_files_and_names() {
    let arrows = read(&[("upper.rs", "use crate::lower::A;"), ("lower.rs", "use crate::upper::{B, C};")]);
    let wanted = "lower imports upper, which is not below it:\n  lower.rs -> upper.rs: B, C\n";
    assert_eq!(against_the_order(&arrows, ORDER), [wanted]);
    assert_eq!(against_the_order(&arrows, &[&["upper", "lower"]]).len(), 2, "nor those beside it");
    assert_eq!(against_the_order(&arrows, &[&["upper"]]), ["the module lower has no place in ORDER\n"]);
}

#[test]
fn a_circle_is_found_with_its_files_and_names() {
    let tree = [
        ("upper.rs", "use crate::middle::A;"),
        ("middle.rs", "use crate::lower::B;"),
        ("lower.rs", "fn f() { crate::upper::g() }"),
    ];
    let arrows = read(&tree);
    let wanted = "lower.rs, middle.rs, upper.rs import one another:\n  lower.rs -> upper.rs: g\n  \
                  middle.rs -> lower.rs: B\n  upper.rs -> middle.rs: A\n";
    assert_eq!(in_a_circle(&arrows), [wanted]);
    assert_eq!(in_a_circle(&read(&tree[..2])), [""; 0]);
}
