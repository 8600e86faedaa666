#!/usr/bin/env bash
# Build the wheel, install it alone, tag a page with it: bash tests/wheel_check.sh PYTHON
#
# The environment in build/wheel-env is made anew when what the wheel depends on has changed; otherwise only the wheel
# in it is replaced, so that a second call takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "wheel-check: $1" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: bash tests/wheel_check.sh PYTHON"
python=$1
dist=build/dist
venv=$PWD/build/wheel-env
log=build/wheel-check.log
export PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME

# Without isolation: the backend is the pinned one of the dev extra, and nothing is fetched.
rm -rf "$dist"
mkdir -p "$dist"
"$python" -m build --wheel --no-isolation --outdir "$dist" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "the wheel could not be built, see above; 'make setup' installs what that needs"
}
wheels=("$dist"/*.whl)
[ ${#wheels[@]} -eq 1 ] || fail "expected one wheel in $dist, found ${wheels[*]}"
wheel=$PWD/${wheels[0]}

# Exactly the package, its data and the models; the licence files and the typing marker among them.
"$python" - "$wheel" <<'PYTHON' || fail "$wheel does not hold what it should"
import sys
import zipfile
from pathlib import Path

SUFFIXES = {".py", ".toml", ".tsv", ".txt", ".json", ".jsonl", ".npz", ".md", ".c", ".h", ".so", ".dylib", ".dll"}
held = set(zipfile.ZipFile(sys.argv[1]).namelist())
about = {name for name in held if name.split("/")[0].endswith(".dist-info")}
inside = {name.split("/", 1)[1] for name in about}
here = {p.as_posix() for p in Path("pipeline").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
here |= {f"pipeline/{p.as_posix()}" for p in Path("models").rglob("*") if p.is_file()}
faults = [f"missing: {name}" for name in sorted(here - held)]
faults += [f"too much: {name}" for name in sorted(held - here - about)]
known = {"strip", "fluency", "phrases", "topics", "floors.json"}
strays = {p.as_posix() for p in Path("models").iterdir() if p.name not in known}
strays |= {name for name in here if Path(name).suffix not in SUFFIXES and Path(name).name != "py.typed"}
faults += [f"of no kind that the wheel is for: {name}" for name in sorted(strays)]
needed = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE"}
faults += [f"missing in dist-info: {name}" for name in sorted(needed - inside)]
faults += [f"too much in dist-info: {name}" for name in sorted(inside - needed)]
faults += [
    f"missing: {name}"
    for name in (
        "pipeline/py.typed",
        "pipeline/data/topics.toml",
        "pipeline/data/noise.toml",
        "pipeline/data/fold.tsv",
        "pipeline/models/strip/weights.npz",
        "pipeline/models/fluency/fluency.npz",
        "pipeline/models/phrases/weights.npz",
        "pipeline/models/topics/weights.npz",
        "pipeline/models/topics/model.json",
    )
    if name not in held
]
print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
sys.exit(bool(faults))
PYTHON

# What the environment was made of: this Python, the constraints, what the wheel requires.
made_of=$("$python" - "$wheel" <<'PYTHON'
import hashlib
import sys
import zipfile
from pathlib import Path

wheel = zipfile.ZipFile(sys.argv[1])
metadata = next(wheel.read(name) for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
required = b"\n".join(line for line in metadata.splitlines() if line.startswith((b"Requires-", b"Provides-Extra")))
print(hashlib.sha256(sys.version.encode() + Path("constraints.txt").read_bytes() + required).hexdigest())
PYTHON
)
if [ "$(cat "$venv/.made-of" 2>/dev/null || true)" != "$made_of" ]; then
    "$python" -m venv --clear "$venv" || fail "no new environment could be made in $venv"
    "$venv/bin/python" -m pip install --quiet --no-compile --constraint constraints.txt "$wheel" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "$wheel could not be installed by itself, see above"
    }
    "$venv/bin/python" -m pip check >"$log" 2>&1 || {
        cat "$log" >&2
        fail "what was installed does not fit together, see above"
    }
    echo "$made_of" >"$venv/.made-of"
else
    "$venv/bin/python" -m pip install --quiet --no-compile --no-deps --force-reinstall "$wheel" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "$wheel could not be installed over the last one, see above; rm -r $venv and try again"
    }
fi

# From elsewhere, so that the checkout cannot be what answers.
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
cd "$elsewhere"
where=$("$venv/bin/python" -c 'import pipeline; print(pipeline.__file__)') || fail "the package cannot be imported"
case $where in
    "$venv"/*) ;;
    *) fail "the package that answers is $where, not the installed one" ;;
esac
version=$("$venv/bin/taowen" --version) || fail "taowen --version ended with $?"
case $(basename "$wheel") in
    "taowen-${version#taowen }-"*) ;;
    *) fail "taowen --version says '$version', the wheel is $(basename "$wheel")" ;;
esac

cat >page.html <<'HTML'
<!doctype html><html lang="zh-Hant"><head><meta charset="utf-8"><title>稀土出口改採逐批審查 磁材廠趕辦許可</title></head><body>
<nav><a href="/">首頁</a> <a href="/sport">體育</a> <a href="/life">生活</a></nav>
<article><h1>稀土出口改採逐批審查 磁材廠趕辦許可</h1>
<p>主管機關今天公告，釤、鋱、鏑等七種中重稀土的出口自下月起改採逐批審查，磁材廠必須附上最終用途證明才能送件。</p>
<p>業者表示，稀土永磁的交期因此會拉長到十週以上，馬達客戶已開始要求提高安全庫存，分離廠的氧化鏑報價一週內漲了一成。</p>
<p>公會預計下週舉辦說明會，協助會員填寫許可申請，並請主管機關對小量樣品放寬文件要求。</p></article>
<aside><h3>熱門新聞</h3><ul><li><a href="/1">夜市套圈圈老闆退休</a></li><li><a href="/2">球隊延長賽逆轉</a></li></ul></aside>
</body></html>
HTML
code=0
"$venv/bin/taowen" tag <page.html >row.jsonl 2>told.txt || code=$?
[ $code -eq 0 ] || {
    cat told.txt >&2
    fail "taowen tag ended with $code, see above"
}
"$venv/bin/python" - <<'PYTHON' || fail "the row is not as it should be, see above"
import json
import sys

lines = open("row.jsonl", encoding="utf-8").read().splitlines()
row = json.loads(lines[0]) if len(lines) == 1 else {}
topics = [topic["id"] for topic in row.get("topics", [])]
wanted = {
    "one row": len(lines) == 1,
    "tagged": row.get("tagged") is True,
    "the topic rare_earths": "rare_earths" in topics,
    "a model digest": bool(row.get("versions", {}).get("model")),
    "the sidebar cut": "逆轉" not in row.get("text", "逆轉"),
    "simplified text": "出口自下月起" in row.get("text_normalised", "") and "稀土永磁的交期因此会" in row["text_normalised"],
}
missing = [name for name, there in wanted.items() if not there]
if missing:
    print(f"not there: {', '.join(missing)}; the row: {json.dumps(row, ensure_ascii=False)[:600]}", file=sys.stderr)
sys.exit(bool(missing))
PYTHON
echo "wheel-check: $(basename "$wheel") ($(($(wc -c <"$wheel") / 1024)) KB), installed alone, tags a page: $version"
