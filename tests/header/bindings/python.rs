//! What the scripts of GDB and LLDB need of the C API, for ctypes: the lines between two marks of a script.

use super::WRITTEN;
use crate::model::{Api, Type};
use std::path::Path;

pub const INSPECT: &str = "bindings/debuggers/spanwire_inspect.py";
const END: &str = "# Written up to here.";

/// The script with those lines made anew.
pub fn inspect(root: &Path, api: &Api) -> Result<String, String> {
    let text =
        std::fs::read_to_string(root.join(INSPECT)).map_err(|error| format!("cannot read {INSPECT}: {error}"))?;
    let begin = format!("# {WRITTEN}\n");
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or(format!("{INSPECT} has no lines \"# {WRITTEN}\" and \"{END}\""))?;
    let mut lines = Vec::new();
    for callback in &api.callbacks {
        if ["memory_callback", "text_callback"].contains(&callback.name.as_str()) {
            let types = types(api, std::iter::once(callback.result).chain(callback.parameters.iter().copied()));
            lines.push(format!("{} = ctypes.CFUNCTYPE({types})", python(&callback.name)));
        }
    }
    let function = api.function("process_inspect")?;
    lines.push(format!("_INSPECT_RESULT = {}", types(api, std::iter::once(function.result))));
    lines.push(format!("_INSPECT_PARAMETERS = [\n    {},\n]", types(api, function.parameters.iter().copied())));
    Ok(format!("{before}{begin}{}\n{END}{after}", lines.join("\n")))
}

/// The name of a callback's type.
fn python(name: &str) -> String {
    format!("_{}", name.to_uppercase())
}

fn types(api: &Api, kinds: impl Iterator<Item = Type>) -> String {
    let name = |kind| match kind {
        Type::Void => "None".to_owned(),
        Type::I32 => "ctypes.c_int32".into(),
        Type::U32 => "ctypes.c_uint32".into(),
        Type::I64 => "ctypes.c_int64".into(),
        Type::U64 => "ctypes.c_uint64".into(),
        Type::Size => "ctypes.c_size_t".into(),
        Type::F64 => "ctypes.c_double".into(),
        Type::Text => "ctypes.c_char_p".into(),
        Type::Callback(nth) => python(&api.callbacks[nth].name),
        Type::Bytes | Type::Pointer | Type::Chars(_) => "ctypes.c_void_p".into(),
    };
    kinds.map(name).collect::<Vec<_>>().join(", ")
}
