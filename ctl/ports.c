#include "ctl/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

struct service {
	const char *daemon;
	const char *name;
	uint16_t number;
	bool implicit_tls;
	size_t enabled; /* offset of the bool in struct conf */
};

static const struct service services[] = {
    {"smtpd", "smtp", 25, false, offsetof(struct conf, smtpd.smtp)},
    {"smtpd", "submission", 587, false, offsetof(struct conf, smtpd.submission)},
    {"smtpd", "submissions", 465, true, offsetof(struct conf, smtpd.submissions)},
    {"smtpd", "lmtp", 0, false, offsetof(struct conf, smtpd.lmtp)},
    {"pop3d", "pop3", 110, false, offsetof(struct conf, pop3d.pop3)},
    {"pop3d", "pop3s", 995, true, offsetof(struct conf, pop3d.pop3s)},
    {"imapd", "imap", 143, false, offsetof(struct conf, imapd.imap)},
    {"imapd", "imaps", 993, true, offsetof(struct conf, imapd.imaps)},
};

/* 0: switched off. Without a certificate there is no TLS to listen with. */
static uint32_t
number_of(const struct conf *c, const struct service *s)
{
	bool on = *(const bool *)((const char *)c + s->enabled);

	if (!on || (s->implicit_tls && c->tls_count == 0))
		return 0;
	return s->number ? s->number : c->smtpd.lmtp_port;
}

static bool
has_figures(const struct conf *c, const char *daemon)
{
	return (strcmp(daemon, "smtpd") == 0 && c->metrics.smtpd_port) ||
	       (strcmp(daemon, "pop3d") == 0 && c->metrics.pop3d_port) ||
	       (strcmp(daemon, "imapd") == 0 && c->metrics.imapd_port);
}

bool
ports_has(const struct conf *c, const char *daemon, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		if (strcmp(services[i].daemon, daemon) == 0 && strcmp(services[i].name, name) == 0)
			return number_of(c, &services[i]) != 0;
	return has_figures(c, daemon);
}

enum err
ports_list(const struct conf *c, struct arena *arena, struct port **ret, size_t *ret_n)
{
	size_t addresses = 0, n = 0;

	while (c->listen[addresses])
		addresses++;
	struct port *ports =
	    arena_alloc_array(arena, addresses * ARRAY_LEN(services), sizeof(*ports));
	if (!ports)
		return ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		const struct service *s = &services[i];
		uint32_t number = number_of(c, s);
		if (number == 0)
			continue;
		for (size_t j = 0; j < addresses; j++) {
			const char *address = c->listen[j];
			bool any4 = strcmp(address, "0.0.0.0") == 0;
			bool any6 = strcmp(address, "::") == 0;
			ports[n++] = (struct port){s->daemon, s->name, address,
			    any4   ? "127.0.0.1"
			    : any6 ? "::1"
				   : address,
			    (uint16_t)(number + c->port_offset), s->implicit_tls, any4 || any6};
		}
	}
	*ret = ports;
	*ret_n = n;
	return ERR_OK;
}

static int
connect_port(const struct port *p)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(p->number)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(p->number)};
	bool is_six = inet_pton(AF_INET6, p->address, &six.sin6_addr) == 1;
	const struct timeval wait = {.tv_sec = PORT_ANSWER_MS / 1000};

	if (!is_six && inet_pton(AF_INET, p->address, &four.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	CLEANUP(fd_close)
	int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* these bound connect() and every read and write after it */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
		is_six ? sizeof(six) : sizeof(four)) != 0)
		return -1;
	int connected = fd;
	fd = -1;
	return connected;
}

/* The greetings begin "220", "+OK" or "* OK". */
static bool
is_greeting(const char *text, ssize_t n)
{
	return n >= 3 && (memcmp(text, "220", 3) == 0 || memcmp(text, "+OK", 3) == 0 ||
			     memcmp(text, "* O", 3) == 0);
}

static bool
greets_in_tls(int fd, const char *hostname)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = context ? SSL_new(context) : NULL;
	char text[512] = "";
	bool ok = ssl && SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, hostname) == 1 &&
		  SSL_connect(ssl) == 1 && is_greeting(text, SSL_read(ssl, text, sizeof(text)));

	SSL_free(ssl);
	SSL_CTX_free(context);
	return ok;
}

enum port_state
port_probe(const struct port *p, const char *hostname)
{
	char text[512] = "";
	CLEANUP(fd_close) int fd = connect_port(p);

	if (fd < 0)
		return p->optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT ||
					  errno == ENETUNREACH)
			   ? PORT_NO_FAMILY
			   : PORT_CLOSED;
	bool greets = p->implicit_tls ? greets_in_tls(fd, hostname)
				      : is_greeting(text, recv(fd, text, sizeof(text), 0));
	return greets ? PORT_ANSWERS : PORT_SILENT;
}
