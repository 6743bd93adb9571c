#!/bin/sh
# Runs the quickstart workflow, which reports to the Flowo on this machine, and prints the run's URL.
# The first start installs Snakemake and the plugin into Flowo's cache. Changes nothing in the checkout.
# Arguments go to Snakemake: run.sh --forceall
set -eu

here=$(cd "$(dirname "$0")" && pwd)
pins=$here/../../conformance/flowo
cache=${FLOWO_CACHE:-$HOME/.cache/flowo}/examples
work=$cache/quickstart
config=${XDG_CONFIG_HOME:-$HOME/.config}/flowo/config.toml

step() { printf '\n== %s\n' "$*"; }
stop() { printf '%s\n' "$@" >&2; exit 1; }

# A value that Flowo wrote for its clients.
kept() { if [ -r "$config" ]; then sed -n "s/^$1 *= *\"\(.*\)\"\$/\1/p" "$config"; fi; }

FLOWO_HOST=${FLOWO_HOST:-$(kept FLOWO_HOST)}
FLOWO_USER_TOKEN=${FLOWO_USER_TOKEN:-$(kept FLOWO_USER_TOKEN)}
FLOWO_WORKING_PATH=${FLOWO_WORKING_PATH:-$(kept FLOWO_WORKING_PATH)}
FLOWO_HOST=${FLOWO_HOST%/}
FLOWO_WORKING_PATH=${FLOWO_WORKING_PATH:-/}
export FLOWO_HOST FLOWO_USER_TOKEN FLOWO_WORKING_PATH

python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then python=$name; break; fi
done
[ -n "$python" ] || stop "Python 3.11 or newer is needed."

if [ -z "$FLOWO_HOST" ] || [ -z "$FLOWO_USER_TOKEN" ]; then
    stop "Found no Flowo: $config does not exist or is not complete." \
        "Start Flowo with \`cargo xtask run\`, or set FLOWO_HOST and FLOWO_USER_TOKEN. Nothing was run."
fi
step "Looking for Flowo at $FLOWO_HOST"
# Every valid token may use this route.
"$python" - << 'END' || exit 1
import os, sys, urllib.error, urllib.request

host, token = os.environ["FLOWO_HOST"], os.environ["FLOWO_USER_TOKEN"]
try:
    ask = urllib.request.Request(host + "/api/v1/catalog", headers={"Authorization": "Bearer " + token})
    urllib.request.urlopen(ask, timeout=10)
except urllib.error.HTTPError as error:
    sys.exit(
        f"Flowo at {host} does not know this token: check FLOWO_USER_TOKEN or config.toml. Nothing was run."
        if error.code == 401
        else f"{host} answers with status {error.code}. Nothing was run."
    )
except (OSError, ValueError) as error:
    sys.exit(f"Flowo does not answer at {host}: {error}\nStart it with `cargo xtask run`. Nothing was run.")
print("Flowo answers")
END

# Flowo is tested with these versions. Each set of versions has its own environment.
version=$(cat "$pins/requirements.txt" "$pins/requirements-plugin.txt" | cksum | cut -d ' ' -f 1)
venv=$cache/snakemake-$version
if [ ! -e "$venv/.done" ]; then
    step "Installing Snakemake into $venv (once, about a minute)"
    mkdir -p "$cache"
    "$python" -m venv --clear "$venv" || stop "Python's module venv is needed; Debian has it in python3-venv."
    pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
    pip -r "$pins/requirements.txt"
    # The plugin asks for a newer Python than its code needs.
    pip --no-deps --ignore-requires-python -r "$pins/requirements-plugin.txt"
    touch "$venv/.done"
fi

step "Copying the workflow to $work"
mkdir -p "$work"
rm -rf "$work/scripts"
# Keep file times: Snakemake repeats a job if its script is newer than its results.
cp -Rp "$here/Snakefile" "$here/scripts" "$work/"
# Keep the copy's settings, because the user may have edited them.
[ -e "$work/config.yaml" ] || cp -p "$here/config.yaml" "$work/"

step "Running it, for about twenty seconds. Watch it at $FLOWO_HOST/runs?q=quickstart"
cd "$work"
touch .started
status=0
"$venv/bin/snakemake" --cores 2 --keep-going --rerun-incomplete \
    --logger flowo --logger-flowo-name quickstart --logger-flowo-tags example "$@" || status=$?

# Flowo knows the run by the id that Snakemake gave it. A dry run has no log and thus no id.
log=$(find . -path './.snakemake/log/*.log' -newer .started | tail -n 1)
id=$(if [ -n "$log" ]; then sed -n 's/^ *Workflow ID: //p' "$log"; fi)
run=$FLOWO_HOST/runs${id:+/$id}

# What must exist although `dora` fails.
others_are_done() {
    for result in atlas.html reports/alba.md reports/boris.md reports/clara.md; do
        [ -e "results/$result" ] || return 1
    done
}

if [ "$status" -eq 0 ]; then
    step "Done, nothing failed. Look at it at $run"
elif others_are_done && find logs/check/dora.log -newer .started -exec cat {} + | grep -q 'ERROR dora has'; then
    step "Done. One sample, dora, failed on purpose: see why at $run"
    echo "To fix it, set deeper: true in $work/config.yaml and run this again."
else
    stop "" "Snakemake unexpectedly ended with status $status. Its output is above, its logs are in $work."
fi
