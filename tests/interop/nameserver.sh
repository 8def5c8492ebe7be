# shellcheck shell=bash
# tests/interop/nameserver.sh - sourced after lib.sh: a name server (nsd) on loopback with zones of the script's own.
#
#   nameserver_zone example.org <<<'@ MX 10 mx
#   mx A 127.0.0.1'
#   nameserver_zone --signed secure.org <<<"_25._tcp.mx TLSA $(tlsa_record FILE.pem)"
#   start_nameserver                   NAMESERVER=127.0.0.1@PORT, ANCHORS: a file with the keys of what is signed
#   nameserver_options                 prints the section of a configuration file that makes a suite ask it
#
# Zones may be written anew at any time: nameserver_reload. What is in no zone is refused, which is SERVFAIL to who asks. It ends with the script.
# Debian packages: nsd, ldnsutils.
NS_DIR=
NS_PID=
NAMESERVER=
ANCHORS=

ns_dir() {
  [ -z "$NS_DIR" ] || return 0
  NS_DIR=$(mktemp -d /tmp/pillarbox-nsd.XXXXXX)
  chmod 755 "$NS_DIR"
  ANCHORS=$NS_DIR/anchors
  : >"$ANCHORS"
}

# nameserver_zone [--signed] NAME: records on stdin, names relative to the zone; SOA and NS are there. "root" is the root.
nameserver_zone() {
  local signed=no zone name origin
  [ "$1" != --signed ] || { signed=yes; shift; }
  zone=$1
  origin=$zone
  [ "$zone" != root ] || origin=
  ns_dir
  { printf '$ORIGIN %s.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n' "$origin"; cat; } >"$NS_DIR/$zone.zone"
  rm -f "$NS_DIR/$zone.served"
  if [ $signed = no ]; then cp "$NS_DIR/$zone.zone" "$NS_DIR/$zone.served"; return; fi
  cd "$NS_DIR" || finish
  if [ ! -f "$zone.name" ]; then # the key stays when the zone changes
    ldns-keygen -a ECDSAP256SHA256 -k "${origin:-.}" >"$zone.name" || { fail "ldns-keygen $zone"; finish; }
    cat "$(cat "$zone.name").key" >>"$ANCHORS"
  fi
  name=$(cat "$zone.name")
  ldns-signzone -f "$zone.served" "$zone.zone" "$name" || { fail "ldns-signzone $zone"; finish; }
  cd "$OLDPWD" || finish
}
# nameserver_spoil NAME SED-SCRIPT: changes a signed zone behind its signatures' back.
nameserver_spoil() { sed -i -E "$2" "$NS_DIR/$1.served"; }

ns_write_conf() {
  local zone origin
  {
    printf 'server:\n ip-address: 127.0.0.1@%s\n username: ""\n chroot: ""\n server-count: 1\n database: ""\n' "${NAMESERVER#*@}"
    printf ' zonesdir: "%s"\n pidfile: "%s/pid"\n xfrdfile: ""\n zonelistfile: "%s/zones"\n logfile: "%s/log"\n' "$NS_DIR" "$NS_DIR" "$NS_DIR" "$NS_DIR"
    printf 'remote-control:\n control-enable: no\n'
    for zone in "$NS_DIR"/*.served; do
      zone=${zone##*/}
      origin=${zone%.served}
      [ "$origin" != root ] || origin=
      printf 'zone:\n name: "%s."\n zonefile: "%s"\n' "$origin" "$zone"
    done
  } >"$NS_DIR/nsd.conf"
}
ns_answers() {
  python3 -c 'import socket, sys, time
for _ in range(100):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.1)
    try:
        s.connect(("127.0.0.1", int(sys.argv[1])))
        s.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\0\0\6\0\1")
        s.recv(512)
        sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit(1)' "${NAMESERVER#*@}"
}
ns_run() {
  ns_write_conf
  nsd -d -c "$NS_DIR/nsd.conf" >"$NS_DIR/out" 2>&1 &
  NS_PID=$!
  ns_answers || { cat "$NS_DIR/out" "$NS_DIR/log"; fail "nsd did not start"; finish; }
}
ns_end() {
  [ -n "$NS_PID" ] || return 0
  kill "$NS_PID" 2>/dev/null
  wait "$NS_PID" 2>/dev/null
  NS_PID=
}

# start_nameserver [PORT]: with the zones so far.
start_nameserver() {
  local port=${1:-$((20053 + $$ % 20000))}
  need nsd ldns-keygen ldns-signzone
  ns_dir
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  NAMESERVER=127.0.0.1@$port
  ns_run
}
# With the zones as they are now. A suite that runs remembers old answers for as long as they last.
nameserver_reload() { ns_end; ns_run; }
stop_nameserver() {
  ns_end
  [ -z "$NS_DIR" ] || rm -rf "$NS_DIR"
  NS_DIR=
}
nameserver_options() { printf 'dns {\n\tresolvers = { "%s" }\n\ttrust_anchor_file = "%s"\n}\n' "$NAMESERVER" "$ANCHORS"; }
# tlsa_record FILE.pem [USAGE]: "3 1 1 …" of the certificate's key
tlsa_record() { echo "${2:-3} 1 1 $(openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)"; }
trap 'stop_nameserver; suite_stop' EXIT
