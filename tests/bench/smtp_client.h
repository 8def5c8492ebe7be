/* tests/bench/smtp_client.h - handing in mail, command by command. Any answer but the expected one
 * ends the program. */
#ifndef TESTS_BENCH_SMTP_CLIENT_H
#define TESTS_BENCH_SMTP_CLIENT_H

#include "tests/bench/wire.h"

/* Connects and says EHLO. */
void smtp_open(struct wire *w, const char *host, const char *port);
/* AUTH PLAIN. */
void smtp_log_in(struct wire *w, const char *user, const char *password);
/* From MAIL up to the last line of the message, without the dot that ends it. */
void smtp_offer(struct wire *w, const char *sender, const char *recipient, struct str mail);
/* The dot. */
void smtp_send_end(struct wire *w);
/* Waits until the message is accepted. */
void smtp_take_accepted(struct wire *w);
void smtp_quit(struct wire *w);

#endif
