"""Chromium without a window, spoken to over a pipe in its DevTools protocol, to photograph pages."""
import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile


class Browser:
    """A context with one page."""

    def __init__(self, program):
        self.program, self.calls, self.complaints = program, 0, None

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="feature-monitor-pictures-")
        to_browser, self.out = os.pipe()
        self.answers, from_browser = os.pipe()

        def pipes():
            # Chromium reads commands from descriptor 3 and writes answers to 4. Copies far from both come first,
            # since one of the four may be 3 or 4 itself.
            commands, answers = os.dup2(to_browser, 60), os.dup2(from_browser, 61)
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        # The sandbox cannot be set up by root, who runs this in containers only.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [self.program, "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "--hide-scrollbars", *sandbox, "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.reader, self.read = os.fdopen(self.answers, "rb", buffering=0), bytearray()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        os.close(self.out)
        self.reader.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self):
        """The next message: messages end in a zero byte."""
        searched = 0
        while (end := self.read.find(0, searched)) < 0:
            searched = len(self.read)
            if not (some := self.reader.read(1 << 20)):
                raise RuntimeError(f"{self.program} ended")
            self.read += some
        message = json.loads(self.read[:end])
        del self.read[: end + 1]
        if self.complaints is not None:
            self.complaints.extend(complaint(message))
        return message

    def call(self, method, **parameters):
        """Calls a method and returns its result."""
        self.calls += 1
        request = {"id": self.calls, "method": method, "params": parameters}
        if session := getattr(self, "session", None):
            request["sessionId"] = session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def photograph(self, url, path, width, scheme, most=float("inf")):
        """Writes a picture of the page as it is without scripts, in the scheme `light` or `dark`: as wide as `width` in CSS
        pixels or, where the page does not fit, as the page, and not higher than `most`. Returns the page's own width and
        height."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.load(url, width, scheme)
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        self.save(path, max(width, size["width"]), min(most, size["height"]))
        return size["width"], size["height"]

    def load(self, url, width, scheme, height=900):
        """Opens a page in a window of this size and waits until it is loaded."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Page.navigate", url=url)
        while self.message().get("method") != "Page.loadEventFired":
            pass

    @contextlib.contextmanager
    def run(self, url, width, height, scheme, now):
        """Opens a page with its scripts, whose clock stands at `now`, in milliseconds; gives what it complains of meanwhile."""
        self.complaints = []
        self.call("Runtime.enable")
        self.call("Log.enable")
        clock = self.call("Page.addScriptToEvaluateOnNewDocument", source=CLOCK % now)["identifier"]
        try:
            self.load(url, width, scheme, height)
            yield self.complaints
        finally:
            self.call("Page.removeScriptToEvaluateOnNewDocument", identifier=clock)
            self.complaints = None

    def evaluate(self, expression):
        """The value of an expression in the page, when it is known."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {described(answer['exceptionDetails'])}")
        return answer["result"].get("value")

    def save(self, path, width, height, within=False):
        """Writes a picture of what is shown, as PNG or WebP by the name of the file. What lies `within` the window is taken
        as it is; else the window grows for a moment, and pages that look at its size may draw themselves anew."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        quality = {"quality": 90} if path.suffix == ".webp" else {}
        picture = self.call("Page.captureScreenshot", format=path.suffix[1:], captureBeyondViewport=not within, clip=clip, **quality)
        path.write_bytes(base64.b64decode(picture["data"]))


CLOCK = """{
  const now = %d, Real = Date;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(now); }
    static now() { return now; }
  };
}"""


def complaint(message):
    """What a page says on its console when something is wrong with it."""
    parameters = message.get("params", {})
    match message.get("method"):
        case "Runtime.exceptionThrown":
            yield described(parameters["exceptionDetails"])
        case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning"):
            yield " ".join(str(one.get("value", one.get("description", ""))) for one in parameters["args"])
        case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
            yield f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}"


def described(details):
    return details.get("exception", {}).get("description") or details["text"]
