/* Sends a message by the client to one address, over real sockets, and prints what became of each
 * recipient: for tests with real servers.
 *
 * usage: send ADDRESS PORT SENDER RCPT[,RCPT…] FILE [OPTION VALUE]…
 *	count N, connections N, lmtp 1, implicit 1, must 1, without 1, name HOST, ca FILE,
 *	tlsa "3 1 1 HEX", user U, password P, utf8 1, helo NAME, requiretls 1
 */
#include "common/base/clock.h"
#include "smtpd/outbound/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

struct sender {
	pthread_mutex_t mu;
	struct route route;
	struct route_host host;
	struct client_options options;
	struct str file;
	const char *from, *rcpts;
	bool utf8, requiretls;
	int left; /* guarded by mu */
	int running; /* guarded by mu */
	int done, failed; /* guarded by mu */
	bool quiet;
};

struct file_content {
	struct content content;
	struct str text;
};

static enum err
read_file(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct str rest = str_skip(((struct file_content *)c)->text, offset);

	*ret_n = rest.n < n ? rest.n : n;
	memcpy(to, rest.p, *ret_n);
	return ERR_OK;
}

static void
close_file(struct content *c)
{
	free(c);
}

static struct job *
next_job(void *arg, int64_t *ret_wait_ms)
{
	struct sender *s = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	*ret_wait_ms = 0;
	if (s->left == 0)
		return NULL;
	s->left--;
	struct arena *a = arena_new(1 << 20);
	struct job *job = ARENA_NEW(a, struct job);
	struct str rest = str_of(s->rcpts), one;
	job->arena = a;
	job->message.sender = str_of(s->from);
	job->message.smtputf8 = s->utf8;
	job->message.requiretls = s->requiretls;
	job->rcpts = arena_alloc_array(a, JOB_RCPTS_MAX, sizeof(struct job_rcpt));
	while (job->rcpt_count < JOB_RCPTS_MAX && str_split(&rest, ',', &one))
		job->rcpts[job->rcpt_count++].row.address = one;
	return job;
}

static struct content *
content(void *arg, struct job *job, enum content_form form, bool *ret_wait)
{
	struct sender *s = arg;
	struct file_content *f = calloc(1, sizeof(*f));

	(void)form, (void)ret_wait;
	f->text = s->file;
	f->content = (struct content){.size = s->file.n, .read = read_file, .close = close_file};
	if (content_look(&f->content, &job->message))
		abort();
	return &f->content;
}

static void
job_done(void *arg, struct job *job)
{
	static const char *const fates[] = {"UNTRIED", "DONE", "LATER", "NEVER"};
	struct sender *s = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	for (size_t i = 0; i < job->rcpt_count; i++) {
		const struct job_rcpt *r = &job->rcpts[i];
		if (r->fate == JOB_DONE)
			s->done++;
		else
			s->failed++;
		if (!s->quiet)
			printf("%.*s %s %.*s %.*s\n", STR_ARG(r->row.address), fates[r->fate],
			    STR_ARG(r->status), STR_ARG(r->reply));
	}
	struct arena *a = job->arena; /* the job itself lies in it */
	arena_free(&a);
}

static void
ended(void *arg, const struct client_end *end)
{
	static const char *const failures[] = {"FINE", "NO_CONNECTION", "GREETING_LATER",
	    "GREETING_NEVER", "TLS_FAILED", "TLS_BROKEN", "AUTH_FAILED", "STOPPED"};
	struct sender *s = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);

	printf("end %s %u %s jobs=%u host=%s tls=%s tls_error=%s reply=%.*s\n",
	    failures[end->failure], end->code, end->starttls_offered ? "starttls" : "-", end->jobs,
	    end->host, end->tls_text, end->tls && end->tls->error ? end->tls->error : "-",
	    STR_ARG(end->reply));
	s->running--;
}

static const struct client_owner owner = {next_job, content, job_done, ended};

static struct str
load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		exit(2);
	}
	char *text = malloc((size_t)st.st_size + 1);
	if (!text || read(fd, text, (size_t)st.st_size) != st.st_size)
		exit(2);
	close(fd);
	return str_make(text, (size_t)st.st_size);
}

static struct tls_tlsa
parse_tlsa(const char *text)
{
	struct tls_tlsa t = {0};
	unsigned usage, selector, matching, octet;
	static unsigned char data[512];
	int at = 0;

	if (sscanf(text, "%u %u %u %n", &usage, &selector, &matching, &at) < 3)
		exit(2);
	t.usage = (uint8_t)usage, t.selector = (uint8_t)selector, t.matching = (uint8_t)matching;
	size_t n = 0;
	for (; n < sizeof(data) && sscanf(text + at, "%2x", &octet) == 1; at += 2)
		data[n++] = (unsigned char)octet;
	t.data = str_make(data, n);
	return t;
}

static void
option(struct sender *s, int *connections, const char *name, const char *value)
{
	static struct tls_tlsa tlsa[8];

	if (strcmp(name, "count") == 0)
		s->left = atoi(value);
	else if (strcmp(name, "connections") == 0)
		*connections = atoi(value);
	else if (strcmp(name, "lmtp") == 0)
		s->route.kind = ROUTE_LMTP;
	else if (strcmp(name, "implicit") == 0)
		s->route.implicit_tls = true;
	else if (strcmp(name, "must") == 0)
		s->host.must_tls = true;
	else if (strcmp(name, "without") == 0)
		s->options.without_tls = true;
	else if (strcmp(name, "name") == 0)
		s->host.name = s->host.tls.server_name = str_of(value);
	else if (strcmp(name, "helo") == 0)
		s->options.helo = value;
	else if (strcmp(name, "user") == 0)
		s->route.user = str_of(value);
	else if (strcmp(name, "password") == 0)
		s->route.password = str_of(value);
	else if (strcmp(name, "utf8") == 0)
		s->utf8 = true;
	else if (strcmp(name, "requiretls") == 0)
		s->requiretls = s->route.secure_mx = true;
	else if (strcmp(name, "quiet") == 0)
		s->quiet = true;
	else if (strcmp(name, "ca") == 0)
		s->host.tls.proof = TLS_PROOF_NAMES, s->host.tls.ca_file = value;
	else if (strcmp(name, "tlsa") == 0 && s->host.tls.tlsa_count < 8) {
		s->host.tls.proof = TLS_PROOF_DANE;
		tlsa[s->host.tls.tlsa_count++] = parse_tlsa(value);
		s->host.tls.tlsa = tlsa;
	} else
		exit(2);
	if (s->host.tls.proof == TLS_PROOF_NAMES) {
		s->host.tls.names = &s->host.name;
		s->host.tls.name_count = 1;
	}
}

static void
set_address(struct sockaddr_storage *to, const char *address, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
	struct sockaddr_un *path = (struct sockaddr_un *)to;

	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
	} else {
		path->sun_family = AF_UNIX;
		snprintf(path->sun_path, sizeof(path->sun_path), "%s", address);
	}
}

static void
closed(void *arg, struct conn *c)
{
	(void)arg, (void)c;
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static int
send_all(struct sender *s, int connections)
{
	struct loop *loop;
	struct workers *workers;
	struct hub *hub;
	pthread_t thread;

	if (loop_new(&loop) || workers_start(2, &workers) ||
	    hub_new(workers, loop, closed, NULL, &hub))
		return 2;
	pthread_create(&thread, NULL, run_loop, loop);
	int64_t began = clock_mono_ms();
	s->running = connections;
	for (int i = 0; i < connections; i++) {
		struct client *cl;
		if (client_dial(hub, &s->options, &cl))
			return 2;
	}
	for (bool over = false; !over; usleep(1000)) {
		CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
		over = s->running == 0;
	}
	int64_t took = clock_mono_ms() - began;
	printf("done=%d failed=%d ms=%lld\n", s->done, s->failed, (long long)took);
	hub_kill(hub);
	while (hub_count(hub))
		usleep(1000);
	loop_stop(loop);
	pthread_join(thread, NULL);
	workers_stop(&workers);
	hub_free(&hub);
	loop_free(&loop);
	return s->failed > 0;
}

int
main(int argc, char **argv)
{
	struct sender s = {.left = 1};
	struct sockaddr_storage to = {0};
	int connections = 1;

	if (argc < 6 || argc % 2 != 0) {
		fprintf(stderr, "usage: send ADDRESS PORT SENDER RCPT,… FILE [OPTION VALUE]…\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s.mu, NULL);
	set_address(&to, argv[1], (uint16_t)atoi(argv[2]));
	s.from = argv[3];
	s.rcpts = argv[4];
	s.file = load(argv[5]);
	s.route = (struct route){.kind = ROUTE_SMTP, .hosts = &s.host, .host_count = 1};
	s.host =
	    (struct route_host){.name = STR("localhost"), .addresses = &to, .address_count = 1};
	s.options = (struct client_options){
	    .route = &s.route, .helo = "client.example", .owner = &owner, .arg = &s};
	for (int i = 6; i < argc; i += 2)
		option(&s, &connections, argv[i], argv[i + 1]);
	return send_all(&s, connections);
}
