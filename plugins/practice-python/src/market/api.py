"""Practice Market's dialect of HTTP, and what all its lists have in common."""

from componentize_py_types import Err

from lockstep_sdk import Http, exact, path, rows

PAGE = 200
"""Most rows of a page."""


class Market(Http):
    """The marketplace, reached through the host."""

    def nothing_was_applied(self, status, refusal):
        # A write that meets maintenance is not carried out. Without this, a 503 to a write leaves open whether it was.
        return status == 503 and refusal.code == "maintenance"


# A slot of plugin.toml. The connector names it, and never sees what is in it.
market = Market(credential="api")


def page(base, name, cursor, **query):
    """A page of a list: its rows, and where it goes on."""
    answer = market.get_json(path(base, **query, limit=PAGE, cursor=cursor))
    return rows(answer, name), exact(answer.get("next"))


def look_up(base, name, parameter, values, at_once):
    """Rows found by a parameter that is given once for each value, so many of them in a request."""
    chunks = [values[start : start + at_once] for start in range(0, len(values), at_once)]
    found = []
    # The host sends them together, as fast as the rate in plugin.toml allows.
    for answer in market.get_all_json([path(base, **{parameter: chunk}) for chunk in chunks]):
        if isinstance(answer, Err):
            raise answer
        found.extend(rows(answer, name))
    return found
