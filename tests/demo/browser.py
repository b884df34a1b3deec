"""Chromium without a window, spoken to over a pipe in its DevTools protocol, to photograph pages."""
import base64
import json
import os
import shutil
import subprocess
import tempfile


class Browser:
    """A context with one page."""

    def __init__(self, program):
        self.program, self.calls = program, 0

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
        self.reader = os.fdopen(self.answers, "rb")
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
        text = bytearray()
        while (byte := self.reader.read(1)) != b"\0":
            if not byte:
                raise RuntimeError(f"{self.program} ended")
            text += byte
        return json.loads(text)

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
        """Writes a picture of the page, in the scheme `light` or `dark`: as wide as `width` in CSS pixels or, where the
        page does not fit, as the page, and not higher than `most`. Returns the page's own width and height."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Page.navigate", url=url)
        while self.message().get("method") != "Page.loadEventFired":
            pass
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": max(width, size["width"]), "height": min(most, size["height"]), "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))
        return size["width"], size["height"]
