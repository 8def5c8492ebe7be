/* search/facts_build.h - the builder of the facts of a segment (segment_build.h). */
#ifndef SEARCH_FACTS_BUILD_H
#define SEARCH_FACTS_BUILD_H

#include "search/segment_build.h"

extern const struct segment_builder facts_builder;

#endif
