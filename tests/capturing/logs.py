"""What is stored of a log: without names and addresses of the machine, and without repetitions; and its words."""

import os
import re
import socket
import sys
from dataclasses import dataclass

# How many lines with the same words stay in a stored log, and how many frames of one stack.
SAME_MAX = 2
FRAMES_MAX = 4
# Loggers about the loading of classes: one line with the same words says enough.
LOADING = re.compile(r"datadog\.trace\.(agent\.tooling|bootstrap|instrumentation|logging|util)\.|com\.datadog\.appsec")
# Other products of the tracers, and the loading of classes and modules: nothing in such lines is about traces.
NOISE = re.compile(
    r"Loading - instrumentation\.class|Installing advice class|Skipping module|exclude-filter module|JPMS trigger module"
    r"|Allocated ContextStore|Instrumentation applied|context-store|Transformed - |Muzzled|Not applicable - "
    r"|instrumentation\.target\.|\d+ registered hooks|\bhooks? '|roduct (plugin )?'|product [A-Z_]+$|Subscriber |Subscribing|ubsub"
    r"|Patching common modules|sitecustomize not found|Remote Config Callback|^<class 'ddtrace|initialized (trace )?processor"
    r"|\bjmxfetch\b|org\.datadog\.jmxfetch|com\.datadog\.(profiling|appsec|debugger|featureflag)\.|datadog\.telemetry\.dependency"
)
FRAME = re.compile(r"^\s+(at |\d+: |File \"|\.\.\. \d+ )")
# A line that belongs to the one before it: indented, the end of an object, or an exception.
CONTINUES = re.compile(r"^(\s|[}\])]|Caused by|[\w.$]*(Error|Exception)\b: )")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
LINE_MAX = 2500
# The list of integrations in a start-up line of Go: the first says how each looks.
INTEGRATIONS = re.compile(r'("integrations":\{"[^"]*":\{[^{}]*\})(,"[^"]*":\{[^{}]*\})*')


@dataclass(frozen=True)
class Run:
    """What of a run must not stay in its log: the Agent's port, the program's folder and process, the tracer's folder."""

    port: int
    place: str
    pid: int
    tracer: str
    root: str


def shorten(text, run, same_max=SAME_MAX):
    """The lines to store."""
    lines = []
    seen = {}
    frames = 0
    dropped = False
    for line in text.splitlines():
        line = INTEGRATIONS.sub(r"\1", clean(line, run))[:LINE_MAX]
        if CONTINUES.match(line):
            # It stays or goes with the line that it continues: a cause is worth nothing without its message.
            frames = frames + 1 if FRAME.match(line) else 0
            if not dropped and frames <= FRAMES_MAX:
                lines.append(line)
            continue
        frames = 0
        words = words_of(line)
        seen[words] = seen.get(words, 0) + 1
        most = 1 if LOADING.search(line) else same_max
        dropped = bool(NOISE.search(line)) or seen[words] > most
        if not dropped:
            lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""


def clean(line, run):
    """A line without what tells of this machine and this run."""
    for path, instead in path_names(run):
        line = line.replace(path, instead)
    line = re.sub(rf"(?<!\d){run.port}(?!\d)", "8126", line)
    for number, instead in ((run.pid, "4242"), (os.getpid(), "4200")):
        line = re.sub(rf"(?<![\d.]){number}(?![\d.])", instead, line)
    # Not where the name is a key, as 'vm' is in a start-up line.
    line = re.sub(rf"(?<![\w.-]){re.escape(socket.gethostname())}(?![\w.-]|['\"]:)", "shop-7f9c", line)
    line = line.replace(os.uname().release, "6.1.0-13-amd64")
    line = line.replace(os.uname().version, "#1 SMP Debian")
    line = UUID.sub("0b8f6f2e-52c1-4f43-9c2a-6e4f4f0a7d11", line)
    line = re.sub(r"\bon 10\.\d+\.\d+\.\d+:53\b", "on 10.0.0.2:53", line)
    line = re.sub(r"\b[0-9a-f]{64}\b", "c0ffee" * 10 + "0000", line)
    line = re.sub(r"(?i)(mac address|machine.id)(\W+)[0-9a-f:-]{12,}", r"\1\g<2>0", line)
    return line


def path_names(run):
    home = os.path.expanduser("~")
    named = [
        (run.place, "/app/run"),
        (os.path.basename(run.place), "run"),
        (f"{run.root}/{run.tracer}", "/app/tracer"),
        (run.root, "/app"),
        (os.path.dirname(os.path.abspath(__file__)) + "/programs", "/app"),
        (sys.base_prefix, "/usr"),
    ]
    return named + ([(home, "/home/shop")] if home != "/" else [])


def words_of(line):
    """The words of a line without its values: times, numbers, ids, names of classes, texts of settings, tags of spans."""
    line = re.split(r"Tags: map\[|tags=\{|\"meta\":\{", line)[0]
    line = re.sub(r'"[^"\s]*":', lambda name: name.group().replace('"', "'"), line)
    line = re.sub(r"'[^']{1,60}'(?!:)", "'V'", line)
    line = UUID.sub("U", line)
    line = re.sub(r"\[[\w .:/-]*?\](?= (DEBUG|INFO|WARN|ERROR|EXCLUDE_TELEMETRY))", "[T]", line)
    line = re.sub(r"https?://[^\s'\",)]+|unix:[^\s'\",)]+", "URL", line)
    line = re.sub(r"\b[0-9a-f]{8,}\b|0x[0-9a-f]+", "N", line)
    line = re.sub(r"(?<=instrumentation\.class=)\S+|(?<=classloader=)\S+|(?<=class=)[\w.$]+", "C", line)
    line = re.sub(r"\d+(\.\d+)*", "N", line)
    return re.sub(r"(N[\s,:+./TZ-]*)+", "N ", line).strip()


def all_words(logs):
    """The words of several logs, with a line for each that shows them."""
    words = {}
    for text in logs:
        for line in text.splitlines():
            if line.strip() and not line[0].isspace():
                words.setdefault(words_of(line), line)
    return words
