#include "common/base/conf_options.h"
#include "common/base/conf_private.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>

/* A Unix socket's path must fit sun_path (108 octets) with its name. */
#define RUN_DIR_MAX 80
#define SOCKET_MAX 100

static const char *
check_hostname(struct str value)
{
	const char *right = "a host name such as mail.example.org: letters, digits, - and dots";

	if (value.n == 0 || value.n > 253)
		return right;
	struct str rest = value;
	struct str label;
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return right;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alpha(label.p[i]) && !ascii_is_digit(label.p[i]) &&
			    label.p[i] != '-' && label.p[i] != '_')
				return right;
	}
	return NULL;
}

static const char *
check_helo(struct str value)
{
	return value.n ? check_hostname(value) : NULL;
}

static const char *
check_address(struct str value)
{
	char text[INET6_ADDRSTRLEN + 1] = "";
	unsigned char octets[16];

	if (value.n < sizeof(text))
		memcpy(text, value.p, value.n);
	if (inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1)
		return NULL;
	return "IP addresses, for example { \"0.0.0.0\", \"::\" } for all or { \"127.0.0.1\" }";
}

/* "192.0.2.53", "::1", either with "@port". */
static const char *
check_resolver(struct str value)
{
	size_t at = str_rfind(value, '@');
	uint32_t port = 53;

	if (at != STR_NONE && !str_to_u32(str_skip(value, at + 1), &port))
		port = 0;
	if (port > 0 && port <= UINT16_MAX && !check_address(str_sub(value, 0, at)))
		return NULL;
	return "IP addresses of name servers that answer for everything, for example { "
	       "\"192.0.2.53\", \"127.0.0.1@5353\" }";
}

static const char *
check_transport_host(struct str value)
{
	if (value.n == 0 || !check_hostname(value) || !check_address(value))
		return NULL;
	return "a host name such as smtp.example.org, or an IP address";
}

static const char *
check_socket(struct str value)
{
	return value.n <= SOCKET_MAX ? NULL : "a path of at most 100 octets";
}

static const char *
check_run_dir(struct str value)
{
	return value.n <= RUN_DIR_MAX && value.n > 0 && value.p[0] == '/'
		   ? NULL
		   : "a path of at most 80 octets, since the names of Unix sockets are short";
}

static const char *
check_user(struct str value)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): one thread reads configurations
	if (value.n == 0 || getpwnam(value.p))
		return NULL;
	return "a user of this system (make it with `useradd --system NAME`), or \"\"";
}

static const char *
check_group(struct str value)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): as above
	if (value.n == 0 || getgrnam(value.p))
		return NULL;
	return "a group of this system (make it with `groupadd --system NAME`), or \"\"";
}

static const char *
check_delimiter(struct str value)
{
	if (value.n == 0)
		return NULL;
	if (value.n == 1 && memchr("+-_=.#~", value.p[0], 7))
		return NULL;
	return "one of the characters + - _ = . # ~, or \"\" for no sub-addressing";
}

/* Spelled out here, since configuration knows nothing of HTTP. */
static const char *
check_url(struct str value)
{
	if (value.n == 0 || str_starts_nocase(value, STR("https://")) ||
	    str_starts_nocase(value, STR("http://127.0.0.1:")) ||
	    str_starts_nocase(value, STR("http://[::1]:")))
		return NULL;
	return "a URL that begins with https:// (or http:// and a loopback address with its port)";
}

static const char *
check_log_target(struct str value)
{
	if (str_eq(value, STR("stderr")) || str_eq(value, STR("syslog")))
		return NULL;
	if (str_starts(value, STR("file:/")) && value.n > 6)
		return NULL;
	return "\"stderr\", \"syslog\" or \"file:/path/of/the/log\"";
}

static const struct conf_section sections[] = {
    {"", "Where things are and who serves.", NULL},
    {"tls",
	"A certificate, chosen by the host name that a client asks for (SNI). The block named "
	"\"default\" answers everybody else. Without any there is no TLS, and passwords are taken "
	"from loopback addresses only.",
	"default"},
    {"log", "What is logged, and where to.", NULL},
    {"limits", "What one client or all together may use, in every daemon.", NULL},
    {"oauth",
	"Logging in with tokens of an OAuth 2.0 provider (OAUTHBEARER, XOAUTH2). Give either "
	"jwks_url or introspection_url; a change needs a restart.",
	NULL},
    {"smtpd", "Receiving mail: smtpd.", NULL},
    {"outbound", "Sending mail to other servers: smtpd's other half.", NULL},
    {"dns",
	"Where other servers' names and addresses are asked for. What is signed (DNSSEC) is "
	"validated here, whoever answers. A change needs a restart.",
	NULL},
    {"sending", "What one account may send. Who goes beyond is held, and postmaster is told.",
	NULL},
    {"transport",
	"Another way than the DNS's for mail to a domain, to all below it (\".example.org\"), or "
	"with \"*\" to everybody who has no rule of their own: a smart host, or another store by "
	"LMTP. Domains that are served here stay here.",
	"*"},
    {"pop3d", "Handing mail out: pop3d.", NULL},
    {"imapd", "Managing folders: imapd.", NULL},
    {"metrics",
	"Figures of the daemons for Prometheus, at /metrics by HTTP. Nobody logs in there: let "
	"only "
	"your own monitoring reach these ports. Without them there is `pillarbox status "
	"--prometheus`. A change needs a restart.",
	NULL},
};

#define AT(member) offsetof(struct conf, member)
#define AT_TLS(member) offsetof(struct conf_tls, member)
#define AT_TRANSPORT(member) offsetof(struct conf_transport, member)

/* clang-format off */
static const struct conf_option options[] = {
/*   section  name  type  member  min  max  fallback  choices  check  meaning */
    {"", "hostname", CONF_STRING, AT(hostname), 0, 0, "", NULL, check_hostname,
     "This host's name as greetings and trace headers show it; it should resolve to this host. "
     "The system's own name when left out."},
    {"", "data_dir", CONF_PATH, AT(data_dir), 0, 0, PILLARBOX_DATA, NULL, NULL,
     "The directory of the databases and messages; it must exist (`pillarbox init` makes it). "
     "Relative paths start at the directory of this file."},
    {"", "run_dir", CONF_PATH, AT(run_dir), 0, 0, PILLARBOX_RUN, NULL, check_run_dir,
     "The directory of sockets and the pid file."},
    {"", "user", CONF_STRING, AT(user), 0, 0, "", NULL, check_user,
     "The user to become, once the ports are open, when started as root; \"\" stays who it is."},
    {"", "group", CONF_STRING, AT(group), 0, 0, "", NULL, check_group,
     "The group to become; the user's own when \"\"."},
    {"", "sandbox", CONF_STRING, AT(sandbox), 0, 0, "on", "on strict log off", NULL,
     "Shut the daemons in, so that who breaks into one has little in hand: they make only the system "
     "calls on a list (seccomp) and reach only the files that they need (landlock, Linux 5.19). With "
     "\"on\" another call fails, or ends the daemon if only an intruder makes it; with \"strict\" any "
     "other one ends it; \"log\" only has the kernel log it. A change needs a restart."},
    {"", "core_dumps", CONF_BOOL, AT(core_dumps), 0, 0, "no", NULL, NULL,
     "Let a daemon that crashes leave an image of its memory, and debuggers of its user look into it. "
     "Mail, passwords and keys are in there. A change needs a restart."},
    {"", "listen", CONF_LIST, AT(listen), 1, 64, "0.0.0.0 ::", NULL, check_address,
     "The addresses to listen on."},
    {"", "port_offset", CONF_NUMBER, AT(port_offset), 0, 60000, "0", NULL, NULL,
     "Added to every port: with 10000 smtpd listens on 10025, imapd on 10143. For trying things "
     "out without root."},
    {"", "workers", CONF_NUMBER, AT(workers), 1, 1024, "16", NULL, NULL,
     "Threads that run commands, per daemon. Idle connections need none."},
    {"", "default_quota", CONF_SIZE, AT(default_quota_bytes), 0, UINT64_MAX >> 1, "0", NULL, NULL,
     "The space that a new account gets; 0 is no limit."},
    {"", "tombstone_days", CONF_NUMBER, AT(tombstone_days), 0, 36500, "90", NULL, NULL,
     "How long a mailbox remembers which messages were removed from it, for mail programs that were "
     "away meanwhile; 0 is for ever. One that stays away longer looks through the whole mailbox."},
    {"", "trace_days", CONF_NUMBER, AT(trace_days), 0, 36500, "30", NULL, NULL,
     "How long `pillarbox trace` can say what became of a message; 0 is for ever."},
    {"", "recipient_delimiter", CONF_STRING, AT(recipient_delimiter), 0, 0, "+", NULL,
     check_delimiter,
     "Mail for ann+anything@domain reaches ann@domain. \"\" switches this off."},

    {"tls", "certificate", CONF_PATH, AT_TLS(certificate), 0, 0, "", NULL, NULL,
     "The certificate and its chain, a PEM file."},
    {"tls", "key", CONF_PATH, AT_TLS(key), 0, 0, "", NULL, NULL,
     "Its private key, a PEM file that nobody else can read."},
    {"tls", "client_authorities", CONF_PATH, AT_TLS(client_authorities), 0, 0, "", NULL, NULL,
     "In the block \"default\": the authorities of client certificates, a PEM file. With it clients "
     "are asked for a certificate, and who shows one with the address of an account as its "
     "subjectAltName may log in by it (AUTH=EXTERNAL). Some mail programs ask their user when a "
     "server asks them, hence \"\": nobody is asked."},

    {"log", "target", CONF_STRING, AT(log_target), 0, 0, "stderr", NULL, check_log_target,
     "\"stderr\" (under systemd: the journal), \"syslog\", or \"file:/path\"."},
    {"log", "level", CONF_STRING, AT(log_level), 0, 0, "info", "debug info warn error", NULL,
     "The least level that is written."},

    {"limits", "max_connections", CONF_NUMBER, AT(max_connections), 1, 1000000, "20000", NULL, NULL,
     "Connections to one daemon at a time; fewer where the system grants it too few descriptors "
     "(LimitNOFILE, ulimit -Hn), which the log then says."},
    {"limits", "max_memory", CONF_SIZE, AT(max_memory), 0, UINT64_MAX >> 1, "0", NULL, NULL,
     "The most memory that a daemon may have of its own; 0 is a quarter of the machine's, or of its "
     "control group's. Less than 64M leaves little room. What is mapped from files does not count; "
     "19 MB for each thread that computes passwords, and 17 KB beside what it has for each client "
     "under TLS, do. At 70 % of it new connections are refused, at 80 % what takes much (searches, "
     "large messages), at 90 % all but little, and clients that keep the daemon waiting are ended."},
    {"limits", "max_connections_per_address", CONF_NUMBER, AT(max_connections_per_address), 1,
     1000000, "50", NULL, NULL,
     "Connections to one daemon from one IPv4 address or IPv6 /64 network."},
    {"limits", "max_connections_per_network", CONF_NUMBER, AT(max_connections_per_network), 1,
     1000000, "2000", NULL, NULL,
     "Connections to one daemon from one IPv4 /24 or IPv6 /48 network. This machine is none."},
    {"limits", "max_logins_per_network", CONF_NUMBER, AT(max_logins_per_network), 1, 1000000, "200",
     NULL, NULL,
     "Of them, those that have not logged in yet, where one has to (IMAP, POP3, submission)."},
    {"limits", "login_timeout", CONF_SECONDS, AT(login_timeout_s), 5, 3600, "60s", NULL, NULL,
     "How long a POP3 or IMAP client may take to log in."},
    {"limits", "login_failures", CONF_NUMBER, AT(login_failures), 1, 100, "5", NULL, NULL,
     "Failed logins after which a connection is closed; those that were put off for others count."},
    {"limits", "login_failure_delay", CONF_MILLISECONDS, AT(login_failure_delay_ms), 1, 60000, "1s",
     NULL, NULL,
     "How long the answer to a failed login waits; doubled for each further one from the same "
     "address, or sixteen of its network, up to 15 seconds. It waits so long as well when too many "
     "are logging in."},
    {"limits", "password_threads", CONF_NUMBER, AT(password_threads), 0, 64, "0", NULL, NULL,
     "Passwords computed at once, each in 19 MB of memory; 0 is one for each processor. No more "
     "of them than fit a quarter of max_memory, but one at least."},
    {"limits", "password_queue", CONF_NUMBER, AT(password_queue), 1, 5000, "1000", NULL, NULL,
     "Passwords that may wait to be computed. Who was right of late comes first, then who has tried "
     "least, one of each network in turn; when there are more the last of them is told to try again "
     "later. 5000 at most: at each turn all who wait are looked at."},
    {"limits", "password_wait", CONF_SECONDS, AT(password_wait_s), 1, 3600, "15s", NULL, NULL,
     "How long a password may wait to be computed; who would wait longer, or does, is told to try "
     "again later."},
    {"limits", "login_cache", CONF_SECONDS, AT(login_cache_s), 0, 86400, "10m", NULL, NULL,
     "How long a verified password is remembered (in memory, as a keyed hash), so that a client "
     "that reconnects is cheap; 0 is not at all."},
    {"limits", "bad_commands_before_login", CONF_NUMBER, AT(bad_commands_before_login), 1, 1000,
     "10", NULL, NULL, "Wrong commands before login after which a connection is closed."},
    {"limits", "bad_commands_after_login", CONF_NUMBER, AT(bad_commands_after_login), 1, 1000, "20",
     NULL, NULL, "Wrong commands after login after which a connection is closed."},

    {"oauth", "jwks_url", CONF_STRING, AT(oauth.jwks_url), 0, 0, "", NULL, check_url,
     "Where the provider publishes the keys that sign its tokens (RFC 7517); its tokens are JWTs, "
     "and checked here."},
    {"oauth", "introspection_url", CONF_STRING, AT(oauth.introspection_url), 0, 0, "", NULL,
     check_url,
     "Where the provider is asked about each token (RFC 7662); an answer holds for a minute."},
    {"oauth", "client_id", CONF_STRING, AT(oauth.client_id), 0, 0, "", NULL, NULL,
     "Who we are to the introspection endpoint."},
    {"oauth", "client_secret_file", CONF_PATH, AT(oauth.client_secret_file), 0, 0, "", NULL, NULL,
     "A file whose first line is our secret there; nobody else should be able to read it."},
    {"oauth", "issuer", CONF_STRING, AT(oauth.issuer), 0, 0, "", NULL, NULL,
     "The issuer that tokens must name (iss); \"\" is any."},
    {"oauth", "audience", CONF_STRING, AT(oauth.audience), 0, 0, "", NULL, NULL,
     "The audience that JWTs must name (aud), and answers about others where they name one. "
     "jwks_url needs it. \"*\" is any, for a provider whose tokens name none: it lets in the tokens "
     "that the provider made for other services too."},
    {"oauth", "user_claim", CONF_STRING, AT(oauth.user_claim), 0, 0, "email", NULL, NULL,
     "The claim with the address of the account. An \"email\" that the provider calls unverified "
     "(\"email_verified\": false) is not believed."},
    {"oauth", "ca_file", CONF_PATH, AT(oauth.ca_file), 0, 0, "", NULL, NULL,
     "The authorities to trust for these URLs, a PEM file; the system's when \"\"."},

    {"smtpd", "smtp", CONF_BOOL, AT(smtpd.smtp), 0, 0, "yes", NULL, NULL,
     "Listen on port 25 for mail from other servers."},
    {"smtpd", "submission", CONF_BOOL, AT(smtpd.submission), 0, 0, "yes", NULL, NULL,
     "Listen on port 587 for users' mail programs (STARTTLS)."},
    {"smtpd", "submissions", CONF_BOOL, AT(smtpd.submissions), 0, 0, "yes", NULL, NULL,
     "Listen on port 465 for users' mail programs (TLS from the first octet)."},
    {"smtpd", "lmtp", CONF_BOOL, AT(smtpd.lmtp), 0, 0, "yes", NULL, NULL,
     "Listen on the Unix socket `lmtp.sock` in run_dir for local delivery by LMTP."},
    {"smtpd", "lmtp_port", CONF_NUMBER, AT(smtpd.lmtp_port), 0, 65535, "0", NULL, NULL,
     "A TCP port for LMTP besides the socket (usually 24; port_offset is added); 0 is none. It "
     "asks nobody for a password: let only your own mail servers reach it."},
    {"smtpd", "message_size_limit", CONF_SIZE, AT(smtpd.message_size_limit), 65536, 2147483647,
     "50M", NULL, NULL, "The largest message accepted (RFC 1870)."},
    {"smtpd", "max_recipients", CONF_NUMBER, AT(smtpd.max_recipients), 100, 100000, "1000", NULL,
     NULL, "Recipients of one message (RFC 5321 asks for 100 at least)."},
    {"smtpd", "max_received", CONF_NUMBER, AT(smtpd.max_received), 10, 1000, "100", NULL, NULL,
     "Hops that a message may have behind it before it counts as looping."},
    {"smtpd", "max_mails", CONF_NUMBER, AT(smtpd.max_mails), 1, 1000000, "1000", NULL, NULL,
     "Messages in one connection."},
    {"smtpd", "timeout", CONF_SECONDS, AT(smtpd.timeout_s), 10, 3600, "5m", NULL, NULL,
     "How long a client may be silent (RFC 5321 asks for five minutes)."},
    {"smtpd", "min_data_rate", CONF_NUMBER, AT(smtpd.min_data_rate), 0, 1000000, "500", NULL, NULL,
     "Octets of message data that must come in each second, on the whole and after the time that "
     "`timeout` gives: who sends one octet a minute holds no connection for days. 0: any rate."},
    /* libgsasl picks the last it knows: mutt and neomutt then have no channel binding to give, and
     * do not try another. */
    {"smtpd", "hide_mechanisms", CONF_LIST, AT(smtpd.hide_mechanisms), 0, 16, "SCRAM-SHA-256-PLUS",
     NULL, NULL,
     "SASL mechanisms that AUTH does not list. Mutt, for one, sends nothing where "
     "SCRAM-SHA-256-PLUS is listed; who asks for a hidden mechanism gets it."},
    {"smtpd", "dsn_for_all", CONF_BOOL, AT(smtpd.dsn_for_all), 0, 0, "no", NULL, NULL,
     "Offer delivery status notifications (DSN) on port 25 too. Whoever forges a sender could then have "
     "reports of successful delivery sent to it. With no, the server that hands a message over makes "
     "such a report itself (RFC 3461, 5.2.7)."},
    {"smtpd", "refuse_bare_newline", CONF_BOOL, AT(smtpd.refuse_bare_newline), 0, 0, "no", NULL,
     NULL,
     "Refuse messages with a line feed or carriage return of its own instead of making a line end "
     "of it. Neither ever ends a message."},

    {"outbound", "enabled", CONF_BOOL, AT(outbound.enabled), 0, 0, "yes", NULL, NULL,
     "Send to other servers what users submit, and reports to senders. With no, mail for others stays "
     "in the queue until it is switched on."},
    {"outbound", "max_connections", CONF_NUMBER, AT(outbound.max_connections), 1, 10000, "200", NULL,
     NULL, "Connections to other servers at a time."},
    {"outbound", "first_window", CONF_NUMBER, AT(outbound.first_window), 1, 1000, "5", NULL, NULL,
     "Connections to one destination (a set of mail servers, however many domains they serve) at first; "
     "more where it goes well, fewer where it does not."},
    {"outbound", "max_window", CONF_NUMBER, AT(outbound.max_window), 1, 1000, "20", NULL, NULL,
     "Connections to one destination at most."},
    {"outbound", "connection_reuse", CONF_NUMBER, AT(outbound.connection_reuse), 1, 100000, "100",
     NULL, NULL, "Messages sent over one connection, one after the other."},
    {"outbound", "retry_first", CONF_SECONDS, AT(outbound.retry_first_s), 1, 86400, "5m", NULL, NULL,
     "How long after a first try in vain the second one follows; doubled each time, give or take a fifth."},
    {"outbound", "retry_max", CONF_SECONDS, AT(outbound.retry_max_s), 1, 604800, "4h", NULL, NULL,
     "The longest time between two tries."},
    {"outbound", "expire", CONF_SECONDS, AT(outbound.expire_s), 60, 2592000, "5d", NULL, NULL,
     "When a message is given up and its sender told so (RFC 5321 asks for four or five days)."},
    {"outbound", "delay_notice", CONF_SECONDS, AT(outbound.delay_notice_s), 0, 2592000, "4h", NULL,
     NULL, "When the sender is told that a message has not gone out yet; 0 is never."},
    {"outbound", "source", CONF_LIST, AT(outbound.source), 0, 64, "", NULL, check_address,
     "Addresses of this machine to connect from, the first IPv4 one and the first IPv6 one; the system "
     "chooses when left out."},
    {"outbound", "allow_private", CONF_BOOL, AT(outbound.allow_private), 0, 0, "no", NULL, NULL,
     "Connect to hosts that the DNS puts at loopback or private addresses. Else a stranger's domain could "
     "point into your network."},
    {"outbound", "port", CONF_NUMBER, AT(outbound.port), 1, 65535, "25", NULL, NULL,
     "The port of other mail servers; another one for trying things out."},
    {"outbound", "helo", CONF_STRING, AT(outbound.helo), 0, 0, "", NULL, check_helo,
     "The name we give to other servers (EHLO); it should be the one that our address resolves to. "
     "The hostname when left out."},
    {"outbound", "ca_file", CONF_PATH, AT(outbound.ca_file), 0, 0, "", NULL, NULL,
     "The authorities to trust, a PEM file, where a server's certificate must be verified (MTA-STS, "
     "`transport` with tls = \"verified\"); the system's when left out."},
    {"outbound", "policy_port", CONF_NUMBER, AT(outbound.policy_port), 1, 65535, "443", NULL, NULL,
     "The port of the servers that have domains' MTA-STS policies; another one for trying things out."},
    {"dns", "resolvers", CONF_LIST, AT(dns.resolvers), 0, 8, "", NULL, check_resolver,
     "The name servers to ask, each with its port behind an @ where that is not 53; the system's "
     "(/etc/resolv.conf) when there are none. They must answer for every domain and pass on DNSSEC's "
     "records: with one that drops those, as some home routers do, nothing can be validated, mail goes "
     "without DANE, and the log says so (dns_not_validated); then name others here, or set "
     "`from_root`."},
    {"dns", "from_root", CONF_BOOL, AT(dns.from_root), 0, 0, "no", NULL, NULL,
     "Ask nobody in between: begin at the DNS's root servers, whatever `resolvers` or the system "
     "say. Then nobody on the way to a resolver can make it seem that this one knows no DNSSEC."},
    {"dns", "trust_anchor_file", CONF_PATH, AT(dns.trust_anchor_file), 0, 0,
     "/usr/share/dns/root.key", NULL, NULL,
     "The key of the DNS's root (of Debian's package dns-root-data), in the form of a zone file. "
     "Without it, or with \"\", nothing is validated and mail goes out without DANE."},
    {"dns", "timeout", CONF_SECONDS, AT(dns.timeout_s), 1, 120, "20s", NULL, NULL,
     "How long an answer is waited for."},

    {"sending", "per_hour", CONF_NUMBER, AT(sending.per_hour), 0, 1000000000, "500", NULL, NULL,
     "Recipients at other servers in an hour; 0 is any number."},
    {"sending", "per_day", CONF_NUMBER, AT(sending.per_day), 0, 1000000000, "2000", NULL, NULL,
     "Recipients at other servers in a day; 0 is any number."},
    {"sending", "new_per_day", CONF_NUMBER, AT(sending.new_per_day), 0, 1000000000, "500", NULL, NULL,
     "Of them, addresses that the account never wrote to before; 0 is any number."},
    {"sending", "max_future_release", CONF_SECONDS, AT(sending.max_future_release_s), 0, 31536000,
     "60d", NULL, NULL,
     "How far ahead a mail program may ask for a message to be sent (FUTURERELEASE); 0 does not offer it."},
    {"sending", "suppress", CONF_SECONDS, AT(sending.suppress_s), 0, 31536000, "14d", NULL, NULL,
     "How long an address that was refused for good is not tried again (`pillarbox suppression`); 0 is not "
     "at all."},

    {"transport", "host", CONF_STRING, AT_TRANSPORT(host), 0, 0, "", NULL, check_transport_host,
     "The name or address of the server to send to; its MX is not asked for."},
    {"transport", "port", CONF_NUMBER, AT_TRANSPORT(port), 0, 65535, "0", NULL, NULL,
     "Its port; 0 is 25, with `implicit_tls` 465, for LMTP 24."},
    {"transport", "socket", CONF_PATH, AT_TRANSPORT(socket), 0, 0, "", NULL, check_socket,
     "In place of host and port: the Unix socket of an LMTP server on this machine."},
    {"transport", "protocol", CONF_STRING, AT_TRANSPORT(protocol), 0, 0, "smtp", "smtp lmtp", NULL,
     "What it speaks."},
    {"transport", "tls", CONF_STRING, AT_TRANSPORT(tls), 0, 0, "opportunistic",
     "none opportunistic required verified", NULL,
     "\"opportunistic\" uses TLS where it is offered, \"required\" sends nothing without it, "
     "\"verified\" asks for a certificate of the host's name, too."},
    {"transport", "implicit_tls", CONF_BOOL, AT_TRANSPORT(implicit_tls), 0, 0, "no", NULL, NULL,
     "TLS from the first octet (submissions, port 465) instead of STARTTLS."},
    {"transport", "user", CONF_STRING, AT_TRANSPORT(user), 0, 0, "", NULL, NULL,
     "Whom to log in as there; needs tls = \"verified\" or \"required\"."},
    {"transport", "password_file", CONF_PATH, AT_TRANSPORT(password_file), 0, 0, "", NULL, NULL,
     "A file whose first line is the password for it; nobody else should be able to read it."},

    {"pop3d", "pop3", CONF_BOOL, AT(pop3d.pop3), 0, 0, "yes", NULL, NULL,
     "Listen on port 110 (STLS)."},
    {"pop3d", "pop3s", CONF_BOOL, AT(pop3d.pop3s), 0, 0, "yes", NULL, NULL,
     "Listen on port 995 (TLS from the first octet)."},
    {"pop3d", "timeout", CONF_SECONDS, AT(pop3d.timeout_s), 600, 86400, "10m", NULL, NULL,
     "How long a client may be silent (RFC 1939 asks for ten minutes at least)."},

    {"imapd", "imap", CONF_BOOL, AT(imapd.imap), 0, 0, "yes", NULL, NULL,
     "Listen on port 143 (STARTTLS)."},
    {"imapd", "imaps", CONF_BOOL, AT(imapd.imaps), 0, 0, "yes", NULL, NULL,
     "Listen on port 993 (TLS from the first octet)."},
    {"imapd", "timeout", CONF_SECONDS, AT(imapd.timeout_s), 1800, 604800, "30m", NULL, NULL,
     "How long a client may be silent (RFC 3501 asks for thirty minutes at least)."},
    {"imapd", "max_line", CONF_NUMBER, AT(imapd.max_line), 8192, 16777216, "65536", NULL, NULL,
     "Octets of one command after login, its literals not counted."},
    {"imapd", "max_line_before_login", CONF_NUMBER, AT(imapd.max_line_before_login), 1024, 65536,
     "8192", NULL, NULL, "Octets of one command before login."},
    {"imapd", "append_limit", CONF_SIZE, AT(imapd.append_limit), 65536, 2147483647, "50M", NULL,
     NULL, "The largest message that a client may store."},
    {"imapd", "hide_capabilities", CONF_LIST, AT(imapd.hide_capabilities), 0, 64, "", NULL, NULL,
     "Capabilities never to advertise, for a client that trips over one: { \"MOVE\" }. Without "
     "LITERAL+ there is LITERAL-."},
    {"imapd", "search_index", CONF_BOOL, AT(imapd.search_index), 0, 0, "yes", NULL, NULL,
     "Index the messages of accounts that are in use, so that searching and sorting them is fast. "
     "The index stands in files beside the account's database and is made anew where it is missing."},
    {"imapd", "uidonly", CONF_BOOL, AT(imapd.uidonly), 0, 0, "no", NULL, NULL,
     "Offer UIDONLY (RFC 9586): a client that enables it hears of UIDs only, never of message numbers."},
    {"imapd", "message_limit", CONF_NUMBER, AT(imapd.message_limit), 0, 1000000000, "0", NULL, NULL,
     "How many messages one command may concern (MESSAGELIMIT, RFC 9738), 0: any number. Most clients "
     "do not know it, and see only so many of a large mailbox; less than 1000 is asking for trouble."},
    {"imapd", "admins", CONF_LIST, AT(imapd.admins), 0, 64, "", NULL, NULL,
     "Addresses of accounts that may change by IMAP what concerns others: everybody's quota "
     "(SETQUOTA) and the server's shared annotations (SETMETADATA)."},
    {"imapd", "share_with_all", CONF_BOOL, AT(imapd.share_with_all), 0, 0, "no", NULL, NULL,
     "Let users share folders with everybody (SETACL with `anyone` or `authenticated`): such a folder "
     "stands in every account's list. Administrators may always, and `pillarbox mailbox rights`."},

    {"metrics", "listen", CONF_LIST, AT(metrics.listen), 1, 64, "127.0.0.1", NULL, check_address,
     "The addresses to listen on."},
    {"metrics", "smtpd_port", CONF_NUMBER, AT(metrics.smtpd_port), 0, 65535, "0", NULL, NULL,
     "Port of smtpd's figures (port_offset is added); 0 is none."},
    {"metrics", "pop3d_port", CONF_NUMBER, AT(metrics.pop3d_port), 0, 65535, "0", NULL, NULL,
     "Port of pop3d's figures."},
    {"metrics", "imapd_port", CONF_NUMBER, AT(metrics.imapd_port), 0, 65535, "0", NULL, NULL,
     "Port of imapd's figures."},
};
/* clang-format on */

const struct conf_option *
conf_options(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(options);
	return options;
}

const struct conf_section *
conf_sections(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(sections);
	return sections;
}

bool
conf_is_titled(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, section) == 0)
			return sections[i].title;
	return false;
}

const struct conf_option *
conf_find_option(struct str section, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(section, str_of(options[i].section)) &&
		    str_eq(name, str_of(options[i].name)))
			return &options[i];
	return NULL;
}
