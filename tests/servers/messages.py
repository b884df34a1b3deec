#!/usr/bin/env python3
"""Somebody who is told of alerts, for the demo in a cluster: takes what Alertmanager sends to webhooks and shows it.

A POST to any path is taken as a message to who has that path: /page is called at night, /chat reads along. A GET of a path
answers with the messages to it as JSON, the newest last; a GET of / with all. Each is

    {"at": "2026-01-31T12:00:00.123Z", "path": "/page", "authorization": "Bearer …" or null, "message": what was sent}

--keep names a file that gets every message as a line, so that one can follow it. The newest 1,000 are shown.

Prints `ready PORT` when it listens, and a line a message. Ends on SIGTERM.
"""
import argparse
import collections
import http.server
import json
import pathlib
from datetime import datetime, timezone

SHOWN = 1000
# Far more than Alertmanager sends at once.
MAX_BYTES = 16 << 20


class Messages:
    """What came, newest last."""

    def __init__(self, keep):
        self.newest, self.keep = collections.deque(maxlen=SHOWN), keep

    def take(self, path, authorization, body):
        try:
            message = json.loads(body)
        except ValueError:
            message = body.decode(errors="replace")
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        taken = {"at": at, "path": path, "authorization": authorization, "message": message}
        self.newest.append(taken)
        if self.keep:
            with open(self.keep, "a") as file:
                file.write(json.dumps(taken) + "\n")
        print(at, path, in_words(message), flush=True)

    def to(self, path):
        return [taken for taken in list(self.newest) if path in ("/", taken["path"])]


def in_words(message):
    """The alerts of a message in one line."""
    if not isinstance(message, dict):
        return repr(message)[:200]
    labels = [alert.get("labels", {}) for alert in message.get("alerts", [])]
    alerts = [f"{label.get('alertname')} of {label.get('namespace')}/{label.get('monitor', '')} {label.get('feature', '')}".rstrip(" /") for label in labels]
    return f"{message.get('status')}: {', '.join(alerts)}"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BYTES:
            return self.answer(413, "too long\n")
        self.server.messages.take(self.path, self.headers.get("authorization"), self.rfile.read(length))
        self.answer(200, "taken\n")

    def do_GET(self):
        self.answer(200, json.dumps(self.server.messages.to(self.path), indent=2) + "\n", "application/json")

    def answer(self, code, text, kind="text/plain"):
        body = text.encode()
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What matters is printed when it is taken."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--keep", type=pathlib.Path, help="file that gets every message")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer((options.host, options.port), Handler)
    server.messages = Messages(options.keep)
    print(f"ready {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
