/* tests/outbound/client_fixture.h - an SMTP client over the memory transport: the test is the
 * server, and the owner who gives it jobs and is told what became of them. */
#ifndef TESTS_OUTBOUND_CLIENT_FIXTURE_H
#define TESTS_OUTBOUND_CLIENT_FIXTURE_H

#include "smtpd/outbound/client.h"
#include "tests/support/test.h"

#define FIXTURE_JOBS 8

struct client_fixture {
	/* may be changed before client_open() */
	struct arena *arena;
	struct route route;
	struct route_host host;
	struct conn_memory_options options;
	struct client_options client;
	int64_t wait_ms; /* what next_job says when there is none */
	enum err read_err; /* of the content, once `read_room` octets were read */
	uint64_t read_room;
	bool no_content;
	bool content_waits; /* it is not ready */
	unsigned contents_asked;
	bool utf8_header;
	bool binary;

	struct job *jobs[FIXTURE_JOBS];
	struct str texts[FIXTURE_JOBS];
	size_t job_count, given;
	size_t contents_open;
	enum content_form asked; /* of the last content */
	struct conn *conn;
	struct sbuf log; /* a line for each recipient of a job done, and for the end */
	bool ended;
};

struct client_fixture *client_fixture_new(void);
void client_fixture_free(struct client_fixture **f);
/* Recipients are separated by blanks. */
struct job *client_fixture_job(
    struct client_fixture *f, const char *sender, const char *rcpts, const char *text);
void client_open(struct client_fixture *f);

/* The server says `server` (LF stands for CRLF; NULL: nothing, time may have passed), and the
 * client, exactly, `client`. "<closed>" at its end: and it closes. */
struct talk {
	const char *server;
	const char *client;
};
void client_talk(struct client_fixture *f, const char *server, const char *client, bool by_byte);
/* All rows, and then the log. */
void client_talk_all(
    struct client_fixture *f, const struct talk *rows, size_t n, const char *log, bool by_byte);

#endif
