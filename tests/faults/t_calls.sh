#!/bin/bash
# The programs that make calls of the store fail and damage databases in one process.
. "$(dirname "$0")/programs.sh"
run_programs test_store test_repair
finish
