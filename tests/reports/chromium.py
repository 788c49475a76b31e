"""A real Chromium, driven through its debugging pipe: clicks, keys, sizes, media, what it loads."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
KEYS = {
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    " ": 32,
}
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    "about:blank",
)


class Chromium:
    """One tab of one browser.

    Args:
        profile: Folder for its profile.
    """

    def __init__(self, profile: Path) -> None:
        here, there = os.pipe(), os.pipe()

        def wire() -> None:  # the browser reads commands from 3 and writes answers to 4
            read, write = os.dup(here[0]), os.dup(there[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen(
            [str(BROWSER), *_FLAGS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=wire,
        )
        os.close(here[0])
        os.close(there[1])
        self._write, self._read = here[1], there[0]
        self._rest, self._last = b"", 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        targets = self._send("Target.getTargets", session="")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self._send("Target.attachToTarget", session="", targetId=page, flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._write)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._read)

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file from disk and wait until it is loaded."""
        self._send("Page.navigate", url="about:blank")
        self._send("Page.navigate", url=page.as_uri() + fragment)
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def run(self, script: str) -> Any:
        """Run a function body in the page and return its result."""
        found = self._send(
            "Runtime.evaluate",
            expression=f"(() => {{ {script} }})()",
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait for a condition to hold in the page."""
        end = time.monotonic() + seconds
        while not self.run(f"return {condition}"):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """Click an element as a script would: where it lies does not matter."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def enter(self, selector: str, value: str) -> None:
        """Type into a field or choose from a list."""
        self.run(
            f"const field = document.querySelector({json.dumps(selector)});"
            f"field.value = {json.dumps(value)};"
            "for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind));"
        )

    def each(self, selector: str, what: str = "e.textContent.trim()") -> list[Any]:
        """Return something of every element `e` that a selector finds."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        return list(self.run(f"return {found}.map((e) => {what})"))

    def style(self, selector: str, name: str) -> str:
        """Return a computed property of an element."""
        return str(self.each(selector, f"getComputedStyle(e).{name}")[0])

    def seen(self, selector: str) -> list[bool]:
        """Tell of every element whether it is visible."""
        return self.each(selector, "e.checkVisibility()")

    def size(self, width: int, height: int = 900) -> None:
        """Set the size of the window, as small as any phone."""
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def media(self, scheme: str = "light", kind: str = "") -> None:
        """Set the preferred colour scheme, and `print` or the screen."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._send("Emulation.setEmulatedMedia", media=kind, features=features)

    def press(self, key: str) -> None:
        """Press a key."""
        given: dict[str, Any] = {
            "key": key,
            "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper())),
        }
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self._send("Input.dispatchKeyEvent", **given, **down)
        self._send("Input.dispatchKeyEvent", **given, type="keyUp")

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the left button, move, let go."""
        for kind, (x, y), buttons in (
            ("mousePressed", start, 1),
            ("mouseMoved", end, 1),
            ("mouseReleased", end, 0),
        ):
            self._send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                buttons=buttons,
                clickCount=1,
            )

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as a PNG."""
        shot = self._send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _send(self, method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": given}
        if session is None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], 60)[0], "the browser does not answer"
            self._rest += os.read(self._read, 1 << 20)
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def _note(self, event: str, given: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled":
            self.complaints.append(str(given["args"]))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(given["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.complaints.append(str(given["entry"].get("text")))
        elif event == "Network.requestWillBeSent":
            self.requests.append(str(given["request"]["url"]))
