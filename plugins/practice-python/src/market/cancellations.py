"""Cancelling at the channel what the seller cannot supply."""

from componentize_py_types import Err
from wit_world.exports.cancellations import Dropped, ReasonEntry, ReasonKind_Cancel
from wit_world.imports import types

from lockstep_sdk import detail, encode, exact, guarded, rows, text, unknown_outcome

from .api import market

ITS_OWN = (types.Fault_Rejected, types.Fault_Missing, types.Fault_Conflict)
"""Refusals of one cancellation that say nothing about the others."""


@guarded
class Cancellations:
    def reasons(self):
        found = rows(market.get_json("/v1/cancel-reasons"), "reasons")
        return [
            ReasonEntry(code, text(row.get("label")) or code, ReasonKind_Cancel(), code == "out-of-stock", usable=True)
            for row in found
            if (code := exact(row.get("code")))
        ]

    def cancel(self, drops):
        """Units of one order. One request for each, with its own key: a repeat cancels nothing twice."""
        lines, refused = [], None
        for drop in drops:
            body = {
                "key": drop.id,
                "reason": drop.reason,
                "lines": [{"line": drop.line, "quantity": drop.quantity}],
            }
            try:
                market.send_json("POST", f"/v1/orders/{encode(drop.order)}/cancellations", body)
                lines.append(types.Packed(drop.line, drop.quantity, []))
            except Err as fault:
                if isinstance(fault.value, ITS_OWN):
                    refused = refused or fault
                elif lines:
                    # Some are cancelled already, and a fault would say that none is: the host has to look.
                    raise unknown_outcome(detail(fault)) from None
                else:
                    raise
        if refused and not lines:
            raise refused
        # What is left out of the answer was not cancelled.
        return Dropped(lines)
