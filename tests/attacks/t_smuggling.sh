#!/bin/bash
# SMTP smuggling in all its variants: what comes in is one message, what goes out is one to the most credulous server.
. "$(dirname "$0")/attack.sh"
suite_start retry_first=1s
suite_stop
SINKS=() PLAIN=$(port 26) CHUNKS=$(port 27)
mkdir "$SUITE/sunk"
for t in "plain $PLAIN PIPELINING" "chunks $CHUNKS PIPELINING CHUNKING"; do
  set -- $t
  printf 'transport "%s.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$1" "$2" >>"$CONF"
  python3 "$ATTACKS/sink.py" "$2" "$SUITE/sunk" "${@:3}" >"$SUITE/sunk.$2" 2>&1 & SINKS+=($!)
done
trap 'kill "${SINKS[@]}" 2>/dev/null; suite_stop' EXIT
suite_run
attack smuggling.py "$PLAIN=plain" "$CHUNKS=chunks"
finish
