#include "common/base/conf.h"
#include "common/base/conf_options.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <unistd.h>

static char path[128];

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *
begin(const char *text)
{
	const char *dir = test_mkdir();

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	write_file(path, text);
	return dir;
}

static struct conf *
load_text(const char *text)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	const char *dir = begin(text);
	struct conf *c = NULL;
	enum err e = conf_load(path, &c, &problem);

	ck_assert_msg(!e, "%s: %s", err_name(e), sbuf_cstr(&problem));
	test_rmdir(dir);
	return c;
}

START_TEST(every_default_is_within_its_own_rules)
{
	CLEANUP(conf_unref) struct conf *c = load_text("data_dir = .\n");

	ck_assert_uint_eq(c->workers, 16);
	ck_assert_uint_eq(c->max_connections_per_address, 50);
	ck_assert_uint_eq(c->login_timeout_s, 60);
	ck_assert_uint_eq(c->login_failures, 5);
	ck_assert_uint_eq(c->login_failure_delay_ms, 1000);
	ck_assert_uint_eq(c->bad_commands_before_login, 10);
	ck_assert_uint_eq(c->bad_commands_after_login, 20);
	ck_assert_uint_eq(c->default_quota_bytes, 0);
	ck_assert_str_eq(c->recipient_delimiter, "+");
	ck_assert(c->smtpd.smtp && c->smtpd.submission && c->smtpd.submissions && c->smtpd.lmtp);
	ck_assert_uint_eq(c->smtpd.lmtp_port, 0);
	ck_assert_uint_eq(c->smtpd.message_size_limit, 52428800);
	ck_assert_uint_eq(c->smtpd.max_recipients, 1000);
	ck_assert_uint_eq(c->smtpd.max_received, 100);
	ck_assert_uint_eq(c->smtpd.timeout_s, 300);
	ck_assert(!c->smtpd.refuse_bare_newline);
	ck_assert(c->pop3d.pop3 && c->pop3d.pop3s);
	ck_assert_uint_ge(c->pop3d.timeout_s, 600); /* RFC 1939 §3 */
	ck_assert(c->imapd.imap && c->imapd.imaps);
	ck_assert_uint_ge(c->imapd.timeout_s, 1800); /* RFC 3501 §5.4 */
	ck_assert_uint_eq(c->imapd.max_line, 65536);
	ck_assert_uint_eq(c->imapd.max_line_before_login, 8192);
	ck_assert_ptr_null(c->imapd.hide_capabilities[0]);
	ck_assert_str_eq(c->listen[0], "0.0.0.0");
	ck_assert_str_eq(c->listen[1], "::");
	ck_assert_ptr_null(c->listen[2]);
	ck_assert_str_eq(c->log_target, "stderr");
	ck_assert_str_eq(c->log_level, "info");
	ck_assert_str_ne(c->hostname, "");
	ck_assert_uint_eq(c->tls_count, 0);
}
END_TEST

START_TEST(values_are_read_in_their_units)
{
	CLEANUP(conf_unref)
	struct conf *c = load_text("data_dir = .\n"
				   "hostname = mail.example.test # comment\n"
				   "listen = { 127.0.0.1, \"::1\" }\n"
				   "port_offset = 10000\n"
				   "default_quota = 2G\n"
				   "recipient_delimiter = \"\"\n"
				   "log { target = \"file:/tmp/x\" level = warn }\n"
				   "limits { login_failure_delay = 250ms\n"
				   "  login_timeout = 2m login_cache = 0 }\n"
				   "smtpd { smtp = off message_size_limit = 1048576\n"
				   "  refuse_bare_newline = true }\n"
				   "imapd { append_limit = 10MiB\n"
				   "  timeout = 1h hide_capabilities = {MOVE, \"IDLE\"} }\n");

	ck_assert_str_eq(c->hostname, "mail.example.test");
	ck_assert_str_eq(c->listen[1], "::1");
	ck_assert_uint_eq(c->port_offset, 10000);
	ck_assert_uint_eq(c->default_quota_bytes, 2147483648U);
	ck_assert_str_eq(c->recipient_delimiter, "");
	ck_assert_str_eq(c->log_target, "file:/tmp/x");
	ck_assert_uint_eq(c->login_failure_delay_ms, 250);
	ck_assert_uint_eq(c->login_timeout_s, 120);
	ck_assert_uint_eq(c->login_cache_s, 0);
	ck_assert(!c->smtpd.smtp);
	ck_assert(c->smtpd.refuse_bare_newline);
	ck_assert_uint_eq(c->smtpd.message_size_limit, 1048576);
	ck_assert_uint_eq(c->imapd.append_limit, 10485760);
	ck_assert_uint_eq(c->imapd.timeout_s, 3600);
	ck_assert_str_eq(c->imapd.hide_capabilities[1], "IDLE");
}
END_TEST

START_TEST(relative_paths_start_at_the_file)
{
	const char *dir =
	    begin("data_dir = \".\" run_dir = \"run\"\n"
		  "tls \"default\" { certificate = \"tls/c.pem\" key = /abs/k.pem }\n");
	CLEANUP(conf_unref) struct conf *c = NULL;
	char expected[128];

	ck_assert_ok(conf_load(path, &c, NULL));
	ck_assert_str_eq(c->path, path);
	ck_assert_str_eq(c->data_dir, dir);
	snprintf(expected, sizeof(expected), "%s/run", dir);
	ck_assert_str_eq(c->run_dir, expected);
	snprintf(expected, sizeof(expected), "%s/tls/c.pem", dir);
	ck_assert_str_eq(c->tls[0].certificate, expected);
	ck_assert_str_eq(c->tls[0].key, "/abs/k.pem");
	test_rmdir(dir);
}
END_TEST

START_TEST(the_last_value_counts)
{
	CLEANUP(conf_unref)
	struct conf *c = load_text("data_dir = .\nworkers = 2\nworkers = 3\n"
				   "limits { max_connections = 7 login_failures = 3 }\n"
				   "imapd { hide_capabilities = { MOVE, IDLE } }\n"
				   "listen = { 127.0.0.1, ::1 }\nlisten = { 127.0.0.2 }\n"
				   "imapd { imap = no }\n"
				   "limits { max_connections = 8 }\n");

	ck_assert_uint_eq(c->workers, 3);
	ck_assert_uint_eq(c->max_connections, 8);
	ck_assert_uint_eq(c->login_failures, 3);
	ck_assert_str_eq(c->imapd.hide_capabilities[1], "IDLE");
	ck_assert_ptr_null(c->imapd.hide_capabilities[2]);
	ck_assert_str_eq(c->listen[0], "127.0.0.2");
	ck_assert_ptr_null(c->listen[1]);
}
END_TEST

START_TEST(the_default_certificate_stands_first)
{
	CLEANUP(conf_unref)
	struct conf *c = load_text("data_dir = .\n"
				   "tls \"mail.example.org\" { certificate = a key = b }\n"
				   "tls \"*.example.net\" { certificate = c key = d }\n"
				   "tls \"default\" { certificate = e key = f }\n");

	ck_assert_uint_eq(c->tls_count, 3);
	ck_assert_str_eq(c->tls[0].name, "");
	ck_assert_str_eq(c->tls[1].name, "mail.example.org");
	ck_assert_str_eq(c->tls[2].name, "*.example.net");
}
END_TEST

/* What a mistake in line 2 or 3 is answered with: every part must stand in the text. */
static const struct {
	const char *text;
	const char *parts[4];
} mistakes[] = {
    {"\nworkers = many\n", {":2: workers: \"many\" is not right", "whole number from 1 to 1024"}},
    {"\nworkers = 0\n", {":2: workers: \"0\""}},
    {"\nworkers = -1\n", {":2: workers: \"-1\""}},
    {"\nworkers = 1025\n", {":2: workers: \"1025\""}},
    {"\nworker = 3\n", {":2: unknown option \"worker\"; did you mean \"workers\"?"}},
    {"\nsmtpd {\n max_recipient = 3 }\n",
	{":3: unknown option \"max_recipient\" in smtpd", "did you mean \"max_recipients\"?"}},
    {"\nsmtpd { pop3 = no }\n", {":2: unknown option \"pop3\" in smtpd", "belongs into pop3d"}},
    {"\nsmtpd { workers = 2 }\n", {"belongs at the top"}},
    {"\nsmtpd { smtp = yes\npop3d { pop3 = no }\n",
	{":3: unknown option \"pop3d\"", "is a } missing"}},
    {"\nworkers = x\nweb { port = 80 }\n", {":3: unknown option \"web\"", ":2: workers: \"x\""}},
    {"\nlisten = { 127.0.0.1, here }\n", {":2: listen: \"here\" is not right", "IP addresses"}},
    {"\nlisten = {}\n", {"listen: not right: expected"}},
    {"\nhostname = \"a b\"\n", {":2: hostname: \"a b\"", "host name such as"}},
    {"\nlog { level = loud }\n",
	{":2: log.level: \"loud\"", "\"debug\" \"info\" \"warn\" \"error\""}},
    {"\nlog { target = paper }\n", {":2: log.target: \"paper\"", "\"file:/path"}},
    {"\nsmtpd { message_size_limit = 1 }\n", {"from 64K to 2147483647"}},
    {"\nsmtpd { message_size_limit = 99999999999999999999 }\n", {":2: smtpd.message_size_limit"}},
    {"\nimapd { timeout = 5m }\n", {":2: imapd.timeout: \"5m\"", "from 30m to 7d", "default 30m"}},
    {"\nlimits { password_queue = 5001 }\n",
	{":2: limits.password_queue: \"5001\"", "from 1 to 5000"}},
    {"\nuser = \"no such user here\"\n", {":2: user:", "useradd"}},
    {"\nworkers 4\n", {":2: missing equal sign", "expected name = value"}},
    {"\ntransport { host = a }\n", {":2: missing title", "transport \"*\""}},
    {"\ntransport \"*\" { port = 25 }\n",
	{":2: transport \"*\": expected host = \"smtp.example.org\" or socket"}},
    {"\ntransport \"*\" { host = a socket = /b protocol = lmtp }\n", {"one of the two"}},
    {"\ntransport \"*\" { socket = /b }\n", {"protocol = \"lmtp\" with a socket"}},
    {"\ntransport \"*\" { socket = /b protocol = lmtp user = u password_file = f tls = required "
     "}\n",
	{"neither implicit_tls nor user"}},
    {"\ntransport \"*\" { host = a tls = none implicit_tls = yes }\n", {"implicit_tls = no"}},
    {"\ntransport \"*\" { host = a user = u tls = verified }\n", {"user and password_file"}},
    {"\ntransport \"*\" { host = a user = u password_file = f }\n",
	{"tls = \"verified\" (or \"required\") where a password is sent"}},
    {"\ntransport \"*\" { host = a tls = sometimes }\n",
	{"tls: \"sometimes\" is not right", "\"none\" \"opportunistic\""}},
    {"\ntransport \"*\" { host = \"a b\" }\n", {"host: \"a b\" is not right"}},
    {"\ntransport \"b\u00fccher\" { host = a }\n", {"expected a domain in its ASCII form"}},
    {"\ndns { resolvers = { \"192.0.2.1@99999\" } }\n",
	{"dns.resolvers: \"192.0.2.1@99999\" is not right"}},
    {"\ndns { resolvers = { \"ns.example.org\" } }\n", {"expected IP addresses of name servers"}},
    {"\ntls { key = a }\n", {":2: missing title", "tls \"default\""}},
    {"\ntls \"default\" { key = a }\n", {"tls \"default\": expected certificate ="}},
    {"\ntls \"a b\" { key = a certificate = b }\n", {"tls \"a b\": expected a host name"}},
    /* RFC 8725 §3.9 */
    {"\noauth { jwks_url = \"https://p.test/keys\" }\n",
	{":2: oauth.jwks_url: expected oauth.audience", "\"aud\""}},
    {"\noauth { jwks_url = \"https://p.test/keys\" audience = \"*\"\n"
     "introspection_url = \"https://p.test/i\" }\n",
	{":3: oauth.introspection_url: expected it or oauth.jwks_url, not both"}},
    {"\ndata_dir = /no/such/place\n", {":2: data_dir: \"/no/such/place\"", "pillarbox init"}},
    {"\nworkers = x\nport_offset = 70000\nlot = 3\nimapd { imap = perhaps } }\n",
	{":2: workers", ":3: port_offset", ":4: unknown option \"lot\"",
	    ":5: imapd.imap: \"perhaps\""}},
};

START_TEST(mistakes_name_file_line_option_and_what_would_be_right)
{
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
		char text[512];
		const char *data_dir = strstr(mistakes[i].text, "data_dir") ? "" : "data_dir = .";
		snprintf(text, sizeof(text), "%s%s", data_dir, mistakes[i].text);
		const char *dir = begin(text);
		struct conf *c = NULL;
		enum err e = conf_load(path, &c, &problem);
		test_rmdir(dir);
		ck_assert_msg(e == ERR_CONFIG, "%s gave %s", mistakes[i].text, err_name(e));
		ck_assert_ptr_null(c);
		ck_assert_msg(strncmp(sbuf_cstr(&problem), path, strlen(path)) == 0, "%s",
		    sbuf_cstr(&problem));
		for (size_t j = 0; j < 4 && mistakes[i].parts[j]; j++)
			ck_assert_msg(strstr(sbuf_cstr(&problem), mistakes[i].parts[j]) != NULL,
			    "\"%s\" is not in:\n%s", mistakes[i].parts[j], sbuf_cstr(&problem));
	}
}
END_TEST

START_TEST(a_file_with_nul_in_it_is_refused_with_a_word)
{
	static const char text[] = "data_dir = .\n\0\0:workers";
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	const char *dir = begin("");
	struct conf *c = NULL;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, sizeof(text) - 1, f), sizeof(text) - 1);
	fclose(f);
	ck_assert_int_eq(conf_load(path, &c, &problem), ERR_CONFIG);
	test_rmdir(dir);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&problem), ":2: it can't be read on from here"));
}
END_TEST

START_TEST(a_flood_of_mistakes_is_counted_not_listed)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(65536), problem = SBUF_INIT(65536);

	sbuf_puts(&text, "data_dir = .\n");
	for (int i = 0; i < 30; i++)
		sbuf_puts(&text, "workers = x\n");
	for (int i = 0; i < 30; i++)
		sbuf_printf(&text, "%c%c%cx = 1\n", 'q' + i % 5, 'a' + i % 26, 'a' + i / 26);
	const char *dir = begin(sbuf_cstr(&text));
	struct conf *c = NULL;
	ck_assert_int_eq(conf_load(path, &c, &problem), ERR_CONFIG);
	test_rmdir(dir);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&problem), "and 10 mistakes more"));
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	struct conf *c = NULL;

	ck_assert_int_eq(conf_load("/no/such/file.conf", &c, &problem), ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&problem), "/no/such/file.conf: No such file"));
}
END_TEST

START_TEST(an_included_file_counts_and_names_itself)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	const char *dir = test_mkdir();
	char more[256], text[512];
	struct conf *c = NULL;

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	snprintf(more, sizeof(more), "%s/more.conf", dir);
	snprintf(text, sizeof(text), "data_dir = .\ninclude(\"%s\")\nport_offset = 7\n", more);
	write_file(path, text);
	write_file(more, "workers = 9\n");
	ck_assert_ok(conf_load(path, &c, &problem));
	ck_assert_uint_eq(c->workers, 9);
	ck_assert_uint_eq(c->port_offset, 7);
	conf_unref(&c);
	write_file(more, "\nworkers = none\n");
	ck_assert_int_eq(conf_load(path, &c, &problem), ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&problem), "more.conf:2: workers"));
	test_rmdir(dir);
}
END_TEST

/* The written file shows each option, and reads back as what was set; with every comment sign taken
 * off its defaults are right too. */
START_TEST(the_written_file_shows_every_option_and_reads_back)
{
	static const char *const set[] = {"hostname", "mail.example.test", "data_dir", ".",
	    "listen", "127.0.0.1 ::1", "port_offset", "10000", "tls.certificate",
	    "tls/a \"b\" $c.pem", "tls.key", "tls/k.pem", "limits.max_connections_per_address",
	    "1000", "transport.host", "smtp.example.org", NULL};
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);
	size_t n;
	const struct conf_option *o = conf_options(&n);

	conf_write_default(&out, set);
	ck_assert_ok(sbuf_error(&out));
	for (size_t i = 0; i < n; i++) {
		char line[64];
		snprintf(line, sizeof(line), "%s = ", o[i].name);
		ck_assert_msg(strstr(sbuf_cstr(&out), line) != NULL, "%s is missing", o[i].name);
	}
	CLEANUP(conf_unref) struct conf *c = load_text(sbuf_cstr(&out));
	ck_assert_str_eq(c->hostname, "mail.example.test");
	ck_assert_str_eq(c->listen[1], "::1");
	ck_assert_uint_eq(c->port_offset, 10000);
	ck_assert_uint_eq(c->max_connections_per_address, 1000);
	ck_assert_ptr_nonnull(strstr(c->tls[0].certificate, "/tls/a \"b\" $c.pem"));
	ck_assert_uint_eq(c->transport_count, 1);
	ck_assert_str_eq(c->transports[0].domain, "*");
	ck_assert_str_eq(c->transports[0].host, "smtp.example.org");

	char *text = strdup(sbuf_cstr(&out));
	for (char *p = text; (p = strchr(p, '#')) != NULL; p++)
		if (p[1] != ' ' && (p == text || p[-1] == '\n' || p[-1] == '\t'))
			*p = ' ';
	CLEANUP(conf_unref) struct conf *all = load_text(text);
	ck_assert_str_eq(all->hostname, "mail.example.test");
	free(text);
}
END_TEST

START_TEST(transports_say_where_and_how)
{
	CLEANUP(conf_unref)
	struct conf *c = load_text(
	    "data_dir = .\n"
	    "transport \"*\" { host = smtp.example.org port = 587 tls = verified\n"
	    "  user = me@example.org password_file = pw }\n"
	    "transport \".example.net\" { host = \"192.0.2.1\" }\n"
	    "transport \"lists.example.org\" { socket = run/lmtp.sock protocol = lmtp }\n");
	const struct conf_transport *t = c->transports;

	ck_assert_uint_eq(c->transport_count, 3);
	ck_assert_str_eq(t[0].domain, "*");
	ck_assert_str_eq(t[0].host, "smtp.example.org");
	ck_assert_uint_eq(t[0].port, 587);
	ck_assert_str_eq(t[0].tls, "verified");
	ck_assert_str_eq(t[0].user, "me@example.org");
	ck_assert_ptr_nonnull(strstr(t[0].password_file, "/pw"));
	ck_assert_str_eq(t[1].tls, "opportunistic");
	ck_assert_uint_eq(t[1].port, 0);
	ck_assert_str_eq(t[2].protocol, "lmtp");
	ck_assert_ptr_nonnull(strstr(t[2].socket, "/run/lmtp.sock"));
}
END_TEST

START_TEST(a_file_without_certificate_has_no_tls_block)
{
	static const char *const set[] = {"data_dir", ".", NULL};
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);

	conf_write_default(&out, set);
	CLEANUP(conf_unref) struct conf *c = load_text(sbuf_cstr(&out));
	ck_assert_uint_eq(c->tls_count, 0);
}
END_TEST

START_TEST(sizes_are_read_as_people_write_them)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} rows[] = {
	    {"0", true, 0},
	    {"4096", true, 4096},
	    {"4096B", true, 4096},
	    {"1k", true, 1024},
	    {"2G", true, 2147483648U},
	    {"2 GB", true, 2147483648U},
	    {"2GiB", true, 2147483648U},
	    {"1T", true, 1099511627776U},
	    {"", false, 0},
	    {"G", false, 0},
	    {"-1", false, 0},
	    {"1.5G", false, 0},
	    {"1X", false, 0},
	    {"18446744073709551615", true, UINT64_MAX},
	    {"18446744073709551615K", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = 0;
		bool ok = conf_parse_size(test_guarded(str_of(rows[i].text)), &value);
		ck_assert_msg(ok == rows[i].ok, "\"%s\"", rows[i].text);
		if (ok)
			ck_assert_uint_eq(value, rows[i].value);
	}
}
END_TEST

static bool
is_block(const char *section)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, section) == 0)
			return s[i].title;
	return false;
}

START_TEST(options_have_names_meanings_and_places_of_their_own)
{
	size_t n, section_count;
	const struct conf_option *o = conf_options(&n);
	const struct conf_section *s = conf_sections(&section_count);

	for (size_t i = 0; i < n; i++) {
		bool known = false;
		for (size_t j = 0; j < section_count; j++)
			known = known || strcmp(s[j].name, o[i].section) == 0;
		ck_assert_msg(known, "section %s", o[i].section);
		ck_assert_msg(o[i].meaning && o[i].meaning[strlen(o[i].meaning) - 1] == '.',
		    "%s needs a sentence", o[i].name);
		for (size_t j = 0; j < i; j++) {
			bool block = is_block(o[i].section), other = is_block(o[j].section);
			bool same = strcmp(o[i].section, o[j].section) == 0;
			ck_assert_msg(((block || other) && !same) || o[j].offset != o[i].offset,
			    "%s and %s fill the same member", o[i].name, o[j].name);
		}
	}
}
END_TEST

TEST_MAIN("conf", every_default_is_within_its_own_rules, values_are_read_in_their_units,
    relative_paths_start_at_the_file, the_default_certificate_stands_first, the_last_value_counts,
    mistakes_name_file_line_option_and_what_would_be_right,
    a_file_with_nul_in_it_is_refused_with_a_word, a_flood_of_mistakes_is_counted_not_listed,
    a_missing_file_is_named, an_included_file_counts_and_names_itself,
    the_written_file_shows_every_option_and_reads_back, transports_say_where_and_how,
    a_file_without_certificate_has_no_tls_block, sizes_are_read_as_people_write_them,
    options_have_names_meanings_and_places_of_their_own)
