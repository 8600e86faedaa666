"""What an article is about: topics as data, features on the folded key, a model of arrays, and its judges."""

from __future__ import annotations
