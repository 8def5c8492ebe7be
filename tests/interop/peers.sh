# shellcheck shell=bash
# tests/interop/peers.sh - sourced after lib.sh and nameserver.sh: other mail servers on loopback addresses, all at one port, as MX hosts are.
#
#   PEER_PORT                          outbound.port of the suite under test; set by peers_port after suite_start chose OFFSET
#   sink ADDRESS OPTION...             Postfix's smtp-sink, with its refusals and delays
#   start_postfix ADDRESS LINES        Postfix as Debian has it, installed or unpacked ($POSTFIX_ROOT), below $PEERS/postfix; LINES end its main.cf
#   start_opensmtpd ADDRESS LINES      OpenSMTPD, unpacked ($OPENSMTPD_ROOT), in a mount namespace of its own
#   start_other NAME ADDRESS OFFSET DOMAIN [LINE=…]   another suite: $PEERS/NAME, its configuration $PEERS/NAME/pillarbox.conf
# They end with the script (stop_peers).
PEERS=
PEER_PIDS=()
PEER_PORT=
NOBODY=nobody

peers_dir() {
  [ -n "$PEERS" ] || PEERS=$(mktemp -d /tmp/pillarbox-peers.XXXXXX)
  chmod 755 "$PEERS"
}
stop_peers() {
  local p
  for p in ${PEER_PIDS[@]+"${PEER_PIDS[@]}"}; do kill "$p" 2>/dev/null; done
  for p in ${PEER_PIDS[@]+"${PEER_PIDS[@]}"}; do wait "$p" 2>/dev/null; done
  PEER_PIDS=()
  [ -z "$PEERS" ] || rm -rf "$PEERS"
  PEERS=
}
trap 'stop_peers; stop_nameserver; suite_stop' EXIT

# answers ADDRESS PORT: somebody listens there, within ten seconds
answers() {
  local i
  for i in $(seq 200); do (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return 0; sleep 0.05; done
  return 1
}

sink() {
  local address=$1
  shift
  smtp-sink ${NOBODY:+-u $NOBODY} "$@" "$address:$PEER_PORT" 100 >>"$SUITE/sinks" 2>&1 &
  PEER_PIDS+=($!)
}

# The parts of Postfix are started by its master alone: no script of the package looks at this machine's own Postfix.
start_postfix() {
  local address=$1 root=${POSTFIX_ROOT:-} d owner=postfix group=postdrop
  peers_dir
  d=$PEERS/postfix
  [ -x "$root/usr/lib/postfix/sbin/master" ] || return 1
  [ "$(id -u)" = 0 ] || return 1
  getent passwd postfix >/dev/null && getent group postdrop >/dev/null || { owner=daemon; group=mail; }
  mkdir -p "$d"/etc "$d"/data "$d"/spool/{incoming,active,deferred,bounce,defer,trace,flush,corrupt,hold,saved,pid,private,public,maildrop}
  chown -R $owner "$d"/data "$d"/spool
  chown root "$d"/spool "$d"/spool/pid
  chgrp $group "$d"/spool/{public,maildrop}
  chmod 710 "$d"/spool/public
  chmod 730 "$d"/spool/maildrop
  cat >"$d/etc/main.cf" <<Y
compatibility_level = 3.6
queue_directory = $d/spool
data_directory = $d/data
command_directory = $root/usr/sbin
daemon_directory = $root/usr/lib/postfix/sbin
shlib_directory = $root/usr/lib/postfix
meta_directory = $d/etc
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH
mail_owner = $owner
setgid_group = $group
default_privs = nobody
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx-postfix.peers.test
mydomain = peers.test
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
biff = no
smtpd_peername_lookup = no
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_connection_count_limit = 0
maillog_file = $d/log
maillog_file_prefixes = /var, /dev/stdout, $d
notify_classes =
$2
Y
  cat >"$d/etc/master.cf" <<Y
$address:$PEER_PORT inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
Y
  chmod 644 "$d"/etc/*
  LD_LIBRARY_PATH=$root/usr/lib/postfix MAIL_CONFIG=$d/etc "$root/usr/lib/postfix/sbin/master" -c "$d/etc" -d >"$d/out" 2>&1 &
  PEER_PIDS+=($!)
  answers "$address" "$PEER_PORT" || { cat "$d/out" "$d/log" 2>/dev/null; fail "Postfix did not start"; return 1; }
}

# OpenSMTPD has its users and places built in, so it gets a view of the machine that has them: nothing outside changes.
start_opensmtpd() { # ADDRESS DOMAIN: takes right@DOMAIN
  local root=${OPENSMTPD_ROOT:-} d
  peers_dir
  d=$PEERS/opensmtpd
  [ -n "$root" ] && [ -x "$root/usr/sbin/smtpd" ] && [ "$(id -u)" = 0 ] && ! ldd "$root/usr/sbin/smtpd" | grep -q 'not found' || return 1
  unshare -m true 2>/dev/null || return 1
  mkdir "$d"
  { cat /etc/passwd; printf 'opensmtpd:x:64001:64001::/:/usr/sbin/nologin\nopensmtpq:x:64002:64002::/:/usr/sbin/nologin\n'; } >"$d/passwd"
  { cat /etc/group; printf 'opensmtpd:x:64001:\nopensmtpq:x:64002:\n'; } >"$d/group"
  cp -r "$root/usr/libexec/opensmtpd" "$d/libexec"
  cat >"$d/smtpd.conf" <<Y
listen on $1 port $PEER_PORT hostname mx-opensmtpd.peers.test
action "take" mda "/bin/cat > /dev/null" virtual { "right@$2" = nobody }
match from any for domain "$2" action "take"
Y
  chmod 600 "$d/smtpd.conf"
  unshare -m bash -e -c '
    mount --make-rprivate /
    mount --bind "$1/passwd" /etc/passwd
    mount --bind "$1/group" /etc/group
    for t in /var/lib /var/spool /run; do mount -t tmpfs tmpfs $t; done
    mkdir -p /var/lib/opensmtpd/empty /run/opensmtpd
    cp -r "$1/libexec" /run/libexec
    if [ -d /usr/libexec ]; then mount --bind /run/libexec /usr/libexec; mkdir -p /usr/libexec/opensmtpd; cp -r "$1"/libexec/* /usr/libexec/opensmtpd/; fi
    exec "$2/usr/sbin/smtpd" -d -f "$1/smtpd.conf"' bash "$d" "$root" >"$d/log" 2>&1 &
  PEER_PIDS+=($!)
  answers "$1" "$PEER_PORT" || { cat "$d/log"; fail "OpenSMTPD did not start"; return 1; }
}

# start_other NAME ADDRESS OFFSET DOMAIN [LINE...]: options as in suite_start, users with $PW: u1@DOMAIN, u2@DOMAIN
start_other() {
  local name=$1 address=$2 offset=$3 domain=$4 option u conf
  shift 4
  peers_dir
  conf=$PEERS/$name/pillarbox.conf
  "$PILLARBOX" init --dir "$PEERS/$name" --domain "$domain" --listen "$address" --port-offset "$offset" >"$PEERS/$name.init" 2>&1 || { cat "$PEERS/$name.init"; fail "init of $name"; finish; }
  for option in "$@"; do
    sed -i -E "s|^([[:space:]]*)#?${option%%=*}[[:space:]]*=.*|\\1${option%%=*} = ${option#*=}|" "$conf"
    grep -Eq "^[[:space:]]*${option%%=*} = " "$conf" || { fail "no option ${option%%=*} in $conf"; finish; }
  done
  for u in u1 u2; do echo "$PW" | "$PILLARBOX" -c "$conf" account add "$u@$domain" --password-stdin >>"$PEERS/$name.init" 2>&1 || { cat "$PEERS/$name.init"; fail "account add $u@$domain"; finish; }; done
  "$PILLARBOX" -c "$conf" run >"$PEERS/$name/ready" 2>"$PEERS/$name/log" &
  PEER_PIDS+=($!)
  local i
  for i in $(seq 200); do grep -q '^ready$' "$PEERS/$name/ready" && return 0; sleep 0.05; done
  tail -20 "$PEERS/$name/log"; fail "$name did not start"; finish
}
