#!/usr/bin/env bash
# once_more.sh "OPTIONS" ARGUMENT…: pytest in the current folder, and a second try of what failed; exits as the last try.
# The options are left out when only what failed is tried; the arguments say what is tested, both times. PYTHON: whose.
read -ra options <<<"$1"
shift
failed=.pytest_cache/v/cache/lastfailed

rm -f "$failed" # of an earlier call: it would be taken for what fails now
"$PYTHON" -m pytest -q "${options[@]}" "$@"
code=$?
case $code in
  130 | 143) exit "$code" ;; # SIGINT, SIGTERM: somebody wanted it to end
  1) [ -e "$failed" ] && again=failed || again=all ;;
  *) [ "$code" -gt 128 ] && again=all || exit "$code" ;; # all passed, or nothing that a second try would change
esac
if [ "$again" = failed ]; then
  echo "once more, only what failed:"
  exec "$PYTHON" -m pytest -q --last-failed --last-failed-no-failures none "$@"
fi
echo "pytest itself crashed (exit $code): the whole part once more:"
exec "$PYTHON" -m pytest -q "${options[@]}" "$@"
