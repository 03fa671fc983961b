"""Types that stand in several signatures."""

from typing import Literal, TypeAlias

Side: TypeAlias = Literal["pre", "post"]
Axis: TypeAlias = int | tuple[int, ...] | None
