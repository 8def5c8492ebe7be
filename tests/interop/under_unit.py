#!/usr/bin/env python3
"""under_unit.py UNIT PROGRAM ARGUMENTS...: runs the program under the unit's SystemCallFilter= lines, as systemd would (systemd.exec(5)).

The sets' members are what systemd-analyze says; libseccomp makes the filter. One capability stays, as the unit gives one.
"""
import ctypes
import ctypes.util
import os
import subprocess
import sys


def members(name, seen):
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    seen.add(name)
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True).stdout
    calls = set()
    for line in text.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            calls |= members(word, seen)
    return calls


allowed = members("@default", set())
for line in open(sys.argv[1]):
    if line.startswith("SystemCallFilter="):
        value = line.strip().split("=", 1)[1]
        names = value.lstrip("~").split()
        of_line = set().union(*(members(n, set()) for n in names))
        allowed = allowed - of_line if value.startswith("~") else allowed | of_line
allowed |= {"execve", "exit", "exit_group", "rt_sigreturn", "sigreturn"}

lib = ctypes.CDLL("libseccomp.so.2")
libc = ctypes.CDLL(None, use_errno=True)
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
lib.seccomp_load.argtypes = [ctypes.c_void_p]
ERRNO_EPERM, ALLOW = 0x00050001, 0x7FFF0000
context = lib.seccomp_init(ERRNO_EPERM)
for name in allowed:
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        lib.seccomp_rule_add_array(context, ALLOW, number, 0, None)
if lib.seccomp_load(context) != 0:
    sys.exit("the filter can't be loaded")
os.execv(sys.argv[2], sys.argv[2:])
