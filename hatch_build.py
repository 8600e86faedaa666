"""What hatchling runs when it builds taowen or installs it from a checkout: compile the kernels, name the wheel."""

from pathlib import Path
from runpy import run_path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsHook(BuildHookInterface):
    """Puts the compiled kernels into wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell hatchling that the wheel is for this kind of machine."""
        build = run_path(str(Path(self.root) / "pipeline" / "native" / "build.py"))
        library = build["compile_kernels"]()
        build_data["pure_python"] = False
        build_data["tag"] = build["wheel_tag"]()
        build_data["artifacts"].append(f"/{library.relative_to(self.root).as_posix()}")
