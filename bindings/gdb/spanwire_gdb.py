"""The command `spanwire` for GDB: shows what a process that uses libspanwire is doing, live or in a core.

    (gdb) source PREFIX/share/spanwire/gdb/spanwire_gdb.py      not needed if PREFIX is /usr (see README.md)
    (gdb) spanwire spans
"""

import struct

import gdb

try:
    spanwire_ask  # defined above in the installed script, which begins with spanwire_inspect.py
except NameError:
    import os
    import sys

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "debuggers"))
    from spanwire_inspect import SPANWIRE_COMMANDS, SPANWIRE_NO_ROOT, spanwire_ask, spanwire_pid_inside

    sys.path.pop(0)


def _spanwire_root():
    """Returns the table's address and the files that may contain it. The address is 0 if there is no table."""
    try:
        said = gdb.execute("info address spanwire_debug_root", to_string=True)
        words = said.replace(".", " ").split()
        address = next(int(word, 16) for word in words if word.startswith("0x"))
    except (gdb.error, StopIteration, ValueError):
        return 0, []
    files = [objfile.filename for objfile in gdb.objfiles() if "libspanwire" in (objfile.filename or "")]
    return address, files


def _spanwire_segments():
    """Returns the memory ranges that the core holds, sorted, as pairs of first address and end. None if there is no
    core, or its format is not known. Needed because GDB reads zeros for memory that a core does not hold."""
    try:
        said = gdb.execute("info files", to_string=True)
    except gdb.error:
        return None
    place = said.find("core dump file:")
    path = said[place:].partition("`")[2].partition("', file type ")[0] if place >= 0 else ""
    try:
        with open(path, "rb") as core:
            head = core.read(64)
            if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
                return None
            length = core.seek(0, 2)
            table, sections = struct.unpack_from("<QQ", head, 32)
            count = struct.unpack_from("<H", head, 56)[0]
            if count == 0xFFFF:  # the count does not fit; it is in the first section header
                core.seek(sections)
                count = struct.unpack_from("<I", core.read(64), 44)[0]
            core.seek(table)
            headers = core.read(56 * count)
    except (OSError, struct.error, ValueError):
        return None
    segments = []
    for kind, _, at, address, _, size, _, _ in struct.iter_unpack("<IIQQQQQQ", headers[: len(headers) // 56 * 56]):
        there = min(size, max(0, length - at))
        if kind == 1 and there:
            segments.append((address, address + there))
    return sorted(segments)


def _spanwire_reader(inferior):
    """Returns a function that reads memory, and raises if the core does not hold that memory."""
    segments = _spanwire_segments()

    def read(address, length):
        if segments is not None:
            at, end = address, address + length
            for first, last in segments:
                if first <= at < last:
                    at = min(last, end)
            if at < end:
                raise gdb.MemoryError("not in the core")
        return inferior.read_memory(address, length)

    return read


class _SpanwireCommand(gdb.Command):
    """Show what a process with libspanwire is doing: spanwire status, spans, queue, ...; spanwire help lists all."""

    def __init__(self):
        super().__init__("spanwire", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        inferior = gdb.selected_inferior()
        root, files = _spanwire_root()
        if not root:
            gdb.write(SPANWIRE_NO_ROOT)
            return
        pid = spanwire_pid_inside(inferior.pid) if inferior.pid else 0
        gdb.write(spanwire_ask(files, root, pid, _spanwire_reader(inferior), argument or "status"))

    def complete(self, text, word):
        return [command for command in SPANWIRE_COMMANDS if command.startswith(word)] if " " not in text else []


_SpanwireCommand()
