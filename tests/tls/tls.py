"""TLS that is not ours, for tests/tls.rs.

tls.py certificates FOLDER
    makes an authority (ca.pem) and certificates of it with their keys: good.pem for localhost and 127.0.0.1, other.pem
    for another host, expired.pem and early.pem; and another authority, stranger.pem.

tls.py serve CERTIFICATE PORT NEWEST
    takes TLS on a free port, whose number it prints, and passes the content to PORT on this host. NEWEST is the newest
    version that it takes, such as TLSv1_2, or empty.

tls.py answer CERTIFICATE WAY
    takes TLS on a free port, whose number it prints, and answers requests itself. WAY is
    refuse    413 for a body of more than LARGE bytes, as soon as the head is there, and the end of the connection
    farewell  with each answer, in one segment, close_notify; the connection stays open, but nothing is read from it

Both print a line for each handshake, the version of TLS or the error, and end with their standard input. `answer` prints a
line for each answer, and at the end of `farewell` one for each connection: `closed` if the other end has sent
close_notify, else `torn`.
"""

import os
import socket
import ssl
import subprocess
import sys
import threading

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
CONFIG = """
[ca]
default_ca = it
[it]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = policy
copy_extensions = none
[policy]
commonName = supplied
"""


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"openssl {arguments}: {done.stderr}")


def authority(folder, name):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
    constraints = ["-addext", "basicConstraints=critical,CA:TRUE", "-days", "3650"]
    openssl(folder, "req", "-x509", *key, "-out", f"{name}.pem", "-subj", f"/CN=Authority {name}", *constraints)


def certificate(folder, name, names, begin, end):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
    openssl(folder, "req", *key, "-out", f"{name}.csr", "-subj", f"/CN={name}")
    with open(os.path.join(folder, f"{name}.ext"), "w") as out:
        out.write(names)
    signing = ["-config", "config", "-cert", "ca.pem", "-keyfile", "ca.key", "-extfile", f"{name}.ext"]
    times = ["-startdate", begin, "-enddate", end]
    openssl(folder, "ca", "-batch", "-notext", *signing, *times, "-in", f"{name}.csr", "-out", f"{name}.pem")


def certificates(folder):
    for file, text in [("config", CONFIG), ("index", ""), ("index.attr", "unique_subject = no\n"), ("serial", "01\n")]:
        with open(os.path.join(folder, file), "w") as out:
            out.write(text)
    authority(folder, "ca")
    authority(folder, "stranger")
    past, present, future = "20200101000000Z", "20200201000000Z", "20991231235959Z"
    certificate(folder, "good", NAMES, past, future)
    certificate(folder, "other", "subjectAltName=DNS:agent.test", past, future)
    certificate(folder, "expired", NAMES, past, present)
    certificate(folder, "early", NAMES, "20980101000000Z", future)


LARGE = 100_000
SAYING = threading.Lock()


def say(*words):
    """Prints a line that no other thread breaks."""
    with SAYING:
        print(*words, flush=True)


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass


def passed_on(stream, port):
    onward = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(onward, stream), daemon=True).start()
    pump(stream, onward)
    onward.shutdown(socket.SHUT_RDWR)


def head(stream):
    """Returns the head of a request, and what has come of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            return None
        data += more
    return data.split(b"\r\n\r\n", 1)


def answered(stream, way, kept):
    while request := head(stream):
        (first, *headers), got = request[0].decode().split("\r\n"), len(request[1])
        length = sum(int(line.split(":")[1]) for line in headers if line.lower().startswith("content-length:"))
        if way == "refuse" and length > LARGE:
            say("refuses", length)
            stream.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            # With an unread body the system resets the connection.
            return
        while got < length:
            got += len(stream.recv(65536))
        if way == "farewell":
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        say("takes", first)
        if way == "farewell":
            stream.setblocking(False)
            try:
                stream.unwrap()
            except ssl.SSLWantReadError:
                pass
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            kept.append(stream)
            return


def listen(file, newest, narrow, handle):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, file.replace(".pem", ".key"))
    if newest:
        context.maximum_version = ssl.TLSVersion[newest]
    listener = socket.socket()
    if narrow:
        # So that a body that is not read does not fit into the buffers of the system.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    say(listener.getsockname()[1])
    connections = []

    def connected(plain):
        try:
            stream = context.wrap_socket(plain, server_side=True)
        except OSError as error:
            say("refused", error)
            return
        say("handshake", stream.version(), stream.session_reused)
        handle(stream)

    def accept():
        while True:
            plain, _ = listener.accept()
            connections.append(threading.Thread(target=connected, args=(plain,), daemon=True))
            connections[-1].start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    # What the other ends have sent is still read. They have ended by now.
    for connection in connections:
        connection.join(20)


def answer(file, way):
    kept = []

    def handle(stream):
        try:
            answered(stream, way, kept)
        except OSError:
            pass
        if stream not in kept:
            stream.close()

    listen(file, "", way == "refuse", handle)
    for stream in kept:
        stream.settimeout(20)
        try:
            stream.unwrap()
            say("closed")
        except OSError:
            say("torn")


if sys.argv[1] == "certificates":
    certificates(sys.argv[2])
elif sys.argv[1] == "serve":
    listen(sys.argv[2], sys.argv[4], False, lambda stream: passed_on(stream, int(sys.argv[3])))
else:
    answer(sys.argv[2], sys.argv[3])
