#!/usr/bin/env bash
# Run the tests that need Ray, Spark or an object store: bash tests/engines.sh PYTHON
#
# They have an environment of their own in build/engines, half a gigabyte, since make setup is for everybody. What pip
# cannot install for this Python (no release for it yet) is left out and told; pytest says which test that skips.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -eq 1 ] || {
    echo "usage: bash tests/engines.sh PYTHON" >&2
    exit 1
}
venv=build/engines
export PIP_DISABLE_PIP_VERSION_CHECK=1
test -x "$venv/bin/pip" || "$1" -m venv "$venv"
install() {
    "$venv/bin/python" -m pip install --quiet --constraint tests/engines.txt "$@"
}
install --editable '.[dev]'
for engine in ray "s3fs moto[server]" pyspark; do
    # shellcheck disable=SC2086  # two requirements
    install $engine || echo "engines: pip cannot install $engine for $("$1" --version); its tests are left out"
done
command -v java >/dev/null || echo "engines: there is no java; the test on Spark is left out"
"$venv/bin/python" -m pytest -rs tests/dumps/test_ray.py tests/dumps/test_store.py tests/dumps/test_local.py \
    -k "cluster or store or spark"
