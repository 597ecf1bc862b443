"""Writing stock."""

from componentize_py_types import Err
from wit_world.exports.stock import Outcome_Applied, Outcome_Failed

from lockstep_sdk import detail, exact, flag, guarded, members, missing, rejected, rows, text, unknown_outcome

from .api import market


@guarded
class Stock:
    def push(self, levels):
        """At most `[stock] batch` levels of plugin.toml. Numbers are absolute, so a repeat is harmless."""
        if not levels:
            return []
        body = {"levels": [{"listing": level.listing, "quantity": level.quantity} for level in levels]}
        answer = market.send_json("PUT", "/v1/stock", body)
        try:
            told = {exact(row.get("listing")): _outcome(row) for row in rows(answer, "results")}
        except Err as fault:
            # It was written, but not told how: the host reads the listings back.
            raise unknown_outcome(detail(fault)) from None
        # One outcome for each level, in their order.
        return [told.get(level.listing) or _silence(level.listing) for level in levels]

    def settle(self, ticket):
        """Nothing is queued here."""
        raise missing(f"there is no ticket {ticket}")


def _silence(listing):
    return Outcome_Failed(unknown_outcome(f"the answer says nothing of listing {listing}").value)


def _outcome(row):
    if flag(row.get("ok")):
        return Outcome_Applied()
    error = members(row.get("error"))
    code, words = text(error.get("code")), text(error.get("message")) or "refused without a word"
    return Outcome_Failed((missing(words) if code == "not-found" else rejected(words, code)).value)
