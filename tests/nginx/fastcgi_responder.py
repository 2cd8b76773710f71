"""A FastCGI responder in pure Python that stands in for the daemon behind nginx.

It serves every connection on a thread of its own, keeps connections that nginx
asks it to keep, and remembers each request. What it answers is the caller's
function; an answer of None drops the connection, as a daemon that dies would.
"""

import os
import socket
import struct
import threading

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
KEEP_CONNECTION = 1


class Call:
    """One request as nginx passed it on."""

    def __init__(self, params, body):
        self.params, self.body = params, body


def ok(_call):
    return 200, {"Content-Type": "text/plain"}, b"from the daemon"


class Responder:
    def __init__(self, path):
        self.path, self.answer = path, ok
        self.calls, self.connections = [], 0
        self._lock, self._open = threading.Lock(), set()
        self.start()

    def start(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1024)
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def stop(self):
        """Ends as a killed daemon does: the socket's file stays, nobody answers."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)

    def restart(self):
        os.unlink(self.path)
        self.start()

    def forget(self):
        with self._lock:
            self.calls, self.connections = [], 0

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while self._one(connection, stream):
                pass
        except (OSError, EOFError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            stream.close()
            connection.close()

    def _one(self, connection, stream):
        keep, params, body = False, b"", b""
        while True:
            kind, request, content = _record(stream)
            if kind == BEGIN:
                keep = bool(content[2] & KEEP_CONNECTION)
            elif kind == PARAMS:
                params += content
            elif kind == STDIN and content:
                body += content
            elif kind == STDIN:
                break
        call = Call(_pairs(params), body)
        with self._lock:
            self.calls.append(call)
        answer = self.answer(call)
        if answer is None:
            return False
        status, headers, payload = answer
        head = "".join(f"{k}: {v}\r\n" for k, v in {"Status": status, **headers}.items())
        out = head.encode() + b"\r\n" + payload
        for at in range(0, len(out), 32768):
            connection.sendall(_packed(STDOUT, request, out[at : at + 32768]))
        connection.sendall(_packed(STDOUT, request, b"") + _packed(END, request, bytes(8)))
        return keep


def _read(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _record(stream):
    _, kind, request, length, padding, _ = struct.unpack(">BBHHBB", _read(stream, 8))
    content = _read(stream, length)
    _read(stream, padding)
    return kind, request, content


def _packed(kind, request, content):
    return struct.pack(">BBHHBB", 1, kind, request, len(content), 0, 0) + content


def _pairs(data):
    pairs, at = {}, 0

    def length():
        nonlocal at
        if data[at] < 128:
            at += 1
            return data[at - 1]
        at += 4
        return struct.unpack(">I", data[at - 4 : at])[0] & 0x7FFFFFFF

    while at < len(data):
        name, value = length(), length()
        pairs[data[at : at + name].decode()] = data[at + name : at + name + value].decode()
        at += name + value
    return pairs
