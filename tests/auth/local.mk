# tests/auth
