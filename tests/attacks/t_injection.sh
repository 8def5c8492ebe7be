#!/bin/bash
# What is put where it does not belong: commands before TLS, browsers' requests, recipients that lead elsewhere, line ends in addresses, SQL and paths in names, lines in the log.
. "$(dirname "$0")/attack.sh"
suite_start max_connections_per_address=500 login_failure_delay=1ms bad_commands_after_login=1000
attack injection.py
finish
