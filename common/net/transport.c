/* How octets move: plain socket and TLS. Neither blocks. */
#include "common/net/conn_private.h"

#include <errno.h>
#include <openssl/err.h>

static enum io
io_from_errno(enum io would_block)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? would_block : IO_BROKEN;
}

static enum io
socket_recv(struct conn *c, char *p, size_t n, size_t *ret_n)
{
	ssize_t got = recv(c->fd, p, n, MSG_DONTWAIT);

	if (got < 0)
		return io_from_errno(IO_WAIT_READ);
	*ret_n = (size_t)got;
	return got ? IO_SOME : IO_EOF;
}

static enum io
socket_send(struct conn *c, const char *p, size_t n, size_t *ret_n)
{
	ssize_t sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return io_from_errno(IO_WAIT_WRITE);
	*ret_n = (size_t)sent;
	return IO_SOME;
}

static void
socket_finish(struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
}

static enum io
tls_result(struct conn *c, int r)
{
	int why = SSL_get_error(c->ssl, r);

	ERR_clear_error();
	switch (why) {
	case SSL_ERROR_WANT_READ:
		return IO_WAIT_READ;
	case SSL_ERROR_WANT_WRITE:
		return IO_WAIT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	default:
		return IO_BROKEN;
	}
}

static enum io
tls_recv(struct conn *c, char *p, size_t n, size_t *ret_n)
{
	ERR_clear_error();
	int r = SSL_read_ex(c->ssl, p, n, ret_n);
	return r == 1 ? IO_SOME : tls_result(c, r);
}

static enum io
tls_send(struct conn *c, const char *p, size_t n, size_t *ret_n)
{
	ERR_clear_error();
	int r = SSL_write_ex(c->ssl, p, n, ret_n);
	return r == 1 ? IO_SOME : tls_result(c, r);
}

static void
tls_finish(struct conn *c)
{
	ERR_clear_error();
	SSL_shutdown(c->ssl); /* close_notify, as far as it goes without waiting */
	ERR_clear_error();
	shutdown(c->fd, SHUT_WR);
}

const struct transport transport_socket = {socket_recv, socket_send, socket_finish};
const struct transport transport_tls = {tls_recv, tls_send, tls_finish};
