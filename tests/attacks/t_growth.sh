#!/bin/bash
# Messages made to be dear: what they cost, delivered and read, grows no faster than they do.
. "$(dirname "$0")/attack.sh"
suite_start
attack growth.py
finish
