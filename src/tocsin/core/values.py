"""How is a changed copy of a value made?

Values that are made or copied for each alert are frozen msgspec structs, the others frozen dataclasses
(docs/adr/0027-values-of-each-alert-are-structs.md); both are copied by one function.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    # the checker knows this one, and looks at every field that is changed, of a struct too
    from dataclasses import replace  # noqa: TID251 - here it gets the name that others take
else:
    _copy, _copy_slowly = msgspec.structs.replace, dataclasses.replace  # noqa: TID251

    def replace(value: Any, /, **changes: Any) -> Any:
        """A copy of a struct or a dataclass with these fields changed; TypeError for a field that it does not have."""
        if isinstance(value, msgspec.Struct):
            return _copy(value, **changes)
        return _copy_slowly(value, **changes)


__all__ = ["replace"]
