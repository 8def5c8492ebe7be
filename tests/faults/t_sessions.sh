#!/bin/bash
# Whole sessions of the daemons, in one process, with each call failing in turn (SEED=n repeats a choice of calls), and a whole imapd with its
# connections, TLS and threads.
. "$(dirname "$0")/programs.sh"
run_programs test_imap_faults test_pop3_faults test_smtp_faults test_net_faults
finish
