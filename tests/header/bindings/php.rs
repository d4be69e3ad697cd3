//! What PHP needs of the C API: declarations for FFI, constants for PHP's code, and counters for the extension in C.

use super::{wrapped, WRITTEN};
use crate::items::{Item, Kind};
use crate::manual::{PHP_OVERVIEW, WITHOUT_PHP};
use crate::model::Api;
use crate::render::{block, broken};

pub const FFI: &str = "bindings/php/spanwire.ffi.h";

/// The declarations for FFI::cdef().
pub fn ffi(items: &[Item]) -> String {
    let mut lines = block("/*", PHP_OVERVIEW);
    let usable = |item: &&Item| !WITHOUT_PHP.contains(&item.name.as_str());
    lines.push("enum {".into());
    for item in items.iter().filter(|item| item.kind == Kind::Constant && item.name != "SPANWIRE_NUL") {
        let value = item.value().trim_start_matches('(').trim_end_matches(')');
        let value = if value == "INT32_MIN" { "-2147483648" } else { value };
        lines.push(format!("    {} = {value},", item.name));
    }
    lines.push("};".into());
    let bare = |line: &&String| {
        let line = line.trim_start();
        !line.starts_with('/') && !line.starts_with('*')
    };
    for item in items.iter().filter(|item| item.kind != Kind::Constant).filter(usable) {
        lines.extend(item.code.iter().filter(bare).flat_map(|line| broken(line)));
    }
    lines.join("\n") + "\n"
}

/// The names of the counters in `spanwire_stats`, for a list in C.
pub fn counts(api: &Api) -> Result<String, String> {
    let fields = api.structure("stats")?.fields.iter().filter(|field| field.name != "size");
    let names = wrapped(fields.map(|field| format!("X({})", field.name)), "    ", 118, " \\");
    Ok(format!("/* The counters of spanwire_stats. {WRITTEN} */\n#define SW_COUNTS(X) \\\n{}\n", names.join("\n")))
}

/// The constants, for code that runs even where FFI cannot load the library.
pub fn constants(api: &Api) -> String {
    let lines =
        api.constants.iter().map(|constant| format!("    public const {} = {};", constant.name, constant.value));
    format!(
        "<?php\ndeclare(strict_types=1);\n\nnamespace Spanwire\\Ffi;\n\n/**\n * The constants of spanwire.h without \
         `SPANWIRE_`. {WRITTEN}\n *\n * @internal\n */\nfinal class Abi\n{{\n{}\n}}\n",
        lines.collect::<Vec<_>>().join("\n")
    )
}
