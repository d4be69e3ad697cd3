//! GDB's script inside the library: GDB looks for a section of this name when it loads a program, and runs what it finds if
//! its user trusts the file (`add-auto-load-safe-path`). So that the command `spanwire` is there without anything being
//! installed, after the library was stripped too. The text is that of `bindings/debuggers` and `bindings/gdb`.

/// An entry of the section: 4 for "Python, the text itself", a name, a newline, the script, NUL.
const TEXT: &str = concat!(
    "\u{4}spanwire\n",
    include_str!("../../bindings/debuggers/spanwire_inspect.py"),
    include_str!("../../bindings/gdb/spanwire_gdb.py"),
    "\0"
);

/// Seen by GDB alone; the process never touches these pages.
// A section of its own is what the compiler calls unsafe: nothing else looks at this one.
#[allow(unsafe_code)]
#[used]
#[link_section = ".debug_gdb_scripts"]
static SCRIPT: [u8; TEXT.len()] = bytes(TEXT);

const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let (from, mut bytes, mut n) = (text.as_bytes(), [0; N], 0);
    while n < N {
        bytes[n] = from[n];
        n += 1;
    }
    bytes
}
