from __future__ import annotations

from hypothesis import settings

# The first example of a test loads tables and dictionaries, up to two seconds for jieba's.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
