/* store/threads_private.h - what the cleaner needs of threads.c. Private to store/. */
#ifndef STORE_THREADS_PRIVATE_H
#define STORE_THREADS_PRIVATE_H

#include "store/database.h"
#include "store/threads.h"

/* A message is deleted. With the last one of a thread what leads to it goes. */
NODISCARD enum err txn_forget_thread(struct txn *t, int64_t message);

#endif
