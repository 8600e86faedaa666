"""One page in, one row out: clean, identify, convert, tag; for the command line and the batch run alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.article import Article, Page, Reject, Skip, Tag
from pipeline.configure import LIMITS, Limits, data_path, model_path
from pipeline.errors import ModelError, PageError

if TYPE_CHECKING:
    from pipeline.ingest.sites import Sites
    from pipeline.topics.tagger import Tagger

__all__ = ["TABLES", "Process", "ProcessConfig", "tables_digest"]

_BATCH = 64
"""Articles tagged together. A tag never depends on its batch; only the speed does."""


TABLES = (
    *("noise.toml", "fold.tsv", "kept.tsv", "leaning.tsv", "regions.tsv", "scripts.tsv", "usage.tsv", "variants.tsv"),
)
"""The files of `pipeline/data` that decide what a row says, beside the models."""


@cache
def tables_digest() -> str:
    """Return the digest of all tables that a row comes of, and of OpenCC's version, which writes `text_normalised`.

    The topics are not among them: the model has its own copy, which is in the digest of the models.
    """
    digest = hashlib.blake2b(version("opencc").encode(), digest_size=6)
    for name in TABLES:
        digest.update(name.encode() + b"\0" + data_path(name).read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class ProcessConfig:
    """Everything of the configuration that can change a row."""

    tag: bool = True
    model: str = ""
    """A topic model's folder; "" is the shipped one."""
    to: str = "zh-Hans"
    """The script of `text_normalised`."""
    thresholds: tuple[tuple[str, float], ...] = ()
    """Topic id and probability, in place of the model's own."""
    page_text: bool = False
    limits: Limits = field(default=LIMITS)
    sites: Sites | None = None
    """What a user says of single sites: `pipeline.ingest.sites.read_sites(path)`."""
    names: bool = False
    """Whether names and terms in `text_normalised` are those of the region of `to`."""


class Process:
    """Makes rows of pages. Cheap to build; models are loaded when the first page comes."""

    def __init__(self, config: ProcessConfig) -> None:
        self.config = config

    @cached_property
    def options(self) -> dict[str, Any]:
        """The configuration as JSON data, but for the model: its digest is in `versions`, wherever its folder is."""
        config = self.config
        return {
            "tag": config.tag,
            "to": config.to,
            "names": config.names,
            "threshold": dict(sorted(config.thresholds)),
            "page-text": config.page_text,
            "sites": "" if config.sites is None else config.sites.digest,
            "page_bytes": config.limits.page_bytes,
            "blocks": config.limits.blocks,
        }

    @cached_property
    def versions(self) -> dict[str, str]:
        """Package version, digests of all models used and of rules and tables; behind a plus, of the site file."""
        from pipeline import __version__

        folders = [model_path("strip"), model_path("fluency"), model_path("phrases")]
        if self.config.tag:
            folders.append(Path(self.config.model) if self.config.model else model_path("topics"))
        digest = hashlib.blake2b(digest_size=6)
        for folder in folders:
            files = (
                sorted(p for p in folder.iterdir() if p.suffix in (".npz", ".json", ".toml")) if folder.is_dir() else []
            )
            if not files:
                raise ModelError(f"There is no model in {folder}. Name a folder that 'taowen train' wrote.")
            for file in files:
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
        rules = tables_digest() + (f"+{self.config.sites.digest}" if self.config.sites is not None else "")
        return {"package": __version__, "model": digest.hexdigest(), "rules": rules}

    def check(self) -> None:
        """Load the models that every page needs, so that a damaged one is told before an output is begun.

        Raises:
            ModelError: a model is missing, damaged, or of another version.
            UsageError: a threshold names no topic of the model; there is no such target, or it has no names.
        """
        from pipeline.ingest.judge import default_judge
        from pipeline.script.convert import convert

        convert("", self.config.to, names=self.config.names)
        default_judge()
        if self.config.tag:
            self.tags([])

    @cached_property
    def tagger(self) -> Tagger:
        """The topic model."""
        from pipeline.topics.tagger import Tagger

        return Tagger.load(Path(self.config.model) if self.config.model else None)

    def rows(self, pages: Iterable[Page | Reject | Skip]) -> Iterator[dict[str, Any] | Reject | Skip]:
        """Yield one result for each input, in order: a row, or a Reject or Skip as it came or as cleaning gave it."""
        source = iter(pages)
        while batch := list(islice(source, _BATCH)):
            yield from self._batch(batch)

    def articles(self, pages: Iterable[Page | Reject | Skip]) -> Iterator[Article | Reject | Skip]:
        """Yield the cleaned page for each input, in order."""
        for page in pages:
            yield self._clean(page) if isinstance(page, Page) else page

    def tags(self, articles: Iterable[Article]) -> list[list[Tag]]:
        """Return the tags of each article; none for a page without one, or in another language than Chinese.

        The model knows Chinese only, and a Japanese article about レアアース has characters enough to mislead it.
        """
        from pipeline.script.identify import identify

        chosen = list(articles)
        tagged = [a.status == "article" and identify(a.text).script != "other" for a in chosen]
        told = [a.text if known else "" for a, known in zip(chosen, tagged, strict=True)]
        titles = [a.title if known else "" for a, known in zip(chosen, tagged, strict=True)]
        return self.tagger.tag(told, titles, thresholds=dict(self.config.thresholds) or None)

    def _clean(self, page: Page) -> Article | Reject:
        from pipeline.ingest import clean

        try:
            return clean(page, self.config.limits, sites=self.config.sites)
        except PageError as error:
            return Reject(page.input, page.position, page.id, error.stage, error.reason)
        except ModelError:
            raise
        except Exception as error:  # a fault of ours costs one page and is told; it must not cost the run
            return Reject(page.input, page.position, page.id, "clean", f"{type(error).__name__}: {error}"[:300])

    def _batch(self, pages: list[Page | Reject | Skip]) -> Iterator[dict[str, Any] | Reject | Skip]:
        from pipeline.records import row
        from pipeline.script.convert import convert
        from pipeline.script.identify import identify

        results = list(self.articles(pages))
        articles = [r for r in results if isinstance(r, Article)]
        tags = iter(self.tags(articles) if self.config.tag else [])
        for result in results:
            if not isinstance(result, Article):
                yield result
                continue
            # A page without an article has no text; what it is written in is told by the page.
            script = identify(result.text or result.page_text, context=result.page_text)
            normalised = convert(result.text, self.config.to, script, names=self.config.names)
            found = next(tags) if self.config.tag else None
            yield row(result, script, normalised, found, self.versions, page_text=self.config.page_text)
