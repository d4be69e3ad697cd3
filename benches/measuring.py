"""Shared by the scripts of this folder: compiling a driver, running it, medians, and tables as text."""
import datetime
import glob
import json
import os
import re
import statistics
import subprocess
import sys

BENCHES = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(BENCHES)
RESULTS = os.path.join(BENCHES, "results")


def stage_of(path):
    """Returns the folder of a stage; ends the program if it has no library."""
    stage = os.path.abspath(path)
    if not os.path.exists(os.path.join(stage, "lib/libspanwire.so")):
        sys.exit(f"{os.path.relpath(sys.argv[0])}: no lib/libspanwire.so in {stage}; run tools/stage")
    return stage


def compile_c(source, stage, folder):
    """Compiles a driver of this folder and returns the program's path."""
    program = os.path.join(folder, os.path.splitext(os.path.basename(source))[0])
    subprocess.run(
        [os.environ.get("CC", "gcc"), "-O2", "-std=c11", "-D_GNU_SOURCE", f"-I{stage}/include",
         os.path.join(BENCHES, source), "-o", program, f"-L{stage}/lib", "-lspanwire", f"-Wl,-rpath,{stage}/lib",
         "-pthread"],
        check=True)
    return program


def ruby_extension(stage):
    """Builds the C extension of the Ruby gem. Returns the folder in which Ruby finds it; None, after saying so, if it is not
    in use then."""
    folder = os.path.join(ROOT, "target/bench/ruby")
    gem = os.path.join(ROOT, "bindings/ruby")
    library = environment(SPANWIRE_LIBRARY=os.path.join(stage, "lib/libspanwire.so"), DD_TRACE_STARTUP_LOGS="false")
    check = "Spanwire.configure; puts Spanwire.extension_problem; exit Spanwire.extension?"
    try:
        built = subprocess.run(["rake", "-f", f"{gem}/ext/spanwire_ext/Rakefile", f"RUBYARCHDIR={folder}"], capture_output=True, text=True)
        used = subprocess.run(["ruby", "-I", folder, "-I", f"{gem}/lib", "-r", "spanwire", "-e", check], env=library,
                              capture_output=True, text=True)
    except FileNotFoundError as missing:
        print(f"without Ruby's extension: {missing}", file=sys.stderr)
        return None
    if used.returncode:
        print(f"without Ruby's extension: {used.stdout}{used.stderr}{built.stdout}{built.stderr}", file=sys.stderr)
        return None
    return folder


def environment(**more):
    """The environment without settings of tracers."""
    kept = {name: value for name, value in os.environ.items() if not re.match("DD_|OTEL_|SPANWIRE_", name)}
    return {**kept, **more}


def run(command, folder, **more):
    """Runs a driver and returns its line of JSON; None if it failed, which is said."""
    with open(os.path.join(folder, "said"), "w+") as said:
        done = subprocess.run(command, env=environment(DD_TRACE_LOG_FILE=os.path.join(folder, "log"), **more),
                              stdout=subprocess.PIPE, stderr=said, text=True, cwd=folder, timeout=600)
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"peer"')]
        if done.returncode or not lines:
            said.seek(0)
            print(f"failed: {' '.join(command)}: {done.returncode}\n{said.read()[-2000:]}{done.stdout[-500:]}", file=sys.stderr)
            return None
    return json.loads(lines[-1])


# The C library's copying depends on the processor; its plain variants make numbers of two machines comparable.
PLAIN = "glibc.cpu.hwcaps=-AVX_Usable,-AVX2_Usable,-AVX512F_Usable,-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-EVEX,-RTM"


def instructions(command, folder, **more):
    """Runs a program under callgrind and returns the instructions of each thread by its number; None if it failed."""
    for old in glob.glob(os.path.join(folder, "callgrind*")):
        os.remove(old)
    counted = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={folder}/callgrind", *command]
    done = subprocess.run(counted, env=environment(GLIBC_TUNABLES=PLAIN, DD_TRACE_LOG_FILE=os.path.join(folder, "log"), **more),
                          capture_output=True, text=True)
    threads = {}
    for name in glob.glob(os.path.join(folder, "callgrind-*")):
        with open(name, errors="replace") as file:
            totals = [line for line in file if line.startswith("totals:")]
        threads[int(name.rsplit("-", 1)[1])] = int(totals[-1].split()[1]) if totals else 0
    if done.returncode or not threads:
        print(f"failed: {' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return threads


def self_cost(path):
    """The instructions in callgrind's file of a thread, by the program or library that they are in."""
    names, costs, inclusive, current = {}, {}, False, None
    with open(path, errors="replace") as file:
        for line in file:
            named = re.match(r"(c?)ob=(\(\d+\))(?: (.*))?", line)
            if named:
                if named[3]:
                    names[named[2]] = named[3].strip()
                if not named[1]:
                    current = names[named[2]]
            elif line.startswith("calls="):
                inclusive = True # the next line has what the callee cost
            elif re.match(r"[\d+*-]", line):
                if not inclusive:
                    costs[current] = costs.get(current, 0) + int(line.split()[1])
                inclusive = False
    return costs


def caller_by_object(command, spans, few, many, folder, **more):
    """
    The instructions for each span of the thread that makes spans, by the program or library that they are in. The arguments are
    those of for_each_span().
    """
    runs = []
    for traces in (few, many):
        threads = instructions(command(traces), folder, **more)
        if not threads:
            return None
        runs.append({thread: self_cost(os.path.join(folder, f"callgrind-{thread:02}")) for thread in threads})
    short, long = runs
    grown = []
    for thread, costs in long.items():
        before = short.get(thread, {})
        grown.append({name: (count - before.get(name, 0)) / ((many - few) * spans) for name, count in costs.items()})
    return max(grown, key=lambda costs: sum(costs.values()))


def for_each_span(command, spans, few, many, folder, **more):
    """
    The instructions for each span of the thread that makes spans, which is the busiest, and of all others: the difference of a
    short and a long run. `command` makes the command for a number of traces, each of which has so many spans.
    """
    short, long = (instructions(command(traces), folder, **more) for traces in (few, many))
    if not short or not long:
        return None
    grown = {thread: count - short.get(thread, 0) for thread, count in long.items()}
    caller = max(grown, key=grown.get)
    made = (many - few) * spans
    return round(grown.pop(caller) / made), round(sum(grown.values()) / made)


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def spread(values):
    """The least and the greatest, as `LOW–HIGH`."""
    return f"{min(values):.0f}–{max(values):.0f}"


def commit():
    said = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def write(name, columns, rows, note=""):
    """Writes a table into benches/results: words without blanks, in columns."""
    os.makedirs(RESULTS, exist_ok=True)
    lines = [columns] + [[str(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    with open(os.path.join(RESULTS, name + ".txt"), "w") as file:
        file.write(f"# {today}, commit {commit()}{note and ', '}{note}\n")
        file.writelines("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() + "\n" for line in lines)


def read(name):
    """Returns the first line and the rows of such a table; nothing if there is none."""
    path = os.path.join(RESULTS, name + ".txt")
    if not os.path.exists(path):
        return "", []
    with open(path) as file:
        note, header, *lines = file.read().splitlines()
    columns = header.split()
    return note.lstrip("# "), [dict(zip(columns, line.split())) for line in lines]


def show(columns, rows):
    """Prints a table; a column whose first value is a number is aligned to the right."""
    lines = [columns] + [[str(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        print("  ".join(word.rjust(width) if at else word.ljust(width) for at, (word, width) in enumerate(zip(line, widths))), flush=True)
