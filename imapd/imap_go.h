/* imapd/imap_go.h - what is to happen with a session next. */
#ifndef IMAPD_IMAP_GO_H
#define IMAPD_IMAP_GO_H

/* What a mode (or a whole turn) wants next; all but GO_ON end the turn. */
enum imap_go {
	GO_ON, /* there may be more to do: call the mode in force again */
	GO_READ, /* more input */
	GO_DRAIN, /* the peer to read what was written */
	GO_AGAIN, /* another turn, after those of others */
	GO_SLEEP, /* the deadline */
	GO_TLS,
	GO_DEFLATE,
	GO_CLOSE,
};

#endif
