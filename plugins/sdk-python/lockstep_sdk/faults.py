"""Why a call failed. The case tells the host what to do, the text tells people. `raise missing("...")`."""

import functools
import traceback

from componentize_py_types import Err
from wit_world.imports import session, types


def auth(words):
    """The marketplace rejects the credentials. The host parks the channel until they change."""
    return Err(types.Fault_Auth(words))


def throttled(words, retry_after_ms=None):
    """Too many requests. The host waits at least as long as told."""
    return Err(types.Fault_Throttled(types.Backoff(retry_after_ms, words)))


def unavailable(words, retry_after_ms=None):
    """Down or unreachable, and nothing was applied. The host tries again."""
    return Err(types.Fault_Unavailable(types.Backoff(retry_after_ms, words)))


def unknown_outcome(words):
    """A write was sent and its answer is missing or unreadable. The host looks the effect up."""
    return Err(types.Fault_UnknownOutcome(words))


def rejected(words, code=None):
    """The marketplace understood and refuses this input; its code, if it gave one. Never tried again unchanged."""
    return Err(types.Fault_Rejected(types.Rejection(code, words)))


def missing(words):
    """The named thing does not exist (any more)."""
    return Err(types.Fault_Missing(words))


def conflict(words):
    """The thing is in another state than the call expected."""
    return Err(types.Fault_Conflict(words))


def protocol(words):
    """The answer breaks the marketplace's own protocol."""
    return Err(types.Fault_Protocol(words))


def denied(words):
    """The account lacks the permission."""
    return Err(types.Fault_Denied(words))


def other(words):
    """Anything else."""
    return Err(types.Fault_Other(words))


def detail(error):
    """The words of a fault that was raised."""
    said = error.value.value
    return said if isinstance(said, str) else said.detail


class Asked:
    """What the running call has asked the marketplace for. An instance of the component serves one call."""

    reads = 0
    writes = 0


def guarded(interface):
    """Decorates a class that implements an interface: exceptions that nobody foresaw become faults.

    Without it they end the call like a crash. Most come from answers of another shape than expected.
    """
    for name, function in list(vars(interface).items()):
        if not name.startswith("_") and callable(function):
            setattr(interface, name, _guard(f"{interface.__name__}.{name}", function))
    return interface


def _guard(call, function):
    @functools.wraps(function)
    def run(*given):
        Asked.reads = Asked.writes = 0
        try:
            return function(*given)
        except Err:
            raise
        except Exception as error:
            raise _unexpected(call, error) from error

    return run


def _unexpected(call, error):
    said = f"{call}: {type(error).__name__}: {error}"
    session.log(session.Level.ERROR, traceback.format_exc())
    if Asked.writes > 0:
        return unknown_outcome(said)
    return protocol(said) if Asked.reads > 0 else other(said)
