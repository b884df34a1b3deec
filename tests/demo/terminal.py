#!/usr/bin/env python3
"""Runs a command in a pseudo-terminal of a given size and prints what it says, line by line, without colours and cursor moves.

    terminal.py COLUMNS ROWS COMMAND ...

Ends with the command's exit code.
"""
import errno
import fcntl
import os
import pty
import re
import struct
import sys
import termios

# Control sequences, of which a screen shows nothing.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")


def main():
    columns, rows, *command = sys.argv[1:]
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
        # The terminal says how wide it is; these would say otherwise.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        os.execvpe(command[0], command, environment | {"TERM": "xterm-256color"})
    said = bytearray()
    while part := read(terminal):
        said += part
    _, status = os.waitpid(process, 0)
    for line in re.split(r"[\r\n]+", CONTROL.sub("", said.decode(errors="replace"))):
        print(line.rstrip())
    sys.exit(os.waitstatus_to_exitcode(status))


def read(terminal):
    """What the terminal has to say next, nothing at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        # So Linux says that the other side is gone.
        if error.errno == errno.EIO:
            return b""
        raise


if __name__ == "__main__":
    main()
