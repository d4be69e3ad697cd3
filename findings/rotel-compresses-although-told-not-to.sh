#!/usr/bin/env bash
# One expects: with `--otlp-exporter-compression none`, one of the two values that its help names, rotel sends OTLP as it is.
# What happens: rotel 0.0.1a15 compresses with gzip and sends `Content-Encoding: gzip`; the option for traces alone changes
# nothing. A receiver without gzip gets nothing that it can read.
# Seen: 2026-11-29.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet --disable-pip-version-check rotel==0.0.1a15 opentelemetry-proto==1.41.0
cat > "$tmp/see.py" <<'PY'
import http.server, importlib.util, os, socket, subprocess, sys, threading, time, urllib.request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

seen = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        seen.append(self.headers["Content-Encoding"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
with socket.socket() as free, socket.socket() as other:
    free.bind(("127.0.0.1", 0))
    other.bind(("127.0.0.1", 0))
    port, grpc = free.getsockname()[1], other.getsockname()[1]
program = os.path.join(importlib.util.find_spec("rotel").submodule_search_locations[0], "rotel-agent")
print(subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip())
command = [program, "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}",
           "--exporter", "otlp", "--otlp-exporter-endpoint", f"http://127.0.0.1:{receiver.server_port}",
           "--otlp-exporter-protocol", "http", "--otlp-exporter-compression", "none",
           "--otlp-exporter-traces-compression", "none", "--pid-file", sys.argv[1] + "/pid", "--log-file", sys.argv[1] + "/log"]
rotel = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
request = ExportTraceServiceRequest()
span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="x")
span.start_time_unix_nano, span.end_time_unix_nano = 1, 2
post = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", request.SerializeToString(),
                              {"Content-Type": "application/x-protobuf"})
for _ in range(100):
    try:
        print("rotel answers", urllib.request.urlopen(post, timeout=10).status)
        break
    except OSError:
        time.sleep(0.1)
for _ in range(100):
    if seen:
        break
    time.sleep(0.1)
rotel.terminate()
rotel.wait()
print("Content-Encoding of what it sends:", *seen)
sys.exit(seen[:1] != ["gzip"])
PY
"$tmp/venv/bin/python" "$tmp/see.py" "$tmp"
echo "As described: it compresses although it is told not to."
