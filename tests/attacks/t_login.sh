#!/bin/bash
# Before and around login: who is a user (by words or time), guessing, floods of literals, and what expands when it is inflated.
. "$(dirname "$0")/attack.sh"
suite_start max_connections_per_address=500 login_failure_delay=10ms login_cache=0s
attack login.py
finish
