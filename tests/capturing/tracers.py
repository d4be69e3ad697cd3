"""The released tracers: how each is installed from its registry, and how a program with it is run."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
INSTALL_SECONDS = 900


class NotInstalled(Exception):
    """Why a tracer cannot be installed."""


@dataclass(frozen=True)
class Tracer:
    """A language's tracer in one version."""

    language: str
    name: str
    version: str

    @property
    def id(self):
        return f"{self.name}-{self.version}"


class Python(Tracer):
    stays = {"short": 4, "retries": 6, "timeouts": 20}

    def install(self, folder):
        python = folder / "bin/python"
        if not python.exists():
            run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"ddtrace=={self.version}"])

    def command(self, folder, stay, *more):
        return [folder / "bin/python", PROGRAMS / "spans.py", str(stay), *more]


class Node(Tracer):
    # Release 5 tries five times with pauses of 1, 2, 4 and 8 s, and logs only the last failure.
    stays = {"short": 5, "retries": 22, "timeouts": 45}
    # Release 6 needs a newer Node.js than Debian 12 has; the package `node` holds one.
    runtime = "22.23.3"

    def install(self, folder):
        needed(["npm", "node"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        packages = [f"dd-trace@{self.version}"] + ([f"node@{self.runtime}"] if self.is_new() else [])
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=folder)

    def is_new(self):
        return int(self.version.split(".")[0]) >= 6

    def command(self, folder, stay, *more):
        node = folder / "node_modules/node/bin/node" if self.is_new() else "node"
        return [node, PROGRAMS / "spans.js", folder / "node_modules/dd-trace", str(stay), *more]


class Go(Tracer):
    stays = {"short": 3, "retries": 4, "timeouts": 25}

    def install(self, folder):
        needed(["go"])
        two = self.version.startswith("2.")
        module = "github.com/DataDog/dd-trace-go/v2" if two else "gopkg.in/DataDog/dd-trace-go.v1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go.mod").write_text("module spans\n\ngo 1.24\n")
        shutil.copy(PROGRAMS / ("spans_v2.go" if two else "spans_v1.go"), folder / "main.go")
        run(["go", "get", f"{module}@v{self.version}"], cwd=folder)
        run(["go", "build", "-mod=mod", "-o", "spans", "."], cwd=folder)

    def command(self, folder, stay):
        return [folder / "spans", str(stay)]


class Java(Tracer):
    stays = {"short": 6, "retries": 6, "timeouts": 30}

    def install(self, folder):
        needed(["mvn", "javac", "java"])
        folder.mkdir(parents=True, exist_ok=True)
        artifact = f"com.datadoghq:dd-java-agent:{self.version}"
        run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", "-DoutputDirectory=."], cwd=folder)
        run(["javac", "-d", folder, PROGRAMS / "Spans.java"])

    def command(self, folder, stay, *more):
        agent = folder / f"dd-java-agent-{self.version}.jar"
        words = ["java", f"-javaagent:{agent}", "-Ddd.trace.methods=Spans[checkout,query]", "-cp", folder, "Spans", str(stay)]
        return [*words, *more]


CLASSES = {"python": (Python, "Python"), "node": (Node, "Node.js"), "go": (Go, "Go"), "java": (Java, "Java")}
PINNED = [
    "python@2.21.12",
    "python@3.19.9",
    "python@4.16.0",
    "node@4.55.0",
    "node@5.132.0",
    "node@6.21.0",
    "go@1.54.1",
    "go@2.12.0",
    "java@1.68.1",
]


def named(words):
    """The tracers for words such as `python` (its pinned versions) and `go@2.13.0`; all pinned for no word."""
    chosen = []
    for word in words or CLASSES:
        name, _, version = word.partition("@")
        if name not in CLASSES:
            raise ValueError(f"no tracer {name!r}; there are {', '.join(CLASSES)}")
        versions = [version] if version else [pin.split("@")[1] for pin in PINNED if pin.startswith(f"{name}@")]
        kind, language = CLASSES[name]
        chosen += [kind(language, name, each.removeprefix("v")) for each in versions]
    return chosen


def install(tracer, root):
    """The folder with the tracer, which a file marks as complete."""
    folder = root / tracer.id
    ready = folder / "ready"
    if not ready.exists():
        tracer.install(folder)
        ready.touch()
    return folder


def needed(programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise NotInstalled(f"needs {', '.join(missing)} in the PATH")


def run(command, cwd=None):
    command = [str(word) for word in command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DD_", "SPANWIRE_"))}
    for attempt in (1, 2):
        try:
            done = subprocess.run(
                command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(str(error)) from error
        if done.returncode == 0:
            return
    said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    raise NotInstalled(f"{' '.join(command[:4])} …: {said[-1] if said else f'exit status {done.returncode}'}")
