/* search/word_table.h - the words of a segment that is being made, in memory: each word once, its
 * postings coded as they will be written (words_private.h). One thread. Only for this folder.
 */
#ifndef SEARCH_WORD_TABLE_H
#define SEARCH_WORD_TABLE_H

#include "search/segment_writer.h"
#include "search/words_private.h"

struct word_table;

struct word_table *word_table_new(void);
void word_table_free(struct word_table **t);
size_t word_table_memory(const struct word_table *t);

/* The word (1 to WORD_WINDOW octets) is in this message at this place. Ordinals never go back. A
 * failure (memory, more than 4 GB of anything) sticks. */
void word_table_add(struct word_table *t, struct str word, uint32_t ordinal, unsigned place);
enum err word_table_error(const struct word_table *t);
/* Writes all but the section words.unknown. Nothing can be added any more. ERR_NOMEM. */
NODISCARD enum err word_table_write(struct word_table *t, struct segment_writer *w);

#endif
