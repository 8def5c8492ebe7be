/* docs/confman.c - prints pillarbox.conf(5) from the table of options, at build time. */
#include "common/base/conf_options.h"

#include <stdio.h>

/* roff takes a leading . or ' as a request and \ as an escape. */
static void
put_text(struct str text)
{
	bool line_start = true;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (line_start && (c == '.' || c == '\''))
			fputs("\\&", stdout);
		if (c == '\\')
			fputs("\\e", stdout);
		else if (c == '-')
			fputs("\\-", stdout);
		else if (c == '~')
			fputs("\\(ti", stdout);
		else
			putchar(c);
		line_start = c == '\n';
	}
}

/* `code` between backquotes becomes bold. */
static void
put_sentences(struct str text)
{
	struct str part;
	bool code = false;

	while (str_split(&text, '`', &part)) {
		fputs(code ? "\\fB" : "", stdout);
		put_text(part);
		fputs(code ? "\\fR" : "", stdout);
		code = !code;
	}
	putchar('\n');
}

static void
put_option(const struct conf_option *o)
{
	CLEANUP(sbuf_done) struct sbuf right = SBUF_INIT(4096);

	fputs(".TP\n.B ", stdout);
	put_text(str_of(o->name));
	putchar('\n');
	put_sentences(str_of(o->meaning));
	conf_describe(o, &right);
	fputs("Takes ", stdout);
	put_text(sbuf_view(&right));
	if (o->fallback[0]) {
		fputs("; default ", stdout);
		put_text(str_of(o->fallback));
	}
	puts(".");
}

static void
put_section(const struct conf_section *s)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	if (s->name[0] == '\0')
		puts(".SS At the top");
	else if (s->title)
		printf(".SS %s \\(dqname\\(dq { }\n", s->name);
	else
		printf(".SS %s { }\n", s->name);
	put_sentences(str_of(s->meaning));
	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, s->name) == 0)
			put_option(&o[i]);
}

int
main(void)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	puts(
	    ".\\\" made by docs/confman.c from the table of options\n"
	    ".TH PILLARBOX.CONF 5 \"\" \"Pillarbox\" \"File formats\"\n"
	    ".SH NAME\npillarbox.conf \\- configuration of the Pillarbox mail server\n"
	    ".SH SYNOPSIS\n.nf\n" PILLARBOX_CONF "\n.fi\n"
	    ".SH DESCRIPTION\n"
	    "One file configures\n.BR smtpd (8),\n.BR pop3d (8),\n.BR imapd (8)\nand\n"
	    ".BR pillarbox (1).\n"
	    "It holds lines of the form\n.I name = value\nand sections\n"
	    ".I name { \\(em }\nof such lines. Text stands in double quotes when it holds anything "
	    "but letters, digits and the like; a list is\n"
	    ".IR \"{ \\(dqone\\(dq, \\(dqtwo\\(dq }\" .\n"
	    "Comments begin with # and go to the end of the line. ${NAME} in a text is the "
	    "environment variable of that name;\n.BI include( \\(dqfile\\(dq )\n"
	    "reads another file in its place. What is given twice counts as given last.\n.PP\n"
	    "What is left out has its default.\n.B pillarbox init\n"
	    "writes a file with every option and its meaning;\n.B pillarbox check\n"
	    "names each mistake with its file and line. The daemons read the file again on SIGHUP; "
	    "a file with a mistake leaves the old one in force. Addresses, ports, directories, "
	    "user, "
	    "number of workers, delimiter and default quota change with a restart only; the port "
	    "of a "
	    "service that is switched off is closed at once, and opened again by a reload if "
	    "pillarbox run had opened it. By then "
	    "root "
	    "has become\n.IR user ,\n"
	    "who must be able to read this file, certificates and keys; otherwise the log warns at "
	    "the start, and new ones too need a restart.\n"
	    ".SH OPTIONS");
	for (size_t i = 0; i < n; i++)
		put_section(&s[i]);
	puts(".SH EXAMPLE\n.nf\n"
	     "hostname = \"mail.example.org\"\n"
	     "user = \"pillarbox\"\n"
	     "default_quota = 2G\n"
	     "tls \"default\" {\n"
	     "    certificate = \"/etc/letsencrypt/live/mail.example.org/fullchain.pem\"\n"
	     "    key = \"/etc/letsencrypt/live/mail.example.org/privkey.pem\"\n"
	     "}\n"
	     "tls \"mail.example.net\" {\n"
	     "    certificate = \"tls/example.net.pem\"\n"
	     "    key = \"tls/example.net\\-key.pem\"\n"
	     "}\n"
	     "smtpd {\n"
	     "    message_size_limit = 100M\n"
	     "}\n.fi\n"
	     ".SH SEE ALSO\n.BR pillarbox (1),\n.BR smtpd (8),\n.BR pop3d (8),\n.BR imapd (8)");
	return ferror(stdout) || fflush(stdout) != 0;
}
