#include "tests/bench/file_mail.h"
#include "tests/bench/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
file_mail_open(struct file_mail *f, const char *list)
{
	FILE *in = fopen(list, "r");
	if (in == NULL)
		load_fail("cannot read %s", list);
	char *line = NULL;
	size_t room = 0;
	for (ssize_t n; (n = getline(&line, &room, in)) > 0;) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		f->paths = reallocarray(f->paths, f->count + 1, sizeof *f->paths);
		if (f->paths == NULL)
			load_fail("no memory");
		f->paths[f->count++] = strdup(line);
	}
	free(line);
	fclose(in);
	if (f->count == 0)
		load_fail("%s names no file", list);
}

void
file_mail_read(const struct file_mail *f, size_t n, struct sbuf *b)
{
	const char *path = f->paths[(n - 1) % f->count];
	FILE *in = fopen(path, "r");
	if (in == NULL)
		load_fail("cannot read %s", path);
	char *line = NULL;
	size_t room = 0;
	for (ssize_t got; (got = getline(&line, &room, in)) > 0;) {
		while (got > 0 && (line[got - 1] == '\n' || line[got - 1] == '\r'))
			got--;
		sbuf_put(b, (struct str){line, (size_t)got});
		sbuf_puts(b, "\r\n");
	}
	free(line);
	fclose(in);
}
