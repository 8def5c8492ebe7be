/* common/net/notify.h - tells whoever started this process how it fares, by the sd_notify protocol:
 * a datagram to $NOTIFY_SOCKET. systemd (Type=notify) and `pillarbox run` listen. */
#ifndef COMMON_NET_NOTIFY_H
#define COMMON_NET_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1". Nothing happens without $NOTIFY_SOCKET. Never blocks. */
void notify_state(const char *state);

#endif
