"""Speaks FastCGI to the daemon's socket itself, to say what nginx never would."""

import socket
import struct

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, content=b"", request=1):
    return struct.pack("!BBHHBx", 1, kind, request, len(content), 0) + content


def length(number):
    return bytes([number]) if number < 128 else struct.pack("!I", number | 0x80000000)


def params(values):
    out = b""
    for name, value in values.items():
        name, value = name.encode(), value.encode()
        out += length(len(name)) + length(len(value)) + name + value
    return out


def post(path, target, body, claimed=None, content_type="application/x-www-form-urlencoded"):
    """POSTs `body` to the socket at `path`, claiming another length; returns (status, body)."""
    uri, _, query = target.partition("?")
    values = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": target,
        "DOCUMENT_URI": uri,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)) if claimed is None else claimed,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    request = record(BEGIN_REQUEST, struct.pack("!HB5x", 1, 0))
    request += record(PARAMS, params(values)) + record(PARAMS)
    for start in range(0, len(body), 32768):
        request += record(STDIN, body[start : start + 32768])
    request += record(STDIN)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(request)
        stream = connection.makefile("rb")
        return answer_of(stream)


def answer_of(stream):
    out = b""
    while header := stream.read(8):
        _, kind, _, size, padding = struct.unpack("!BBHHBx", header)
        content = stream.read(size)
        stream.read(padding)
        if kind == STDOUT:
            out += content
        if kind == END_REQUEST:
            break
    head, _, body = out.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            return int(value.split()[0]), body
    return (200 if head else None), body
