"""taowen 淘聞: clean, script-normalised, topic-tagged articles from crawled dumps of Chinese news.

    from pipeline import Page, Tagger, clean, convert

    article = clean(Page(text=page_text))
    tags = Tagger.load().tag([article.text], [article.title])

Names are imported when they are first used, so that `taowen --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.article import Article, Cut, Evidence, Page, Reject, Skip, Tag, restore
    from pipeline.ingest import clean
    from pipeline.ingest.sites import Sites, read_sites
    from pipeline.process import Process, ProcessConfig
    from pipeline.script.convert import convert, convert_with_offsets
    from pipeline.script.fold import fold, fold_many
    from pipeline.script.identify import identify
    from pipeline.topics.tagger import Tagger

__version__ = "0.1.0"

__all__ = [
    "Article",
    "Cut",
    "Evidence",
    "Page",
    "Process",
    "ProcessConfig",
    "Reject",
    "Sites",
    "Skip",
    "Tag",
    "Tagger",
    "clean",
    "convert",
    "convert_with_offsets",
    "fold",
    "fold_many",
    "identify",
    "read_sites",
    "restore",
]

_HOMES = {
    "Process": "pipeline.process",
    "ProcessConfig": "pipeline.process",
    "Sites": "pipeline.ingest.sites",
    "Tagger": "pipeline.topics.tagger",
    "clean": "pipeline.ingest",
    "convert": "pipeline.script.convert",
    "convert_with_offsets": "pipeline.script.convert",
    "fold": "pipeline.script.fold",
    "fold_many": "pipeline.script.fold",
    "identify": "pipeline.script.identify",
    "read_sites": "pipeline.ingest.sites",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pipeline' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "pipeline.article")), name)
    globals()[name] = value
    return value
