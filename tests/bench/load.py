"""Load: requests in files, wrk as fast as it goes, openload at a rate."""

import json
import subprocess

from rig import HERE, TOOLS, Invalid, cpu_seconds, memory_mb, require, with_children

FORM = "application/x-www-form-urlencoded"


def write_requests(path, port, requests):
    """Writes (method, target, headers, body) as whole requests: length, newline, bytes, each."""
    with open(path, "wb") as file:
        for method, target, headers, body in requests:
            lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            if method == "POST":
                lines.append(f"Content-Length: {len(body.encode())}")
            request = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
            file.write(b"%d\n%b" % (len(request), request))
    return path


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Invalid(f"{command[0]}: exit {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def wrk(port, requests, connections, seconds, pids=()):
    """As many requests as the server takes. Gives a dict:

    rate (answers a second), answers, good, refused (4xx and 5xx), broken, late, p50, p99, max (ms).
    With `pids`, of nginx and the server behind it: cpu_us, the CPU time that they and their
    children took for one answer, and of the server alone server_cpu_us and memory_mb afterwards.
    """
    before = [cpu_seconds(pid) for pid in pids]
    out = run(
        ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "15s"]
        + ["-s", HERE / "load/replay.lua", f"http://127.0.0.1:{port}", "--", requests]
    )
    used = [cpu_seconds(pid) - was for pid, was in zip(pids, before)]
    found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    require(found["answers"] > 0, f"nothing was answered on port {port}:\n{out}")
    found["rate"] = found["answers"] / found["seconds"]
    found["good"] = found["answers"] - found["refused"]
    if pids:
        found["cpu_us"] = sum(used) / found["answers"] * 1e6
        found["server_cpu_us"] = sum(used[1:]) / found["answers"] * 1e6
        found["memory_mb"] = sum(memory_mb(pid) for top in pids[1:] for pid in with_children(top))
    return found


def all_good(found, what):
    """Fails unless every answer was a good one."""
    bad = {key: found[key] for key in ("refused", "broken", "late") if found[key]}
    require(not bad, f"{what}: {bad} of {found['answers']}")


class OpenLoad:
    """A constant rate, begun at once; result() waits for its end."""

    def __init__(self, port, requests, rate, seconds, connections, samples=None):
        command = [TOOLS / "openload", port, requests, rate, seconds, connections]
        if samples:
            command.append(samples)
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self):
        """{sent, answered, seconds, late_p99, ms: {p50 … max}, statuses: {status: count}}"""
        out, err = self._process.communicate()
        require(self._process.returncode == 0, f"openload: {err}")
        found = json.loads(out)
        found["statuses"] = {int(status): n for status, n in found["statuses"].items()}
        return found

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.communicate()


def open_load(*arguments, **more):
    return OpenLoad(*arguments, **more).result()
