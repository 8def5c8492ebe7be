/* common/sandbox/sandbox_private.h - the halves of the sandbox; only for this folder. */
#ifndef COMMON_SANDBOX_SANDBOX_PRIVATE_H
#define COMMON_SANDBOX_SANDBOX_PRIVATE_H

#include "common/sandbox/sandbox.h"

/* ERR_CANNOT: the kernel has none. *ret_calls: how many are allowed. */
NODISCARD enum err sandbox_filter_calls(const struct sandbox *s, unsigned *ret_calls);

/* ERR_CANNOT: the kernel has none, or one that can't be used (before 5.19 a file can't be
 * linked or renamed into another directory). *ret_abi: the kernel's version of it. */
NODISCARD enum err sandbox_shut_files(const struct sandbox *s, int *ret_abi);

#endif
