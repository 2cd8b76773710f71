"""Looks for secrets in files, in each form in which a program might have written them."""

import base64
import json
import re
import urllib.parse


def forms(secret):
    """The bytes a secret may hide as: as it is, percent-encoded, JSON-escaped, base64."""
    raw = secret.encode()
    lower = re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(secret, safe=""))
    return {
        raw,
        secret.encode("utf-16-le"),
        urllib.parse.quote(secret, safe="").encode(),
        urllib.parse.quote_plus(secret).encode(),
        lower.encode(),
        "".join(f"%{byte:02x}" for byte in raw).encode(),
        "".join(f"%{byte:02X}" for byte in raw).encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"="),
    }


def leaks(secrets, files):
    """[(what, file)] for every secret of {what: text} that one of the (name, bytes) holds."""
    needles = {what: forms(secret) for what, secret in secrets.items()}
    return [
        (what, name)
        for name, content in files
        for what, each in needles.items()
        if any(needle in content for needle in each)
    ]
