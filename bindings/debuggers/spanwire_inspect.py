"""What the scripts of GDB and LLDB share: asking libspanwire what a process is doing.

The scripts hold no offset and print nothing of their own. They give a library of this machine the address of the
process's table and a way to read its memory; `spanwire_process_inspect()` does the rest, so that every reader says the
same and hides the same secrets. Any libspanwire will do, the process's own file or another.
"""

import ctypes
import os

# Written from src/abi/ by `cargo test --test header -- --bless`.
_MEMORY_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_TEXT_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_INSPECT_RESULT = ctypes.c_int32
_INSPECT_PARAMETERS = [
    ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p, _MEMORY_CALLBACK, _TEXT_CALLBACK, ctypes.c_void_p,
]
# Written up to here.
_SONAME = "libspanwire.so.0"
# GDB forgets the name of a script that it has run.
_SCRIPT = globals().get("__file__")

SPANWIRE_COMMANDS = (
    "status", "spans", "span", "trace", "queue", "log", "events", "settings", "counters", "help",
)
SPANWIRE_NO_ROOT = (
    "spanwire: no libspanwire is in this process, or its file is missing here, or the core was written without the process's "
    "data; `spanwire core FILE` reads a core without the file\n"
)


def spanwire_library(of_process):
    """A loaded libspanwire that can inspect, or None, and why not: from SPANWIRE_LIBRARY, beside this script where it is
    installed, the files that the process itself uses, or where the system's loader finds one."""
    named = os.environ.get("SPANWIRE_LIBRARY")
    beside = [os.path.join(os.path.dirname(os.path.realpath(_SCRIPT)), "../../../lib", _SONAME)] if _SCRIPT else []
    paths = [named] if named else [*filter(os.path.exists, [*beside, *of_process]), _SONAME]
    why = ""
    for path in paths:
        try:
            function = ctypes.CDLL(path).spanwire_process_inspect
        except (OSError, AttributeError) as error:
            why = why or str(error)
            continue
        function.restype = _INSPECT_RESULT
        function.argtypes = _INSPECT_PARAMETERS
        return function, ""
    return None, why


def spanwire_pid_inside(pid):
    """The number by which a live process knows itself: in a container, not the one that it has here."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as status:
            inside = [line.split()[-1] for line in status if line.startswith("NSpid:")]
        return int(inside[0]) if inside else pid
    except (OSError, ValueError):
        return pid


def spanwire_ask(of_process, root, pid, read, command):
    """The answer to a command. `read(address, length)` gives that many bytes, or raises."""
    inspect, why = spanwire_library(of_process)
    if inspect is None:
        return (
            "spanwire: no libspanwire of this machine can look into the process (%s); "
            "set SPANWIRE_LIBRARY to the path of one, version 0.1 or later\n" % why
        )
    answers = []

    def fill(address, into, length, _):
        try:
            data = bytes(read(address, length))
        except Exception:  # whatever the debugger raises: the memory is not there
            return 1
        if len(data) != length:
            return 1
        ctypes.memmove(into, data, length)
        return 0

    def keep(text, length, _):
        answers.append(ctypes.string_at(text, length).decode("utf-8", "replace"))

    callbacks = _MEMORY_CALLBACK(fill), _TEXT_CALLBACK(keep)
    status = inspect(root, pid, command.encode("utf-8", "replace"), *callbacks, None)
    if not answers:
        return "spanwire: libspanwire could not answer (status %d)\n" % status
    return ("spanwire: " if status else "") + answers[0]
