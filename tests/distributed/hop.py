"""What the Python peers of the distributed tests have in common: a service that is one hop of a request's way.

A request for /8001/8002 is answered by a hop that sends a request for /8002 to the service at port 8001. The answer is
a JSON array with one object for this hop, and then those of the later hops. See mod.rs for what an object holds.
"""

import http.client
import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    address_family = socket.AF_INET


def of_a_context(name):
    """Whether a header belongs to a trace context or to baggage."""
    return name.startswith("x-datadog-") or name in ("traceparent", "tracestate", "baggage")


def serve(hop):
    """Serves at $PORT. hop(headers, call) returns this hop's object and calls call(headers) for the next hop."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            later = []

            def call(outgoing):
                _, _, rest = self.path.partition("/")
                port, _, rest = rest.partition("/")
                if port:
                    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
                    connection.request("GET", "/" + rest, headers=outgoing)
                    answer = connection.getresponse().read()
                    connection.close()
                    later.extend(json.loads(answer))

            said = hop(headers, call)
            said["headers"] = {name: value for name, value in headers.items() if of_a_context(name)}
            body = json.dumps([said, *later]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
