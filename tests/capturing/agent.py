"""A stand-in for an Agent: answers as a state says, and notes what it received and what it answered."""

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRACES = ("/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v1.0/traces")
RATES = '{"rate_by_service":{"service:,env:":1}}\n'
INFO = {
    "version": "7.85.0",
    "endpoints": ["/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.6/stats", "/v0.7/config", "/telemetry/proxy/"],
    "client_drop_p0s": False,
    "config": {"statsd_port": 8125},
}
# The bodies that an Agent sends with a status, where it has one.
BODIES = {401: "credentials required\n", 404: "404 page not found\n", 413: "payload-too-large\n", 429: RATES, 500: "\n"}
BODY_MAX = 64 << 20


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        """A tracer that closes its connection early is no error of ours."""


class Agent:
    """One server for one run. `traces` and `others` are a status, "silent" or "closing"."""

    def __init__(self, traces=200, others=200):
        self.traces, self.others = traces, others
        self.received = []
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.server = Server(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def note(self, path, headers, body, answer):
        if path not in TRACES:
            return
        counted = int(headers.get("X-Datadog-Trace-Count") or 0)
        traces, priorities = read(body, counted)
        entry = {"path": path, "traces": traces, "answer": answer, "priorities": priorities}
        with self.lock:
            self.received.append(entry)

    def did(self):
        """What reached the traces' endpoints: requests that held traces, by path and answer, and the priorities."""
        with self.lock:
            held = [entry for entry in self.received if entry["traces"]]
        requests = {}
        for entry in held:
            key = f"{entry['path']} {entry['answer']}"
            requests[key] = requests.get(key, 0) + 1
        taken = [entry for entry in held if entry["answer"] == 200]
        return {
            "requests": requests,
            "traces_taken": sum(entry["traces"] for entry in taken),
            "priorities": sorted({priority for entry in taken for priority in entry["priorities"]}),
        }

    def _handler(self):
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version = "agent"
            sys_version = ""

            def log_message(self, *_):
                pass

            def any_method(self):
                path = self.path.split("?")[0].rstrip("/")
                body = self.body()
                of_traces = path in TRACES
                answer = agent.traces if of_traces else agent.others
                agent.note(path, self.headers, body, answer)
                if answer == "silent":
                    agent.ended.wait(300)
                    self.close_connection = True
                elif answer == "closing":
                    # A reset, as from a crashing server, would be another fault.
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                else:
                    self.answer(answer, path, of_traces)

            do_GET = do_POST = do_PUT = any_method

            def body(self):
                if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                    parts = []
                    while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                        parts.append(self.rfile.read(min(size, BODY_MAX)))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_MAX))

            def answer(self, status, path, of_traces):
                if status != 200:
                    text = BODIES[status]
                elif of_traces:
                    text = RATES
                else:
                    text = json.dumps(INFO) if path == "/info" else "{}"
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler


class ClosedPort:
    """A port at which connections are refused, kept from other programs for as long as this object lives."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()

    def did(self):
        return {"requests": {}, "traces_taken": 0, "priorities": []}


def read(body, counted):
    """How many traces with spans a payload holds, v0.4 or v0.5, and their priorities. Another format is not read."""
    try:
        value, _ = unpack(body, 0)
        is_v05 = len(value) == 2 and bool(value[0]) and isinstance(value[0][0], str)
        traces, strings = (value[1], value[0]) if is_v05 else (value, None)
        # ddtrace 2 and 3 send a trace without spans at start, and count it in the header.
        return sum(1 for trace in traces if trace), priorities_of(traces, strings)
    except (IndexError, KeyError, TypeError, ValueError, struct.error):
        return counted, []


def priorities_of(traces, strings):
    found = set()

    def walk(part):
        if isinstance(part, dict):
            for key, inner in part.items():
                name = strings[key] if strings and isinstance(key, int) and key < len(strings) else key
                if name == "_sampling_priority_v1":
                    found.add(int(inner))
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(traces)
    return sorted(found)


def unpack(data, at):
    """One MessagePack value and where it ends."""
    kind = data[at]
    at += 1
    if kind <= 0x7F:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind <= 0x8F:
        return entries(data, at, kind & 15)
    if kind <= 0x9F:
        return items(data, at, kind & 15)
    if kind <= 0xBF:
        return text(data, at, kind & 31)
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind], at
    numbers = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
    numbers |= {0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
    if kind in numbers:
        size = struct.calcsize(numbers[kind])
        return struct.unpack_from(numbers[kind], data, at)[0], at + size
    readers = {
        **{0xC4 + n: (text, width) for n, width in enumerate((1, 2, 4))},
        **{0xD9 + n: (text, width) for n, width in enumerate((1, 2, 4))},
        **{0xDC + n: (items, width) for n, width in enumerate((2, 4))},
        **{0xDE + n: (entries, width) for n, width in enumerate((2, 4))},
    }
    if kind not in readers:
        raise ValueError(f"MessagePack type {kind:#x} is not expected in a payload")
    read, width = readers[kind]
    length = int.from_bytes(data[at : at + width], "big")
    return read(data, at + width, length)


def text(data, at, length):
    if at + length > len(data):
        raise IndexError("the payload is cut")
    return data[at : at + length].decode("utf-8", "replace"), at + length


def items(data, at, count):
    values = []
    for _ in range(count):
        value, at = unpack(data, at)
        values.append(value)
    return values, at


def entries(data, at, count):
    values = {}
    for _ in range(count):
        key, at = unpack(data, at)
        value, at = unpack(data, at)
        values[key] = value
    return values, at
