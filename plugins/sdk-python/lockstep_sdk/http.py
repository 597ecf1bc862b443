"""Requests to the marketplace, and what statuses and error bodies mean.

| Status | A read | A write |
|---|---|---|
| 401 | auth | auth |
| 403 | denied | denied |
| 404, 410 | missing | missing |
| 409 | conflict | conflict |
| 429 | throttled | throttled |
| 408, 5xx | unavailable | unknown-outcome, unless `nothing_was_applied` |
| other 4xx | rejected | rejected |
| anything else, an unreadable body | protocol | unknown-outcome |
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Optional
from urllib.parse import quote

from componentize_py_types import Err, Ok
from wit_world.imports import http, session

from . import faults
from .faults import Asked
from .reading import members, text

THROTTLED_MS = 60_000
"""How long to wait after a 429 that does not say."""
TOGETHER = 40
"""Requests that are handed to the host together: their answers are in memory at once."""
DAY_MS = 24 * 60 * 60 * 1000
QUOTED = 300
DEEPEST = 200
"""Deepest nesting of JSON that is parsed: the parser recurses, and dies with the call when its stack ends."""


@dataclass
class Refusal:
    """What the body of a refusal says."""

    code: Optional[str]
    detail: str


def encode(value):
    """Percent-encoded, for a path segment or a query value."""
    return quote(str(value), safe="", errors="replace")


def path(base, **query):
    """A path with its query. A list adds its name once for each value; what is None is left out."""
    pairs = []
    for name, value in query.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs.extend(f"{encode(name)}={encode(one)}" for one in values if one is not None)
    return f"{base}?{'&'.join(pairs)}" if pairs else base


def read_json(body):
    """Parses JSON: fractions as exact decimals. Raises ValueError."""
    if _depth(body) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST}")
    # A component has only the codecs that were in memory when it was built: `utf-8` always is, `utf-8-sig` is not.
    text = body.removeprefix(b"\xef\xbb\xbf").decode()
    return json.loads(text, parse_float=Decimal, parse_constant=_no_number)


def _no_number(word):
    raise ValueError(f"{word} is no number of JSON")


_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def _depth(body):
    now = most = 0
    for mark in _MARKS.finditer(body):
        first = body[mark.start()]
        if first in b"[{":
            now += 1
            if now > most:
                most = now
                if most > DEEPEST:
                    break
        elif first in b"]}":
            now -= 1
    return most


def excerpt(words):
    """The beginning of a text, on one line; for people."""
    line = " ".join(words[: QUOTED * 8].split())
    return line if len(line) <= QUOTED else line[:QUOTED] + "..."


def read_refusal(body):
    """Reads a refusal in the shapes that JSON APIs use: a list `errors`, an `error` of its own, or a lone member with
    the words. A page of HTML is told by its title, anything else by its beginning."""
    try:
        value = members(read_json(body))
    except ValueError:
        words = body.decode("utf-8", "replace").strip()
        title = re.search(r"<title>(.*?)</title>", words, re.IGNORECASE | re.DOTALL) if words.startswith("<") else None
        return Refusal(None, f'a page titled "{excerpt(title[1])}"' if title else excerpt(words))
    errors = value.get("errors")
    errors = [*(errors if isinstance(errors, list) else []), value.get("error")]

    def first(of, names):
        return next((found for name in names if (found := text(members(of).get(name))) is not None), None)

    def words(of):
        return first(of, ["detail", "message", "error_description", "error", "title"])

    def code(of):
        return first(of, ["code", "errorCode", "error_code"])

    told = [said for error in errors if (said := words(error) or text(error))]
    codes = [found for error in errors if (found := code(error))]
    return Refusal(code(value) or (codes[0] if codes else None), excerpt("; ".join(told) or words(value) or ""))


class Http:
    """A marketplace, reached through the host.

    Derive from it for what is particular to one: `headers`, `refusal`, `nothing_was_applied`, `fault`.
    """

    throttled_ms = THROTTLED_MS

    def __init__(self, credential=None):
        """`credential` is the manifest's slot that requests name; without it they carry no credentials."""
        self.credential = credential

    def headers(self):
        """Headers of every request."""
        return {"accept": "application/json"}

    def refusal(self, body):
        """Reads the body of a refusal, bytes."""
        return read_refusal(body)

    def nothing_was_applied(self, status, refusal):
        """Whether a refused write surely changed nothing, though its status leaves that open (maintenance, say)."""
        return False

    def fault(self, status, refusal, said):
        """Another fault than the usual one for a refusal; `said` is what people are told."""
        return None

    def get_json(self, url):
        """Reads JSON; an empty body is None."""
        return self._json("GET", url, None, False)

    def ask_json(self, method, url, body):
        """Asks with a body and changes nothing: a search by POST, or a query of GraphQL."""
        return self._json(method, url, body, False)

    def send_json(self, method, url, body=None):
        """Writes JSON. An answer that is missing or unreadable is of unknown outcome."""
        return self._json(method, url, body, True)

    def get_all_json(self, urls):
        """Reads several things at once, in order: for each its value, or the fault (an `Err`) that it met."""
        answers = []
        for start in range(0, len(urls), TOGETHER):
            requests = [self._outgoing("GET", url, None, False) for url in urls[start : start + TOGETHER]]
            Asked.reads += len(requests)
            for request, result in zip(requests, http.send_all(requests), strict=True):
                try:
                    if not isinstance(result, Ok):
                        raise _unanswered(request, result.value)
                    answers.append(_value(request, self._accept(request, result.value)))
                except Err as fault:
                    answers.append(fault)
        return answers

    def request(self, method, url, body=None, headers=None, writes=False):
        """Sends one request with a body of bytes, and answers a response of success. Raises a fault for any other."""
        return self._send(self._outgoing(method, url, body, writes, headers))

    def _json(self, method, url, body, writes):
        content = None if body is None else json.dumps(body).encode()
        request = self._outgoing(method, url, content, writes)
        return _value(request, self._send(request))

    def _outgoing(self, method, url, body, writes, headers=None):
        names = {**self.headers(), **(headers or {})}
        if body is not None:
            names.setdefault("content-type", "application/json")
        return http.Request(
            method=http.Method[method],
            url=url,
            headers=[http.Header(name, str(value)) for name, value in names.items()],
            body=body,
            credential=self.credential,
            writes=writes,
        )

    def _send(self, request):
        if request.writes:
            Asked.writes += 1
        else:
            Asked.reads += 1
        try:
            response = http.send(request)
        except Err as error:
            raise _unanswered(request, error.value) from None
        return self._accept(request, response)

    def _accept(self, request, response):
        if 200 <= response.status <= 299:
            return response
        raise self._refused(request, response)

    def _refused(self, request, response):
        status = response.status
        refusal = self.refusal(bytes(response.body))
        said = f"{_label(request)}: {status} {refusal.detail}".rstrip()
        own = self.fault(status, refusal, said)
        if own is not None:
            return own
        wait = _retry_after(response)
        applied = request.writes and not self.nothing_was_applied(status, refusal)
        if status == 401:
            return faults.auth(said)
        if status == 403:
            return faults.denied(said)
        if status in (404, 410):
            return faults.missing(said)
        if status == 409:
            return faults.conflict(said)
        if status == 429:
            return faults.throttled(said, self.throttled_ms if wait is None else wait)
        if status == 408 or status >= 500:
            return faults.unknown_outcome(said) if applied else faults.unavailable(said, wait)
        if status >= 400:
            return faults.rejected(said, refusal.code)
        return _unreadable(request, said)


def _label(request):
    """Method and path, without the query, which can be long."""
    return f"{request.method.name} {request.url.split('?')[0]}"


def _unreadable(request, said):
    return faults.unknown_outcome(said) if request.writes else faults.protocol(said)


def _unanswered(request, error):
    label = _label(request)
    match error:
        case http.Error_Forbidden(why):
            return faults.denied(f"{label}: the host refuses it: {why}")
        case http.Error_Auth(why):
            return faults.auth(f"{label}: {why}")
        case http.Error_Unavailable(why):
            return faults.unavailable(f"{label}: {why}")
        case http.Error_OutcomeUnknown(why):
            return faults.unknown_outcome(f"{label}: {why}")
        case http.Error_TooLarge(limit):
            return _unreadable(request, f"{label}: the answer is longer than {limit} bytes")
    return _unreadable(request, f"{label}: {error}")


def _value(request, response):
    body = bytes(response.body).strip()
    if not body:
        return None
    try:
        return read_json(body)
    except ValueError as error:
        words = excerpt(body.decode("utf-8", "replace"))
        said = f"{_label(request)}: the answer ({response.status}) is not JSON ({error}): {words}"
        raise _unreadable(request, said) from None


def _retry_after(response):
    """How long `Retry-After` asks to wait, in milliseconds: whole seconds or an HTTP date. At most a day."""
    value = next((one.value.strip() for one in response.headers if one.name.lower() == "retry-after"), "")
    if re.fullmatch(r"[0-9]{1,15}", value):
        wait = int(value) * 1000
    else:
        try:
            until = parsedate_to_datetime(value)
            now = datetime.fromisoformat(session.now())
            wait = int((until.replace(tzinfo=timezone.utc) - now).total_seconds() * 1000)
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait, 0), DAY_MS)
