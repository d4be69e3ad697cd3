//! The files of the bindings that are written from src/abi/. A binding for a new language adds its files to `outputs`.

#[path = "bindings/php.rs"]
pub mod php;
#[path = "bindings/python.rs"]
mod python;
#[path = "bindings/ruby.rs"]
mod ruby;

use crate::items::Item;
use crate::model::Api;
use std::path::Path;

/// A file of the repository and what must be in it.
pub struct Output {
    pub path: &'static str,
    pub text: String,
}

/// What stands at the top of each file.
pub const WRITTEN: &str = "Written from src/abi/ by `cargo test --test header -- --bless`.";

pub fn outputs(root: &Path, items: &[Item]) -> Result<Vec<Output>, String> {
    let api = Api::of(items)?;
    let output = |path, text| Output { path, text };
    Ok(vec![
        output(php::FFI, php::ffi(items)),
        output("bindings/php/counts.h", php::counts(&api)?),
        output("bindings/php/src/Ffi/Abi.php", php::constants(&api)),
        output("bindings/ruby/lib/spanwire/abi.rb", ruby::abi(&api)),
        output("bindings/ruby/ext/spanwire_ext/abi.h", ruby::declarations(items)?),
        output(python::INSPECT, python::inspect(root, &api)?),
    ])
}

/// Words in lines of at most `width`, each with `indent`; `end` goes behind each line but the last.
fn wrapped(words: impl Iterator<Item = String>, indent: &str, width: usize, end: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() + end.len() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    let last = lines.len().saturating_sub(1);
    lines.iter_mut().take(last).for_each(|line| line.push_str(end));
    lines
}
