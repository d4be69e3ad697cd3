"""The command `spanwire` for GDB: what a process that uses libspanwire is doing, live or in a core.

    (gdb) source PREFIX/share/spanwire/gdb/spanwire_gdb.py      nothing at all where PREFIX is /usr (see README.md)
    (gdb) spanwire spans
"""

import gdb

try:
    spanwire_ask  # the installed script has it in front
except NameError:
    import os
    import sys

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "debuggers"))
    from spanwire_inspect import SPANWIRE_COMMANDS, SPANWIRE_NO_ROOT, spanwire_ask, spanwire_pid_inside

    sys.path.pop(0)


def _spanwire_root():
    """The table's address and the file that has it; the address is 0 where there is none."""
    try:
        said = gdb.execute("info address spanwire_debug_root", to_string=True)
        words = said.replace(".", " ").split()
        address = next(int(word, 16) for word in words if word.startswith("0x"))
    except (gdb.error, StopIteration, ValueError):
        return 0, []
    files = [objfile.filename for objfile in gdb.objfiles() if "libspanwire" in (objfile.filename or "")]
    return address, files


class _SpanwireCommand(gdb.Command):
    """What a process that uses libspanwire is doing: spanwire status, spans, queue, ...; spanwire help lists all."""

    def __init__(self):
        super().__init__("spanwire", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        inferior = gdb.selected_inferior()
        root, files = _spanwire_root()
        if not root:
            gdb.write(SPANWIRE_NO_ROOT)
            return
        pid = spanwire_pid_inside(inferior.pid) if inferior.pid else 0
        gdb.write(spanwire_ask(files, root, pid, inferior.read_memory, argument or "status"))

    def complete(self, text, word):
        return [command for command in SPANWIRE_COMMANDS if command.startswith(word)] if " " not in text else []


_SpanwireCommand()
