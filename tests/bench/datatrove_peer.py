"""datatrove with its trafilatura extractor: datatrove_peer.py FOLDER OUT. Two workers, a file of FOLDER each at a time.

Stands by itself, with the Python of its own environment. Options are datatrove's defaults but for the seconds of a
page, which are taowen's. It takes the text out and does no more: no script is converted, nothing tagged.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found]
    from datatrove.pipeline.extractors import Trafilatura  # type: ignore[import-not-found]
    from datatrove.pipeline.readers import JsonlReader  # type: ignore[import-not-found]
    from datatrove.pipeline.writers import JsonlWriter  # type: ignore[import-not-found]

    source, out = sys.argv[1:3]
    steps = [JsonlReader(source, text_key="html"), Trafilatura(timeout=10), JsonlWriter(f"{out}/texts")]
    LocalPipelineExecutor(steps, tasks=2, workers=2, logging_dir=f"{out}/logs", skip_completed=False).run()
