/* Every command of the table in every state: what the row says is what happens. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"
#include "tests/pop3d/fixture.h"

#include <stdio.h>

/* A line with arguments that fit, for each row. */
static const char *
sample(const struct pop3_command *row)
{
	static const struct {
		const char *name, *line;
	} special[] = {
	    {"AUTH", "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAb3BlbiBzZXNhbWU="},
	    {"LANG", "LANG en"},
	    {"PASS", "PASS open sesame"},
	    {"USER", "USER ann@example.test"},
	};
	static char line[40];

	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		if (strcmp(row->name, special[i].name) == 0)
			return special[i].line;
	const char *args = row->args == ARGS_MESSAGE || row->args == ARGS_MAY_MESSAGE ? " 1"
			   : row->args == ARGS_MESSAGE_LINES                          ? " 1 2"
										      : "";
	snprintf(line, sizeof(line), "%s%s", row->name, args);
	return line;
}

static struct conn *
connect_in(struct pop3_fixture *f, enum pop3_state state)
{
	static const struct conn_memory_options options = {.tls_available = true};
	struct conn *c = pop3_connect(f, &options);

	pop3_output(f, c);
	if (state == ST_USER_GIVEN)
		pop3_ask(f, c, "USER ann@example.test");
	if (state == ST_TRANSACTION)
		pop3_ask(f, c, "USER ann@example.test\r\nPASS open sesame");
	return c;
}

START_TEST(every_command_works_in_its_states_and_no_other)
{
	static const enum pop3_state states[] = {ST_AUTHORIZATION, ST_USER_GIVEN, ST_TRANSACTION};
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	for (size_t i = 0; i < pop3_command_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(states); k++) {
			const struct pop3_command *row = &pop3_commands[i];
			CLEANUP(conn_memory_close) struct conn *c = connect_in(f, states[k]);
			const char *got = pop3_ask(f, c, sample(row));
			bool valid = row->states & states[k];

			ck_assert_msg(
			    strncmp(got, valid ? "+OK" : "-ERR Not possible in this state", 3) == 0,
			    "%s in state %d: %s", row->name, (int)states[k], got);
			/* whatever it was, the session is in order: one answer to each more */
			if (strcmp(row->name, "QUIT") == 0)
				continue;
			got = pop3_ask(f, c, "BOGUS");
			ck_assert_str_eq(got, "-ERR Unknown command\r\n");
		}
}
END_TEST

START_TEST(every_row_is_complete_and_found_in_any_case)
{
	for (size_t i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];
		char lower[8] = "";

		ck_assert_ptr_nonnull(row->handler);
		ck_assert_uint_ne(row->states, 0);
		ck_assert_uint_eq(row->states & ST_UPDATE, 0);
		for (size_t n = 0; row->name[n]; n++)
			lower[n] = ascii_lower(row->name[n]);
		ck_assert_ptr_eq(pop3_find_command(str_of(lower)), row);
		if (i)
			ck_assert_str_lt(pop3_commands[i - 1].name, row->name);
	}
	ck_assert_ptr_null(pop3_find_command(STR("")));
	ck_assert_ptr_null(pop3_find_command(STR("STA")));
	ck_assert_ptr_null(pop3_find_command(STR("STATS")));
}
END_TEST

START_TEST(every_error_has_its_reply)
{
	for (int e = 1; e < ERR__COUNT; e++) {
		const struct pop3_error *row = pop3_error_of((enum err)e);

		ck_assert_msg(row->code != NULL, "%s", err_name((enum err)e));
		ck_assert_msg(row->text >= TEXT_SYNTAX, "%s", err_name((enum err)e));
		if (err_class((enum err)e) == ERR_CLASS_OURS) /* RFC 3206 §4 */
			ck_assert_msg(
			    strncmp(row->code, "SYS/", 4) == 0, "%s", err_name((enum err)e));
		if (err_class((enum err)e) == ERR_CLASS_CLIENT)
			ck_assert_str_eq(row->code, "");
	}
}
END_TEST

/* Each argument of each row in the wrong shape is a syntax error and changes nothing. */
START_TEST(every_command_checks_its_arguments)
{
	CLEANUP(pop3_fixture_close)
	struct pop3_fixture *f = pop3_fixture_open(pop3_three_messages, 3);

	for (size_t i = 0; i < pop3_command_count; i++) {
		const struct pop3_command *row = &pop3_commands[i];
		enum pop3_state in = row->states & ST_TRANSACTION ? ST_TRANSACTION : ST_USER_GIVEN;
		const char *bad = row->args == ARGS_TEXT ? "" : " 1 2 3 x";
		if (row->args == ARGS_MAY_TEXT)
			continue;
		CLEANUP(conn_memory_close) struct conn *c = connect_in(f, in);
		const char *got = pop3_ask(f, c, arena_printf(f->arena, "%s%s", row->name, bad).p);
		ck_assert_msg(strncmp(got, "-ERR Syntax", 11) == 0, "%s: %s", row->name, got);
	}
}
END_TEST

TEST_MAIN("pop3_states", every_command_works_in_its_states_and_no_other,
    every_row_is_complete_and_found_in_any_case, every_error_has_its_reply,
    every_command_checks_its_arguments)
