#include "common/net/shut_in.h"

#include "common/base/log.h"
#include "common/net/files.h"
#include "common/net/tls.h"
#include "common/sandbox/privileges.h"
#include "common/sandbox/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PATHS_MAX 256
#define LOG_FILE "file:"

/* What root could read and its successor can't: a reload would fail. */
static void
warn_if_unreadable(const char *path)
{
	if (access(path, R_OK) < 0)
		log_warn("unreadable", F_CSTR("file", path),
		    F_CSTR("reason", strerrordesc_np(errno)),
		    F_CSTR("effect",
			"SIGHUP can't take up changes: give `user` the right to read it"));
}

enum err
become_user(const struct conf *conf)
{
	struct owner to;
	enum err e = owner_find(conf->user, conf->group, &to);

	if (!e)
		e = privileges_drop(&to, conf->core_dumps);
	if (e || !to.becomes)
		return e;
	warn_if_unreadable(conf->path);
	for (size_t i = 0; i < conf->tls_count; i++) {
		warn_if_unreadable(conf->tls[i].certificate);
		warn_if_unreadable(conf->tls[i].key);
	}
	return ERR_OK;
}

/* In a process of its own that has become `to`. */
static bool
can_start_as(const struct owner *to, const struct conf *c)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(16384);
		struct conf *again = NULL;
		struct tls_context *tls = NULL;
		bool file = strncmp(c->log_target, LOG_FILE, strlen(LOG_FILE)) == 0;

		_exit(privileges_drop(to, false) || conf_load(c->path, &again, &problem) ||
		      tls_context_new(again, "imap", &tls, &problem) ||
		      (file && access(c->log_target + strlen(LOG_FILE), W_OK) != 0));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* What only root may do for daemons that are not: as many descriptors as they have clients, and a
 * thread that comes back from the lowest priority (sched(7), SCHED_IDLE). */
static void
raise_limits(const struct conf *c)
{
	const struct rlimit nice = {20, 20};

	files_raise(c->max_connections, c->outbound.max_connections);
	setrlimit(RLIMIT_NICE, &nice);
}

enum err
become_user_first(const struct conf *conf)
{
	struct owner to;
	enum err e = owner_find(conf->user, conf->group, &to);

	if (e)
		return e;
	privileges_harden(conf->core_dumps);
	if (to.becomes)
		raise_limits(conf);
	else if (geteuid() == 0)
		return ERR_OK; /* so it is configured */
	if (to.becomes && !can_start_as(&to, conf)) {
		log_warn("privileges", F_CSTR("kept", "root"), F_CSTR("user", conf->user),
		    F_CSTR("reason",
			"the user can't read the configuration, a certificate, its key, or write "
			"the log"),
		    F_CSTR("hint", "give it the right to, and nothing runs as root any more"));
		return ERR_OK;
	}
	return privileges_drop(&to, conf->core_dumps);
}

struct paths {
	struct sandbox_path list[PATHS_MAX];
	char *own[PATHS_MAX]; /* to be freed, or NULL */
	size_t n;
	bool failed;
};

static void
paths_done(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->own[i]);
}

static void
add(struct paths *p, const char *path, bool writes, char *own)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].writes == writes && strcmp(p->list[i].path, path) == 0) {
			free(own);
			return;
		}
	if (p->n == PATHS_MAX) {
		free(own);
		p->failed = true;
		return;
	}
	p->list[p->n] = (struct sandbox_path){path, writes};
	p->own[p->n++] = own;
}

/* The directory of a file, symbolic links followed: it may be written anew beside the old one, and
 * renamed. */
static void
add_directory_of(struct paths *p, const char *file, bool writes)
{
	if (!file || !file[0])
		return;
	char *real = realpath(file, NULL);
	if (!real) /* not there yet */
		real = strdup(file);
	char *slash = real ? strrchr(real, '/') : NULL;
	if (!slash) {
		free(real);
		return;
	}
	slash[slash == real ? 1 : 0] = '\0';
	add(p, real, writes, real);
}

static void
add_files_of(struct paths *p, const struct conf *conf)
{
	add_directory_of(p, conf->path, false);
	for (size_t i = 0; i < conf->tls_count; i++) {
		add_directory_of(p, conf->tls[i].certificate, false);
		add_directory_of(p, conf->tls[i].key, false);
		add_directory_of(p, conf->tls[i].client_authorities, false);
	}
	for (size_t i = 0; i < conf->transport_count; i++)
		add_directory_of(p, conf->transports[i].password_file, false);
	add_directory_of(p, conf->oauth.client_secret_file, false);
	add_directory_of(p, conf->oauth.ca_file, false);
	add_directory_of(p, conf->outbound.ca_file, false);
	add_directory_of(p, conf->dns.trust_anchor_file, false);
	if (strncmp(conf->log_target, LOG_FILE, strlen(LOG_FILE)) == 0)
		add_directory_of(p, conf->log_target + strlen(LOG_FILE), true);
}

enum err
shut_in(const struct conf *conf, unsigned does)
{
	CLEANUP(paths_done) struct paths p = {.n = 0};
	struct sandbox s = {.does = does};
	enum err e = sandbox_mode_parse(conf->sandbox, &s.mode);

	add(&p, conf->data_dir, true, NULL);
	add(&p, conf->run_dir, true, NULL);
	add_files_of(&p, conf);
	if (e || p.failed) {
		// NOLINTNEXTLINE(clang-analyzer-unix.Malloc): paths_done() frees them
		log_error("sandbox", F_CSTR("mode", conf->sandbox),
		    F_CSTR("reason", e ? "no such mode" : "too many directories are named"));
		return ERR_CONFIG;
	}
	if (conf->oauth.jwks_url[0] || conf->oauth.introspection_url[0])
		s.does |= SANDBOX_DIALS;
	s.paths = p.list;
	s.path_count = p.n;
	return sandbox_enter(&s);
}
