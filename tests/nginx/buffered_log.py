"""nginx writes lines of its access log together; a test wants those that it still holds back."""

import os
import pathlib
import signal
import time


def write_out(nginx, log, timeout=10):
    """Has the nginx of that pid write out `log`; what it holds is moved to the end of
    `NAME.earlier.log`."""
    log = log.resolve()  # as /proc names it
    aside = log.with_name(log.stem + ".aside")
    log.rename(aside)
    os.kill(nginx, signal.SIGUSR1)  # each process writes, then opens the log anew
    deadline = time.monotonic() + timeout
    while any(_holds(process, aside) for process in (nginx, *_children(nginx))):
        if time.monotonic() > deadline:
            raise AssertionError(f"nginx did not open {log} anew within {timeout} s")
        time.sleep(0.01)
    with open(log.with_name(log.stem + ".earlier.log"), "ab") as file:
        file.write(aside.read_bytes())
    aside.unlink()


def _children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _holds(pid, path):
    try:
        return any(
            os.readlink(file) == str(path) for file in pathlib.Path(f"/proc/{pid}/fd").iterdir()
        )
    except FileNotFoundError:  # it closed one, or ended, while we looked
        return True
