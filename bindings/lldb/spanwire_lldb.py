"""The command `spanwire` for LLDB: shows what a process that uses libspanwire is doing, live or in a core.

    (lldb) command script import .../spanwire_lldb.py
    (lldb) spanwire spans
"""

import os
import sys

import lldb

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "debuggers"))
from spanwire_inspect import SPANWIRE_NO_ROOT, spanwire_ask, spanwire_pid_inside  # noqa: E402

sys.path.pop(0)


def _root(target):
    """Returns the table's address and the file that contains it. The address is 0 if there is no table."""
    for context in target.FindSymbols("spanwire_debug_root"):
        address = context.GetSymbol().GetStartAddress().GetLoadAddress(target)
        if address not in (0, lldb.LLDB_INVALID_ADDRESS):
            return address, [str(context.GetModule().GetFileSpec())]
    return 0, []


def spanwire(debugger, command, result, internal_dict):
    """Show what a process with libspanwire is doing: spanwire status, spans, queue, ...; spanwire help lists all."""
    target = debugger.GetSelectedTarget()
    process = target.GetProcess()
    root, files = _root(target)
    if not root or not process.IsValid():
        result.AppendMessage(SPANWIRE_NO_ROOT.rstrip("\n"))
        return

    def read(address, length):
        error = lldb.SBError()
        data = process.ReadMemory(address, length, error)
        if not error.Success():
            raise ValueError(error.GetCString())
        return data

    pid = process.GetProcessID()
    pid = spanwire_pid_inside(pid) if pid not in (0, lldb.LLDB_INVALID_PROCESS_ID) else 0
    result.AppendMessage(spanwire_ask(files, root, pid, read, command or "status").rstrip("\n"))


def __lldb_init_module(debugger, internal_dict):
    debugger.HandleCommand("command script add -f %s.spanwire spanwire" % __name__)
