dnl The extension needs spanwire.h alone: the library is loaded when PHP starts (INI spanwire.library).

PHP_ARG_WITH([spanwire],
  [for spanwire support],
  [AS_HELP_STRING([--with-spanwire@<:@=DIR@:>@], [Trace with spanwire; DIR is the prefix of include/spanwire.h])],
  [yes])

if test "$PHP_SPANWIRE" != "no"; then
  AC_MSG_CHECKING([for spanwire.h])
  for prefix in "$PHP_SPANWIRE" "$srcdir/../.." /usr/local /usr; do
    if test -r "$prefix/include/spanwire.h"; then
      SPANWIRE_INCLUDE=$(cd "$prefix/include" && pwd)
      break
    fi
  done
  if test -z "$SPANWIRE_INCLUDE"; then
    AC_MSG_ERROR([not found; say --with-spanwire=DIR, where DIR/include/spanwire.h is])
  fi
  AC_MSG_RESULT([$SPANWIRE_INCLUDE])
  PHP_ADD_INCLUDE([$SPANWIRE_INCLUDE])
  PHP_ADD_LIBRARY([dl],, [SPANWIRE_SHARED_LIBADD])
  PHP_SUBST([SPANWIRE_SHARED_LIBADD])
  PHP_NEW_EXTENSION([spanwire],
    [spanwire.c library.c settings.c tracer.c start.c span.c stack.c tags.c attributes.c \
     context.c headers.c errors.c thrown.c log.c records.c debug.c fate.c],
    [$ext_shared],,
    [-std=gnu11 -Wall -Wextra -Wno-unused-parameter -fvisibility=hidden -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1])
fi
