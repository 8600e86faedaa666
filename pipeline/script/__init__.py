"""One text, two scripts: the folded key, the script a text is in, conversion for publishing, and words."""

from __future__ import annotations

__all__: list[str] = []
