"""Write the golden file again and say what changed."""

from __future__ import annotations

from . import FILE, changes, golden_lines


def main() -> None:
    was = FILE.read_bytes().splitlines(keepends=True) if FILE.exists() else []
    now = list(golden_lines())
    FILE.write_bytes(b"".join(now))
    told = changes(was, now)
    print("\n".join(told) or "nothing changed")
    print(f"{len(now)} records in {FILE.name}")


if __name__ == "__main__":
    main()
