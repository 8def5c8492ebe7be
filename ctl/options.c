#include "ctl/ctl.h"

#include <stdarg.h>

void
call_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("pillarbox: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static void
print_name(FILE *f, const struct verb *v)
{
	fprintf(f, "pillarbox %s%s%s", v->name, v->sub ? " " : "", v->sub ? v->sub : "");
}

static void
print_usage(FILE *f, const struct verb *v)
{
	fputs("usage: ", f);
	print_name(f, v);
	fprintf(f, " [options]%s%s\n", v->operands[0] ? " " : "", v->operands);
}

int
call_misuse(const struct call *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("pillarbox: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	print_usage(stderr, call->verb);
	fputs("`", stderr);
	print_name(stderr, call->verb);
	fputs(" --help` tells more.\n", stderr);
	return CTL_USAGE;
}

static void
print_option(const char *name, const char *argument, const char *meaning)
{
	char left[64];

	snprintf(
	    left, sizeof(left), "  %s%s%s", name, argument ? " " : "", argument ? argument : "");
	printf("%-24s %s\n", left, meaning);
}

static void
print_help(const struct verb *v, const struct call_option *options, size_t n)
{
	print_usage(stdout, v);
	printf("\n%s\n", v->summary);
	if (v->details)
		printf("\n%s\n", v->details);
	puts("\noptions:");
	for (size_t i = 0; i < n; i++) {
		char name[40];
		snprintf(name, sizeof(name), "--%s", options[i].name);
		print_option(name, options[i].argument, options[i].meaning);
	}
	print_option("-c, --config", "FILE", "the configuration (" PILLARBOX_CONF ")");
	print_option("-h, --help", NULL, "this text");
	printf("\nexamples:\n%s", v->examples);
}

static const struct call_option *
find_option(const struct call_option *options, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(options[i].name)))
			return &options[i];
	return NULL;
}

static bool
accept_value(const struct call_option *o, const char *value)
{
	if (o->list) {
		if (o->list->n > 0)
			sbuf_putc(o->list, ' ');
		sbuf_puts(o->list, value);
		return !sbuf_error(o->list);
	}
	*o->value = value;
	return true;
}

/* The long option in args[*i]; CALL_GO_ON or an exit status. */
static int
take_option(struct call *call, const struct call_option *options, size_t n, size_t *i)
{
	struct str text = str_skip(str_of(call->args[*i]), 2);
	size_t equals = str_find(text, '=');
	struct str name = equals == STR_NONE ? text : str_sub(text, 0, equals);
	const char *value = equals == STR_NONE ? NULL : text.p + equals + 1;
	const struct call_option config = {.name = "config", .value = &call->conf_path};
	const struct call_option *o =
	    str_eq(name, STR("config")) ? &config : find_option(options, n, name);

	if (!o)
		return call_misuse(call, "there is no option --%.*s here", STR_ARG(name));
	if (o->flag) {
		if (value)
			return call_misuse(call, "--%s takes no value", o->name);
		*o->flag = true;
		return CALL_GO_ON;
	}
	if (!value) {
		if (*i + 1 >= call->arg_count)
			return call_misuse(call, "--%s needs a value", o->name);
		value = call->args[++*i];
	}
	if (!accept_value(o, value))
		return call_misuse(call, "--%s is given too often", o->name);
	return CALL_GO_ON;
}

int
call_parse(struct call *call, const struct call_option *options, size_t n, size_t min_operands,
    size_t max_operands)
{
	size_t kept = 0;
	bool only_operands = false;

	for (size_t i = 0; i < call->arg_count; i++) {
		char *arg = call->args[i];
		if (only_operands || arg[0] != '-' || arg[1] == '\0') {
			call->args[kept++] = arg;
		} else if (strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
			print_help(call->verb, options, n);
			return CTL_OK;
		} else if (strcmp(arg, "-c") == 0) {
			if (i + 1 >= call->arg_count)
				return call_misuse(call, "-c needs the name of a file");
			call->conf_path = call->args[++i];
		} else if (arg[1] == '-') {
			int status = take_option(call, options, n, &i);
			if (status != CALL_GO_ON)
				return status;
		} else {
			return call_misuse(call, "there is no option %s here", arg);
		}
	}
	call->arg_count = kept;
	if (kept < min_operands)
		return call_misuse(call, "something is missing: expected %s", call->verb->operands);
	if (kept > max_operands)
		return call_misuse(call, "\"%s\" is one word too many", call->args[max_operands]);
	return CALL_GO_ON;
}
