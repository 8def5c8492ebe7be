# tests/mail
