"""TLS that is not ours, for tests/tls.rs.

tls.py certificates FOLDER
    makes an authority (ca.pem) and certificates of it with their keys: good.pem for localhost and 127.0.0.1, other.pem
    for another host, expired.pem and early.pem; and another authority, stranger.pem.

tls.py serve CERTIFICATE PORT NEWEST
    takes TLS on a free port, whose number it prints, and passes the content to PORT on this host. Prints a line for each
    handshake: the version of TLS, or the error. NEWEST is the newest version that it takes, such as TLSv1_2, or empty. Ends
    with its standard input.
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


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def connected(context, plain, port):
    try:
        stream = context.wrap_socket(plain, server_side=True)
    except OSError as error:
        print("refused", error, flush=True)
        return
    print("handshake", stream.version(), stream.session_reused, flush=True)
    onward = socket.create_connection(("127.0.0.1", port))
    back = threading.Thread(target=pump, args=(onward, stream), daemon=True)
    back.start()
    pump(stream, onward)
    back.join()
    stream.close()


def serve(file, port, newest):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, file.replace(".pem", ".key"))
    if newest:
        context.maximum_version = ssl.TLSVersion[newest]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=connected, args=(context, plain, port), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if sys.argv[1] == "certificates":
    certificates(sys.argv[2])
else:
    serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
