"""The processes that the demo starts, and their end: by their own process ids, newest first, whatever happens."""
import os
import signal
import subprocess
import threading

GRACE_SECONDS = 10


class Stopped(Exception):
    """Somebody asked the demo to end."""


class Processes:
    """A context in which processes are started and at whose end none of them is left."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        return self

    def stop(self, number, _frame):
        # Once is enough: a second Ctrl-C must not interrupt the end that the first one began.
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    def start(self, command, **options):
        """Starts a program in a process group of its own: Ctrl-C reaches us only, and we end the group in order."""
        process = subprocess.Popen(command, start_new_session=True, **options)
        self.started.append(process)
        return process

    def end(self, process):
        """Ends one of them now."""
        self.started.remove(process)
        end(process)

    def __exit__(self, *_):
        while self.started:
            end(self.started.pop())


def end(process):
    """Asks a process group to end, waits, and kills what is left of it."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_line(process, seconds):
    """The first line that the process prints, or an empty string when it ends or says nothing in that time."""
    lines = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)
    reader.start()
    reader.join(seconds)
    return lines[0].strip() if lines else ""
