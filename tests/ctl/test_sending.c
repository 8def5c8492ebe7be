/* `pillarbox dkim`, `dns` and `account forward`, as people call them. Nothing here asks the DNS. */
#include "tests/ctl/ctl_fixture.h"

#include <stdio.h>
#include <string.h>

START_TEST(keys_are_made_listed_rotated_and_removed)
{
	const char *dir = ctl_begin();
	const char *output;
	char selector[64];

	ck_ctl(dir, 4, "not served here", "dkim add other.test");
	ck_ctl(dir, 4, "is not signed; `pillarbox dkim add", "dkim rotate example.test");
	ck_ctl(dir, 0,
	    "._domainkey.example.test. IN TXT \"v=DKIM1; k=rsa; p=", "dkim add example.test");
	ck_ctl(dir, 4, "is signed already", "dkim add example.test");
	ck_ctl(dir, 0, " ed25519 signing since ", "dkim list");
	ck_ctl(
	    dir, 0, "\"algorithm\":\"rsa\",\"state\":\"signing\"", "dkim list example.test --json");
	ck_ctl(dir, 0, "once more", "dkim rotate example.test");
	ck_ctl(dir, 0, " rsa waiting since ", "dkim list");
	ck_ctl(dir, 0, "pillarbox dkim remove example.test e", "dkim rotate example.test --now");
	ck_ctl(dir, 0, " rsa retired since ", "dkim list");
	ck_ctl(dir, 0, "DKIM: the key that signs", "dns show example.test");
	ck_assert_int_eq(ctl_run(dir, &output, "dkim list example.test"), 0);
	ck_assert_int_eq(sscanf(output, "example.test %63s", selector), 1);
	ck_ctl(dir, 0, "", "dkim remove example.test %s", selector);
	ck_ctl(dir, 4, "has no key", "dkim remove example.test %s", selector);
	ck_assert_int_eq(
	    ctl_run(dir, &output, "dkim list | sed -n '/signing/s/^[^ ]* \\([^ ]*\\).*/\\1/p'"), 0);
	ck_assert_int_eq(sscanf(output, "%63s", selector), 1);
	ck_ctl(dir, 1, "signs mail", "dkim remove example.test %s", selector);
	ck_ctl(dir, 0, "", "dkim remove example.test %s --yes", selector);
	ck_assert_int_eq(ctl_run(dir, &output, "dkim list example.test"), 0);
	ck_assert_ptr_null(strstr(output, selector));
	ctl_end(dir);
}
END_TEST

START_TEST(a_signature_is_shown_without_what_a_terminal_obeys)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 1, "d=\\xe2\\x80\\xaered s=\\xe2\\x80\\xaey: ",
	    "dkim verify - 2>&1 <<'E'\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; d=\xe2\x80\xaered; s=\xe2\x80\xaey; bh=; b=;\n"
	    "From: a@b.test\n\nx\nE\n#");
	ctl_end(dir);
}
END_TEST

START_TEST(a_zone_is_shown)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 4, "not served here", "dns show other.test");
	ck_ctl(dir, 0, "example.test. IN MX 10 mail.example.test.", "dns show example.test");
	ck_ctl(dir, 0, "IN TXT \"v=spf1 mx -all\"", "dns show example.test");
	ck_ctl(dir, 0, "_25._tcp.mail.example.test. IN TLSA 3 1 1 ", "dns show example.test");
	ck_ctl(dir, 0, "mx: mail.example.test", "dns show example.test");
	ck_ctl(dir, 0, "\"type\":\"SRV\"", "dns show example.test --json");
	ctl_end(dir);
}
END_TEST

START_TEST(accounts_are_forwarded)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "", "account add ann@example.test");
	ck_ctl(dir, 0, "", "account add bob@example.test");
	ck_ctl(dir, 0, "is not forwarded", "account forward ann@example.test");
	ck_ctl(dir, 0, "", "account forward ann@example.test x@other.test bob@example.test");
	ck_ctl(dir, 0, "ann@example.test: x@other.test bob@example.test",
	    "account forward ann@example.test");
	ck_ctl(dir, 0, "", "account forward --keep ann@example.test x@other.test");
	ck_ctl(dir, 0, "keeps its mail, and: x@other.test", "account forward ann@example.test");
	ck_ctl(dir, 0, "\"keeps\":true,\"targets\":[\"x@other.test\"]",
	    "account forward ann@example.test --json");
	ck_ctl(dir, 0, "", "account forward ann@example.test --none");
	ck_ctl(dir, 0, "is not forwarded", "account forward ann@example.test");
	ck_ctl(dir, 4, "there is no account", "account forward eve@example.test x@other.test");
	ck_ctl(dir, 4, "that does not exist", "account forward ann@example.test no@example.test");
	ck_ctl(dir, 2, "to itself", "account forward ann@example.test ann@example.test");
	ck_ctl(dir, 2, "is no address", "account forward ann@example.test x");
	ck_ctl(dir, 2, "--keep needs a target", "account forward ann@example.test --keep");
	ck_ctl(dir, 0, "", "alias add team@example.test ann@example.test y@other.test");
	ck_ctl(dir, 0, "team@example.test: ann@example.test y@other.test", "alias list");
	ctl_end(dir);
}
END_TEST

START_TEST(signatures_of_a_message_are_judged)
{
	const char *dir = ctl_begin();
	char path[256];

	snprintf(path, sizeof(path), "%s/m.eml", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("From: a@b\nDKIM-Signature: v=1; a=rsa-sha1; d=b; s=c\nSubject: x\n\nx\n", f);
	fclose(f);
	ck_ctl(
	    dir, 1, "dkim=permerror d=b s=c: its algorithm is not known", "dkim verify %s", path);
	ck_ctl(dir, 1, "arc=none sets=0", "dkim verify - < %s", path);
	ck_ctl(dir, 1, "dkim=none", "dkim verify /dev/null");
	ck_ctl(dir, 4, "does not exist", "dkim verify %s.not", path);
	ctl_end(dir);
}
END_TEST

TEST_MAIN("sending", a_signature_is_shown_without_what_a_terminal_obeys,
    keys_are_made_listed_rotated_and_removed, a_zone_is_shown, accounts_are_forwarded,
    signatures_of_a_message_are_judged)
