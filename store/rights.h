/* store/rights.h - what one user may do with a mailbox: RFC 4314 §2.1. */
#ifndef STORE_RIGHTS_H
#define STORE_RIGHTS_H

enum right {
	RIGHT_LOOKUP = 1, /* l: sees it in LIST, may subscribe */
	RIGHT_READ = 2, /* r: SELECT, FETCH, SEARCH, COPY from it */
	RIGHT_SEEN = 4, /* s: keeps \Seen */
	RIGHT_WRITE = 8, /* w: flags other than \Seen and \Deleted */
	RIGHT_INSERT = 16, /* i: APPEND, COPY into it */
	RIGHT_POST = 32, /* p: not used by the server */
	RIGHT_CREATE = 64, /* k: new mailboxes below it, RENAME into it */
	RIGHT_DELETE_MAILBOX = 128, /* x: DELETE and RENAME of the mailbox itself */
	RIGHT_DELETE = 256, /* t: \Deleted */
	RIGHT_EXPUNGE = 512, /* e */
	RIGHT_ADMIN = 1024, /* a: ACL commands */
	RIGHTS_ALL = 2047,
};

#endif
