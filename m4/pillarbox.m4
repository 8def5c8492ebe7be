# PB_LIBRARY(VAR, PKG-CONFIG-SPEC, DEBIAN-PACKAGE): finds a library, or notes the package that brings it.
AC_DEFUN([PB_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_RESULT([missing: apt-get install $3])
  pb_missing="$pb_missing $3"])
])

# PB_LIBRARY_PLAIN(VAR, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE): the same without pkg-config.
AC_DEFUN([PB_LIBRARY_PLAIN], [
AC_CHECK_HEADER([$2], [AC_CHECK_LIB([$3], [$4], [pb_found=yes], [pb_found=no])], [pb_found=no])
AS_IF([test $pb_found = no], [pb_missing="$pb_missing $5"])
AC_SUBST([$1_LIBS], [-l$3])
])

# PB_TRY_CFLAG(VAR, FLAG): adds FLAG to VAR where the compiler takes it without a warning.
AC_DEFUN([PB_TRY_CFLAG], [
AC_MSG_CHECKING([whether $CC takes $2])
pb_save="$CFLAGS"; CFLAGS="$CFLAGS -Werror $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
CFLAGS="$pb_save"
])

# PB_FLAGS: warnings, hardening and sanitizers.
AC_DEFUN([PB_FLAGS], [
WARN_CFLAGS="-std=gnu17 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough"
AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
HARDEN_CFLAGS=; HARDEN_LDFLAGS=; SANITIZE_CFLAGS=
AS_CASE([$enable_sanitizers],
  [thread], [SANITIZE_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer -g"],
  [yes], [SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"],
  [PB_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-protector-strong])
   PB_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-clash-protection])
   PB_TRY_CFLAG([HARDEN_CFLAGS], [-fcf-protection])
   PB_TRY_CFLAG([HARDEN_CFLAGS], [-ftrivial-auto-var-init=zero])
   HARDEN_CFLAGS="$HARDEN_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])
HARDEN_CFLAGS="$HARDEN_CFLAGS -fPIE"
HARDEN_LDFLAGS="-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"
AS_IF([test "$enable_fuzzing" = yes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=fuzzer-no-link"])
])
