/* tests/faults/net_client.h - an IMAP client over TCP, TLS and COMPRESS, in a process of its own:
 * faults in this one do not reach it. */
#ifndef TESTS_FAULTS_NET_CLIENT_H
#define TESTS_FAULTS_NET_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum net_result {
	NET_DONE, /* all of it, the first time */
	NET_LATER, /* a temporary error, which was one: said again it was done, or came with BYE */
	NET_CLOSED, /* without an answer, or by an alert of TLS */
	NET_WRONG, /* a permanent error, other data, or no answer for NET_PATIENCE_S */
};
#define NET_PATIENCE_S 10

struct net_answer {
	enum net_result result;
	char text[240]; /* what was said and answered last */
};

struct net_client {
	pid_t pid;
	int ask, answer;
};

/* Before this process has threads. */
void net_client_begin(struct net_client *c);
void net_client_end(struct net_client *c);
/* One session with 127.0.0.1: greeting, STARTTLS unless the port is one of implicit TLS, LOGIN of
 * "ann@example.test" with "secret", COMPRESS, SELECT, FETCH of a message that ends with "the end",
 * LOGOUT. */
struct net_answer net_client_run(struct net_client *c, uint16_t port, bool implicit_tls);

#endif
