#!/bin/sh
# Start two workers of train.py on this machine, and end with an error if one of them does.
#
#     sh two_workers.sh
#
# On two machines, run `TF_CONFIG=... python train.py` on each, with their names and free ports.
set -eu
cd "$(dirname "$0")"
PYTHON=${PYTHON:-python}
WORKERS=${WORKERS:-'"localhost:12345", "localhost:12346"'}

start() {
    TF_CONFIG="{\"cluster\": {\"worker\": [$WORKERS]}, \"task\": {\"type\": \"worker\", \"index\": $1}}" \
        "$PYTHON" train.py
}

start 1 &
other=$!
start 0
wait "$other"
