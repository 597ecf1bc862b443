"""A host that answers from a script and notes what was sent. For tests outside of a component."""

import json
from unittest import mock

from componentize_py_types import Err, Ok
from wit_world.imports import http, session


class Fake:
    """A scripted host, to be used with `with`.

    Requests must come in the order of the script, and all of them; each must name the credential slot, and say that it
    writes unless it is a GET or was declared with `asks`. Anything else fails the test.

        with Fake("api").on("GET /v1/account", 200, {"id": 7}):
            self.assertEqual(About().identify().id, "7")
    """

    def __init__(self, slot=None, settings=None, now="2026-03-09T00:00:00.000Z"):
        self.slot = slot
        self.settings = settings or {}
        self.now = now
        self.script = []
        self.reading = []
        self.sent = []
        self.logged = []
        self.failures = []

    def asks(self, begins):
        """Requests that begin like this only read, though they are no GET."""
        self.reading.append(begins)
        return self

    def on(self, begins, status, body="", headers=None):
        """Answers the next request, which must begin with this method and URL. The body is text, bytes, or JSON."""
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        content = body.encode() if isinstance(body, str) else body
        named = [http.Header(name, value) for name, value in (headers or {}).items()]
        self.script.append((begins, http.Response(status, named, content)))
        return self

    def fails(self, begins, error):
        """Gives no answer: `error` is a case of the contract's `http.error`."""
        self.script.append((begins, Err(error)))
        return self

    def body(self, at=0):
        """The JSON body of a request that was sent."""
        return json.loads(self.sent[at].body)

    def __enter__(self):
        self.patches = [
            mock.patch.object(http, "send", self.send),
            mock.patch.object(http, "send_all", self.send_all),
            mock.patch.object(session, "channel", lambda: "kestrel/test"),
            mock.patch.object(session, "setting", self.settings.get),
            mock.patch.object(session, "now", lambda: self.now),
            mock.patch.object(session, "log", lambda level, words: self.logged.append(f"{level.name} {words}")),
        ]
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, kind, *_):
        for patch in self.patches:
            patch.stop()
        if kind is None:
            assert not self.failures, self.failures
            assert not self.script, f"requests that were not made: {[begins for begins, _ in self.script]}"

    def send(self, request):
        answer = self.answer(request)
        if isinstance(answer, Err):
            raise answer
        return answer

    def send_all(self, requests):
        answers = [self.answer(request) for request in requests]
        return [answer if isinstance(answer, Err) else Ok(answer) for answer in answers]

    def answer(self, request):
        shown = f"{request.method.name} {request.url}"
        self.sent.append(request)
        begins, answer = self.script.pop(0) if self.script else ("the end of the script", None)
        reads = request.method is http.Method.GET or any(shown.startswith(one) for one in self.reading)
        # The connector may take an exception for something else: failures are kept for the end.
        if not shown.startswith(begins):
            self.fail(f"{shown} instead of {begins}")
        if request.credential != self.slot:
            self.fail(f"{shown}: credential slot {request.credential}")
        if request.writes is reads:
            self.fail(f"{shown}: writes is {request.writes}")
        return answer

    def fail(self, why):
        self.failures.append(why)
        raise AssertionError(why)
