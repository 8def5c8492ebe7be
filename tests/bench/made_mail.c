#include "tests/bench/made_mail.h"

enum { VOCABULARY = 4096, LINE_LENGTH = 72 };

static uint64_t
next_random(uint64_t *state)
{
	uint64_t x = *state; /* xorshift64 */
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* Word `number` of the vocabulary: syllables, so that words share beginnings as real ones do. */
static void
put_word(struct sbuf *b, size_t number)
{
	static const char *const syllables[] = {"ba", "con", "de", "fer", "gi", "lan", "mo", "ner",
	    "pas", "qui", "ro", "sta", "ti", "ul", "ver", "zo"};
	do {
		sbuf_puts(b, syllables[number % 16]);
		number /= 16;
	} while (number > 0);
}

/* Small numbers far more often than large ones. */
static size_t
common_number(uint64_t *state)
{
	uint64_t r = next_random(state);
	return (size_t)((r >> 8) % VOCABULARY) >> (r % 10);
}

static void
put_text(struct sbuf *b, uint64_t *state, size_t n, size_t size)
{
	size_t end = b->n + size;
	size_t line = b->n;
	if (n % 2 == 0)
		sbuf_puts(b, "The meeting is on Monday. ");
	if (n % 1000 == 500)
		sbuf_puts(b, "A zebrafish swims by. ");
	while (b->n < end && sbuf_error(b) == ERR_OK) {
		put_word(b, common_number(state));
		if (b->n - line >= LINE_LENGTH) {
			sbuf_puts(b, "\r\n");
			line = b->n;
		} else {
			sbuf_putc(b, ' ');
		}
	}
	sbuf_puts(b, "\r\n");
}

static void
put_header(struct sbuf *b, uint64_t *state, size_t n)
{
	static const char *const months[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	static const char *const days[] = {"Fri", "Sat", "Sun", "Mon", "Tue", "Wed", "Thu"};
	size_t day = n % 28 + 1;
	const char *month = months[n / 28 % 12];
	const char *weekday = days[n % 7];
	size_t from = next_random(state) % 500;
	for (size_t hop = 0; hop < 2; hop++)
		sbuf_printf(b,
		    "Received: from relay%zu.remote.test (relay%zu.remote.test [192.0.2.%zu])\r\n"
		    "\tby mx%zu.example.test with ESMTPS id %08zx%zu\r\n"
		    "\tfor <bench@example.test>; %s, %02zu %s 2026 12:%02zu:%02zu +0000\r\n",
		    n % 50, n % 50, n % 250 + 1, hop, n, hop, weekday, day, month, n % 60,
		    n / 60 % 60);
	sbuf_printf(b, "From: \"Writer Number %zu\" <writer%zu@remote.test>\r\n", from, from);
	sbuf_puts(b, "To: Bench Reader <bench@example.test>\r\n");
	if (n % 3 == 0)
		sbuf_printf(
		    b, "Cc: other%zu@remote.test, list%zu@remote.test\r\n", n % 100, n % 20);
	sbuf_puts(b, n % 4 == 1 ? "Subject: Re:" : "Subject:");
	for (size_t i = 0; i < 3 + n % 4; i++) {
		sbuf_putc(b, ' ');
		put_word(b, common_number(state));
	}
	sbuf_printf(b, "\r\nDate: %s, %02zu %s 2026 12:%02zu:%02zu +0000\r\n", weekday, day, month,
	    n % 60, n / 60 % 60);
	sbuf_printf(b, "Message-ID: <%zu.bench@remote.test>\r\n", n);
	if (n % 4 == 1 && n > 4)
		sbuf_printf(b,
		    "In-Reply-To: <%zu.bench@remote.test>\r\nReferences: <%zu.bench@remote.test> "
		    "<%zu.bench@remote.test>\r\n",
		    n - 1, n - 4, n - 1);
	sbuf_puts(b, "MIME-Version: 1.0\r\n");
}

void
made_mail(struct sbuf *b, size_t n, size_t size)
{
	uint64_t state = (n + 1) * 0x9e3779b97f4a7c15u;
	size_t start = b->n;
	put_header(b, &state, n);
	size_t header = b->n - start + 100;
	size_t text = size > header ? size - header : 1;
	if (n % 4 != 0) {
		sbuf_puts(b, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
		put_text(b, &state, n, text);
		return;
	}
	sbuf_puts(b, "Content-Type: multipart/alternative; boundary=\"=_bench\"\r\n\r\n"
		     "--=_bench\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
	put_text(b, &state, n, text / 2);
	sbuf_puts(b, "--=_bench\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>");
	put_text(b, &state, n, text / 2);
	sbuf_puts(b, "</p></body></html>\r\n--=_bench--\r\n");
}
