# Fuzz targets. replay_<target> runs the seeds of corpus/<target> in `make check`; with
# --enable-fuzzing, fuzz_<target> is a libFuzzer program and `make fuzz` runs each for FUZZ_SECONDS.
MAIL_FUZZ_TARGETS = index address words utf7 date codec header
EXTRA_DIST += %D%/corpus
EXTRA_DIST += %D%/index.dict %D%/address.dict %D%/words.dict %D%/date.dict %D%/header.dict

check_PROGRAMS += tests/fuzz/replay_index
tests_fuzz_replay_index_SOURCES = %D%/fuzz_index.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_index_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_address
tests_fuzz_replay_address_SOURCES = %D%/fuzz_address.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_address_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_words
tests_fuzz_replay_words_SOURCES = %D%/fuzz_words.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_words_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_utf7
tests_fuzz_replay_utf7_SOURCES = %D%/fuzz_utf7.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_utf7_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_date
tests_fuzz_replay_date_SOURCES = %D%/fuzz_date.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_date_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_codec
tests_fuzz_replay_codec_SOURCES = %D%/fuzz_codec.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_codec_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_header
tests_fuzz_replay_header_SOURCES = %D%/fuzz_header.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_header_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_jwt
tests_fuzz_replay_jwt_SOURCES = %D%/fuzz_jwt.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_jwt_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)

if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_index
tests_fuzz_fuzz_index_SOURCES = %D%/fuzz_index.c %D%/fuzz.h
tests_fuzz_fuzz_index_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_index_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_address
tests_fuzz_fuzz_address_SOURCES = %D%/fuzz_address.c %D%/fuzz.h
tests_fuzz_fuzz_address_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_words
tests_fuzz_fuzz_words_SOURCES = %D%/fuzz_words.c %D%/fuzz.h
tests_fuzz_fuzz_words_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_words_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_utf7
tests_fuzz_fuzz_utf7_SOURCES = %D%/fuzz_utf7.c %D%/fuzz.h
tests_fuzz_fuzz_utf7_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_utf7_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_date
tests_fuzz_fuzz_date_SOURCES = %D%/fuzz_date.c %D%/fuzz.h
tests_fuzz_fuzz_date_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_date_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_codec
tests_fuzz_fuzz_codec_SOURCES = %D%/fuzz_codec.c %D%/fuzz.h
tests_fuzz_fuzz_codec_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_codec_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_header
tests_fuzz_fuzz_header_SOURCES = %D%/fuzz_header.c %D%/fuzz.h
tests_fuzz_fuzz_header_LDADD = $(MAIL_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_jwt
tests_fuzz_fuzz_jwt_SOURCES = %D%/fuzz_jwt.c %D%/fuzz.h
tests_fuzz_fuzz_jwt_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_jwt_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

EXTRA_DIST += %D%/smtp_session.dict %D%/smtp_parse.dict
SMTP_FUZZ_SOURCES = tests/smtpd/fake.c tests/smtpd/fake.h %D%/fuzz.h %D%/cheap_hash.c %D%/cheap_hash.h
check_PROGRAMS += tests/fuzz/replay_smtp_session
tests_fuzz_replay_smtp_session_SOURCES = %D%/fuzz_smtp_session.c %D%/replay.c $(SMTP_FUZZ_SOURCES)
tests_fuzz_replay_smtp_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_fuzz_replay_smtp_session_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/fuzz/replay_smtp_parse
tests_fuzz_replay_smtp_parse_SOURCES = %D%/fuzz_smtp_parse.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_smtp_parse_LDADD = libsmtpd.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_session
tests_fuzz_fuzz_smtp_session_SOURCES = %D%/fuzz_smtp_session.c $(SMTP_FUZZ_SOURCES)
tests_fuzz_fuzz_smtp_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_fuzz_fuzz_smtp_session_LDADD = $(SMTPD_TEST_LIBS)
tests_fuzz_fuzz_smtp_session_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_parse
tests_fuzz_fuzz_smtp_parse_SOURCES = %D%/fuzz_smtp_parse.c %D%/fuzz.h
tests_fuzz_fuzz_smtp_parse_LDADD = libsmtpd.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_smtp_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# the store's
check_PROGRAMS += tests/fuzz/replay_entry_page
tests_fuzz_replay_entry_page_SOURCES = %D%/fuzz_entry_page.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_entry_page_LDADD = $(STORE_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_entry_page
tests_fuzz_fuzz_entry_page_SOURCES = %D%/fuzz_entry_page.c %D%/fuzz.h
tests_fuzz_fuzz_entry_page_LDADD = $(STORE_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_entry_page_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# the search's
EXTRA_DIST += %D%/facts.dict
check_PROGRAMS += tests/fuzz/replay_facts
tests_fuzz_replay_facts_SOURCES = %D%/fuzz_facts.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_facts_LDADD = $(SEARCH_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_facts
tests_fuzz_fuzz_facts_SOURCES = %D%/fuzz_facts.c %D%/fuzz.h
tests_fuzz_fuzz_facts_LDADD = $(SEARCH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_facts_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
check_PROGRAMS += tests/fuzz/replay_segment
tests_fuzz_replay_segment_SOURCES = %D%/fuzz_segment.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_segment_LDADD = $(SEARCH_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_segment
tests_fuzz_fuzz_segment_SOURCES = %D%/fuzz_segment.c %D%/fuzz.h
tests_fuzz_fuzz_segment_LDADD = $(SEARCH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_segment_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# signatures of mail
check_PROGRAMS += tests/fuzz/replay_dkim
tests_fuzz_replay_dkim_SOURCES = %D%/fuzz_dkim.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_dkim_LDADD = $(TRUST_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_srs
tests_fuzz_replay_srs_SOURCES = %D%/fuzz_srs.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_srs_LDADD = $(TRUST_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_dkim
tests_fuzz_fuzz_dkim_SOURCES = %D%/fuzz_dkim.c %D%/fuzz.h
tests_fuzz_fuzz_dkim_LDADD = $(TRUST_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_dkim_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_srs
tests_fuzz_fuzz_srs_SOURCES = %D%/fuzz_srs.c %D%/fuzz.h
tests_fuzz_fuzz_srs_LDADD = $(TRUST_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_srs_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# FUZZ_SECONDS=60 or FUZZ_RUNS=n each, FUZZ="index words" some of them: see run.sh
EXTRA_DIST += %D%/run.sh
fuzz: all
	@$(srcdir)/tests/fuzz/run.sh $(srcdir)
.PHONY: fuzz

# imapd's
EXTRA_DIST += %D%/imap_session.dict
check_PROGRAMS += tests/fuzz/replay_imap_parse
tests_fuzz_replay_imap_parse_SOURCES = %D%/fuzz_imap_parse.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_imap_parse_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_imap_session
tests_fuzz_replay_imap_session_SOURCES = %D%/fuzz_imap_session.c %D%/replay.c %D%/fuzz.h %D%/ground.c %D%/ground.h %D%/cheap_hash.c %D%/cheap_hash.h
tests_fuzz_replay_imap_session_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_imap_parse
tests_fuzz_fuzz_imap_parse_SOURCES = %D%/fuzz_imap_parse.c %D%/fuzz.h
tests_fuzz_fuzz_imap_parse_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_imap_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += tests/fuzz/fuzz_imap_session
tests_fuzz_fuzz_imap_session_SOURCES = %D%/fuzz_imap_session.c %D%/fuzz.h %D%/ground.c %D%/ground.h %D%/cheap_hash.c %D%/cheap_hash.h
tests_fuzz_fuzz_imap_session_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_imap_session_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# pop3d's
EXTRA_DIST += %D%/pop3_session.dict
POP3_FUZZ_SOURCES = %D%/fuzz_pop3_session.c %D%/fuzz.h %D%/ground.c %D%/ground.h %D%/cheap_hash.c %D%/cheap_hash.h
POP3_FUZZ_LIBS = libpop3d.a $(DAEMON_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/fuzz/replay_pop3_session
tests_fuzz_replay_pop3_session_SOURCES = %D%/replay.c $(POP3_FUZZ_SOURCES)
tests_fuzz_replay_pop3_session_LDADD = $(POP3_FUZZ_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_pop3_session
tests_fuzz_fuzz_pop3_session_SOURCES = $(POP3_FUZZ_SOURCES)
tests_fuzz_fuzz_pop3_session_LDADD = $(POP3_FUZZ_LIBS)
tests_fuzz_fuzz_pop3_session_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# sending's
EXTRA_DIST += %D%/smtp_client.dict
SMTP_CLIENT_FUZZ_SOURCES = %D%/fuzz_smtp_client.c tests/outbound/client_fixture.c \
	tests/outbound/client_fixture.h %D%/fuzz.h
check_PROGRAMS += tests/fuzz/replay_smtp_client tests/fuzz/replay_reply tests/fuzz/replay_downgrade
tests_fuzz_replay_smtp_client_SOURCES = %D%/replay.c $(SMTP_CLIENT_FUZZ_SOURCES)
tests_fuzz_replay_smtp_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_fuzz_replay_smtp_client_LDADD = $(OUTBOUND_TEST_LIBS)
tests_fuzz_replay_reply_SOURCES = %D%/fuzz_reply.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_reply_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_downgrade_SOURCES = %D%/fuzz_downgrade.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_downgrade_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_client tests/fuzz/fuzz_reply tests/fuzz/fuzz_downgrade
tests_fuzz_fuzz_smtp_client_SOURCES = $(SMTP_CLIENT_FUZZ_SOURCES)
tests_fuzz_fuzz_smtp_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_fuzz_fuzz_smtp_client_LDADD = $(OUTBOUND_TEST_LIBS)
tests_fuzz_fuzz_smtp_client_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_reply_SOURCES = %D%/fuzz_reply.c %D%/fuzz.h
tests_fuzz_fuzz_reply_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_reply_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_downgrade_SOURCES = %D%/fuzz_downgrade.c %D%/fuzz.h
tests_fuzz_fuzz_downgrade_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_downgrade_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# what the DNS, the web, an administrator and a client's login say
EXTRA_DIST += %D%/dns.dict %D%/sts.dict %D%/conf.dict %D%/sasl.dict
check_PROGRAMS += tests/fuzz/replay_dns tests/fuzz/replay_sts tests/fuzz/replay_conf tests/fuzz/replay_sasl
tests_fuzz_replay_dns_SOURCES = %D%/fuzz_dns.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_dns_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
tests_fuzz_replay_sts_SOURCES = %D%/fuzz_sts.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_sts_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_conf_SOURCES = %D%/fuzz_conf.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_conf_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_sasl_SOURCES = %D%/fuzz_sasl.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_sasl_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_dns tests/fuzz/fuzz_sts tests/fuzz/fuzz_conf tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_dns_SOURCES = %D%/fuzz_dns.c %D%/fuzz.h
tests_fuzz_fuzz_dns_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sts_SOURCES = %D%/fuzz_sts.c %D%/fuzz.h
tests_fuzz_fuzz_sts_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_sts_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_conf_SOURCES = %D%/fuzz_conf.c %D%/fuzz.h
tests_fuzz_fuzz_conf_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sasl_SOURCES = %D%/fuzz_sasl.c %D%/fuzz.h
tests_fuzz_fuzz_sasl_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_sasl_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# what the web answers, who asks for figures, what messages say, the large productions of IMAP
EXTRA_DIST += %D%/http.dict %D%/scrape.dict %D%/text.dict %D%/imap_grammar.dict
check_PROGRAMS += tests/fuzz/replay_http tests/fuzz/replay_scrape tests/fuzz/replay_text tests/fuzz/replay_imap_grammar
tests_fuzz_replay_http_SOURCES = %D%/fuzz_http.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_http_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_scrape_SOURCES = %D%/fuzz_scrape.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_scrape_LDADD = libmetrics.a $(NET_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_text_SOURCES = %D%/fuzz_text.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_text_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_replay_imap_grammar_SOURCES = %D%/fuzz_imap_grammar.c %D%/replay.c %D%/fuzz.h
tests_fuzz_replay_imap_grammar_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_http tests/fuzz/fuzz_scrape tests/fuzz/fuzz_text tests/fuzz/fuzz_imap_grammar
tests_fuzz_fuzz_http_SOURCES = %D%/fuzz_http.c %D%/fuzz.h
tests_fuzz_fuzz_http_LDADD = $(AUTH_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_scrape_SOURCES = %D%/fuzz_scrape.c %D%/fuzz.h
tests_fuzz_fuzz_scrape_LDADD = libmetrics.a $(NET_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_scrape_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_text_SOURCES = %D%/fuzz_text.c %D%/fuzz.h
tests_fuzz_fuzz_text_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_text_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_imap_grammar_SOURCES = %D%/fuzz_imap_grammar.c %D%/fuzz.h
tests_fuzz_fuzz_imap_grammar_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
tests_fuzz_fuzz_imap_grammar_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
