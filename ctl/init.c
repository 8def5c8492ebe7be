#include "common/base/conf_options.h"
#include "ctl/ca.h"
#include "ctl/ctl.h"
#include "store/directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NAMES_MAX 80

/* What a new server is made of. Paths in the arena. */
struct plan {
	struct arena *arena;
	const char *domain;
	const char *hostname;
	const char *listen; /* addresses, blanks between */
	const char *port_offset;
	const char *user; /* "" none */
	const struct passwd *owner; /* of data and sockets, NULL: whoever calls */
	const char *conf_path;
	const char *data_dir;
	const char *run_dir;
	const char *tls_dir;
	bool loopback_only;
};

static const char *
join(struct plan *p, const char *dir, const char *name)
{
	struct str path = arena_printf(p->arena, "%s/%s", dir, name);

	return path.p ? path.p : "";
}

static bool
is_loopback(struct str address)
{
	return str_starts(address, STR("127.")) || str_eq(address, STR("::1"));
}

/* Each address must be one; also notes whether they all are loopback ones. */
static int
check_listen(struct call *call, struct plan *p)
{
	const struct conf_option *o = conf_find_option(STR(""), STR("listen"));
	struct str rest = str_of(p->listen);
	struct str address;

	p->loopback_only = true;
	while (str_split(&rest, ' ', &address)) {
		if (address.n == 0)
			continue;
		if (o->check(address))
			return call_misuse(call,
			    "--listen %.*s: expected an IP address such as "
			    "127.0.0.1",
			    STR_ARG(address));
		p->loopback_only = p->loopback_only && is_loopback(address);
	}
	return CALL_GO_ON;
}

static int
check_plan(struct call *call, struct plan *p)
{
	const struct conf_option *hostname = conf_find_option(STR(""), STR("hostname"));
	uint32_t offset;

	if (!p->domain)
		return call_misuse(call, "say which domain the mail is for: --domain example.org");
	if (hostname->check(str_of(p->domain)))
		return call_misuse(
		    call, "--domain %s: expected a name such as example.org", p->domain);
	if (hostname->check(str_of(p->hostname)))
		return call_misuse(
		    call, "--hostname %s: expected a name such as mail.example.org", p->hostname);
	if (!str_to_u32(str_of(p->port_offset), &offset) || offset > 60000)
		return call_misuse(
		    call, "--port-offset %s: expected a number from 0 to 60000", p->port_offset);
	return check_listen(call, p);
}

/* Where things go: below --dir, or the places of the system, whose daemons run as a user of their
 * own. */
static int
choose_places(struct plan *p, const char *dir)
{
	const char *user = p->user;

	if (dir) {
		char absolute[4096];
		enum err e = ctl_make_dirs(dir, 0755, NULL);
		if (e)
			return call_fail(e, dir);
		if (!realpath(dir, absolute))
			return call_fail(err_from_errno(errno), dir);
		const char *base = arena_cstr(p->arena, str_of(absolute));
		p->conf_path = join(p, base, "pillarbox.conf");
		p->data_dir = join(p, base, "data");
		p->run_dir = join(p, base, "run");
		p->tls_dir = join(p, base, "tls");
	} else {
		const char *slash = strrchr(PILLARBOX_CONF, '/');
		struct str base = str_sub(
		    str_of(PILLARBOX_CONF), 0, slash ? (size_t)(slash - PILLARBOX_CONF) : 0);
		p->conf_path = PILLARBOX_CONF;
		p->data_dir = PILLARBOX_DATA;
		p->run_dir = PILLARBOX_RUN;
		p->tls_dir = join(p, arena_cstr(p->arena, base), "tls");
		if (!user && geteuid() == 0)
			user = "pillarbox";
	}
	const char *wrong = conf_find_option(STR(""), STR("run_dir"))->check(str_of(p->run_dir));
	if (wrong) {
		call_complain("%s: expected %s: choose a shorter --dir", p->run_dir, wrong);
		return CTL_USAGE;
	}
	p->user = user ? user : "";
	p->owner = p->user[0] ? getpwnam(p->user) : NULL;
	if (p->user[0] && !p->owner) {
		call_complain("there is no user %s: make it with `systemd-sysusers` or `useradd "
			      "--system --home-dir %s --shell /usr/sbin/nologin %s`, or name "
			      "another with --user",
		    p->user, p->data_dir, p->user);
		return CTL_CONFIG;
	}
	if (p->owner && geteuid() != 0 && geteuid() != p->owner->pw_uid) {
		call_complain("only root can give files to %s", p->user);
		return CTL_FAILED;
	}
	return CALL_GO_ON;
}

/* Names that mail programs and their set-up assistants ask for. */
static const char *const *
certificate_names(struct plan *p)
{
	static const char *const prefixes[] = {"mail", "", "imap", "pop3", "smtp", "autoconfig"};
	const char **names = arena_alloc_array(p->arena, NAMES_MAX, sizeof(*names));
	struct str rest = str_of(p->listen);
	struct str address;
	size_t n = 0;

	if (!names)
		return NULL;
	names[n++] = p->hostname;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		names[n++] = arena_printf(
		    p->arena, "%s%s%s", prefixes[i], prefixes[i][0] ? "." : "", p->domain)
				 .p;
	names[n++] = "localhost";
	while (str_split(&rest, ' ', &address) && n + 1 < NAMES_MAX) {
		/* "all addresses" is no name of this host */
		if (address.n > 0 && !str_eq(address, STR("0.0.0.0")) &&
		    !str_eq(address, STR("::")))
			names[n++] = arena_cstr(p->arena, address);
	}
	return arena_failed(p->arena) ? NULL : names;
}

static const char *const tls_files[] = {"ca-key.pem", "ca.pem", "server-key.pem", "server.pem"};

static enum err
make_certificates(struct plan *p)
{
	const char *const *names = certificate_names(p);
	struct ca ca = {NULL, NULL}, server = {NULL, NULL};

	if (!names)
		return ERR_NOMEM;
	enum err e = ca_make(p->domain, &ca);
	if (!e)
		e = ca_sign_server(&ca, names, &server);
	if (!e)
		e = ca_write_key(join(p, p->tls_dir, tls_files[0]), ca.key, false);
	if (!e)
		e = ca_write_certificate(join(p, p->tls_dir, tls_files[1]), ca.certificate);
	const char *key_path = join(p, p->tls_dir, tls_files[2]);
	if (!e)
		e = ca_write_key(key_path, server.key, p->owner != NULL);
	if (!e && p->owner && chown(key_path, (uid_t)-1, p->owner->pw_gid) != 0)
		e = err_from_errno(errno);
	if (!e)
		e = ca_write_certificate(join(p, p->tls_dir, tls_files[3]), server.certificate);
	ca_done(&ca);
	ca_done(&server);
	return e;
}

/* The last step: a configuration is there when everything it names is. */
static enum err
write_conf(struct plan *p, bool relative)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1U << 20);
	const char *tls_dir = relative ? "tls" : p->tls_dir;
	const char *const set[] = {"hostname", p->hostname, "data_dir",
	    relative ? "data" : p->data_dir, "run_dir", relative ? "run" : p->run_dir, "user",
	    p->user, "listen", p->listen, "port_offset", p->port_offset, "tls.certificate",
	    join(p, tls_dir, "server.pem"), "tls.key", join(p, tls_dir, "server-key.pem"),
	    /* behind loopback every client has the same address */
	    p->loopback_only ? "limits.max_connections_per_address" : NULL, "20000", NULL};

	conf_write_default(&out, set);
	if (sbuf_error(&out))
		return sbuf_error(&out);
	CLEANUP(fd_close)
	int fd = open(p->conf_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	struct str text = sbuf_view(&out);
	if (fd >= 0 && fchmod(fd, 0644) != 0)
		return err_from_errno(errno);
	while (fd >= 0 && text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0)
			break;
		text = str_skip(text, (size_t)n);
	}
	return fd < 0 || text.n > 0 || fsync(fd) != 0 ? err_from_errno(errno) : ERR_OK;
}

static enum err
make_store(struct plan *p)
{
	struct store *store = NULL;
	const struct store_options options = {
	    .data_dir = p->data_dir, .process = "pillarbox", .recipient_delimiter = "+"};
	enum err e = store_create(p->data_dir);

	if (!e)
		e = store_open(&options, &store);
	if (!e)
		e = directory_add_domain(store, str_of(p->domain));
	store_close(&store);
	return e == ERR_EXISTS ? ERR_OK : e;
}

/* In a process of its own that has become the owner, so that every file there is the owner's. */
static int
make_store_as_owner(struct plan *p)
{
	int status = CTL_FAILED;

	if (!p->owner || geteuid() != 0)
		return call_fail(make_store(p), p->data_dir);
	pid_t pid = fork();
	if (pid < 0)
		return call_fail(err_from_errno(errno), "fork");
	if (pid == 0) {
		status = call_become(p->user, "");
		if (status == CALL_GO_ON)
			status = call_fail(make_store(p), p->data_dir);
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_FAILED;
}

static int
refuse_existing(const struct plan *p)
{
	struct stat st;

	if (lstat(p->conf_path, &st) != 0)
		return CALL_GO_ON;
	call_complain(
	    "%s exists already and stays as it is: choose another --dir, or edit it", p->conf_path);
	return CTL_NAME;
}

static void
tell_next(const struct plan *p, bool system)
{
	printf("%s is written, with a certificate of its own authority:\n"
	       "  %s/ca.pem   (trust it in your mail program)\n\nnext:\n",
	    p->conf_path, p->tls_dir);
	if (system)
		printf("  pillarbox account add NAME@%s\n"
		       "  systemctl enable --now pillarbox.target   (or: pillarbox run)\n",
		    p->domain);
	else
		printf("  pillarbox -c %s account add NAME@%s\n"
		       "  pillarbox -c %s run\n",
		    p->conf_path, p->domain, p->conf_path);
}

static void
remove_certificates(struct plan *p)
{
	for (size_t i = 0; i < ARRAY_LEN(tls_files); i++)
		unlink(join(p, p->tls_dir, tls_files[i]));
}

static int
make_files(struct plan *p, bool relative)
{
	const struct {
		const char *path;
		mode_t mode;
		const struct passwd *owner;
	} dirs[] = {
	    {p->data_dir, 0700, p->owner},
	    {p->run_dir, 0750, p->owner}, /* the group may hand in mail by LMTP */
	    {p->tls_dir, 0755, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		enum err e = ctl_make_dirs(dirs[i].path, dirs[i].mode, dirs[i].owner);
		if (e)
			return call_fail(e, dirs[i].path);
	}
	enum err e = make_certificates(p);
	if (e == ERR_EXISTS) {
		call_complain("%s holds certificates already; move them away first", p->tls_dir);
		return CTL_NAME;
	}
	int status = e ? call_fail(e, p->tls_dir) : make_store_as_owner(p);
	if (status == CTL_OK)
		status = call_fail(write_conf(p, relative), p->conf_path);
	if (status != CTL_OK)
		remove_certificates(p); /* so that the next try can make its own */
	return status;
}

int
verb_init(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf listen = SBUF_INIT(4096);
	struct plan p = {.arena = call->arena, .port_offset = "0"};
	const char *dir = NULL;
	const struct call_option options[] = {
	    {"dir", "DIR", "put everything below this directory", .value = &dir},
	    {"domain", "DOMAIN", "the domain whose mail is received", .value = &p.domain},
	    {"hostname", "NAME", "this host's name (mail.DOMAIN)", .value = &p.hostname},
	    {"listen", "ADDRESS", "listen there; may be repeated (all addresses)", .list = &listen},
	    {"port-offset", "N", "add N to every port (0)", .value = &p.port_offset},
	    {"user", "USER", "who owns the mail, when root starts it", .value = &p.user},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, 0);

	if (status != CALL_GO_ON)
		return status;
	p.listen = listen.n ? sbuf_cstr(&listen) : "0.0.0.0 ::";
	if (!p.hostname)
		p.hostname = arena_printf(call->arena, "mail.%s", p.domain ? p.domain : "").p;
	status = check_plan(call, &p);
	if (status == CALL_GO_ON)
		status = choose_places(&p, dir);
	if (status == CALL_GO_ON)
		status = refuse_existing(&p);
	if (status == CALL_GO_ON)
		status = make_files(&p, dir != NULL);
	if (status == CTL_OK)
		tell_next(&p, dir == NULL);
	return status;
}
