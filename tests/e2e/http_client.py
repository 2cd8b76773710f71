"""HTTP over kept connections, and raw bytes where a well-behaved client would not do."""

import concurrent.futures
import dataclasses
import http.client
import json
import socket
import threading
import time

# What a kept connection may raise when the other side closed it before this request.
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back. `seconds` runs from sending to the last byte of the body."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:500]!r}"


class HttpClient:
    """One kept connection a thread to 127.0.0.1:`port`. Thread-safe.

    `observe(method, target, answer)` is called with every answer.
    """

    def __init__(self, port, observe=None):
        self.port = port
        self._observe = observe
        self._local = threading.local()
        self._opened = set()  # every thread's

    def request(self, method, target, body=None, headers=None, timeout=30):
        """Raises OSError if no answer came. A kept connection that was closed is opened anew."""
        if isinstance(body, str):
            body = body.encode()
        reused = getattr(self._local, "connection", None) is not None
        try:
            answer = self._exchange(method, target, body, headers or {}, timeout)
        except CLOSED:
            if not reused:
                raise
            answer = self._exchange(method, target, body, headers or {}, timeout)
        if self._observe:
            self._observe(method, target, answer)
        return answer

    def _exchange(self, method, target, body, headers, timeout):
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            connection.connect()
            self._opened.add(connection)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.connection = connection
        connection.sock.settimeout(timeout)
        started = time.monotonic()
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return Answer(response.status, response.headers, content, time.monotonic() - started)

    def close(self):
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            self._opened.discard(connection)
            connection.close()

    def close_all(self):
        """Closes every thread's connection; no request may be under way."""
        for connection in list(self._opened):
            connection.close()
        self._local = threading.local()

    def raw(self, data, timeout=20, close_early=False):
        """Sends bytes as they are on a new connection; returns what came until it ended."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if close_early:
                return b""
            came = b""
            try:
                while chunk := connection.recv(65536):
                    came += chunk
            except ConnectionResetError:
                pass
            return came


def all_at_once(calls, threads=16):
    """Runs the functions on `threads` threads and returns their results in order."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
