#!/usr/bin/env bash
# One expects: a php-fpm pool with `chdir = FOLDER` runs its requests in that folder.
# What happens: PHP 8.2.36 (Debian 8.2.36-1~deb12u1) changes to the script's folder for each request, and back to
# FOLDER after it. So relative paths of a library, and a core with a relative core_pattern, go where the script is:
# often a folder that the web server publishes, or one that the worker cannot write to.
# Seen: 2026-11-28. Needs Debian 12.
set -euo pipefail
version=8.2.36-1~deb12u1
tmp=$(mktemp -d)
master=
trap '[ -z "$master" ] || kill "$master" || true; wait; rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p debs/partial
apt-get -qq -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
    --no-install-recommends --download-only --reinstall install "php8.2-fpm=$version" libfcgi-bin=2.4.2-2+deb12u1 >/dev/null
for deb in debs/*.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$tmp/root/usr/lib/x86_64-linux-gnu:$tmp/root/lib/x86_64-linux-gnu"

mkdir pool site
echo '<?php echo getmypid(), " ", readlink("/proc/self/cwd"), "\n";' > site/index.php
cat > fpm.conf <<C
[global]
error_log = $tmp/error.log
daemonize = no
[pool]
listen = $tmp/socket
user = $(id -un)
group = $(id -gn)
pm = static
pm.max_children = 1
chdir = $tmp/pool
C
root/usr/sbin/php-fpm8.2 -n -R -y fpm.conf 2>/dev/null &
master=$!
for _ in $(seq 50); do [ -S socket ] && break; sleep 0.1; done
answer=$(SCRIPT_FILENAME="$tmp/site/index.php" REQUEST_METHOD=GET \
    root/usr/bin/cgi-fcgi -bind -connect "$tmp/socket" | tail -n 1)
sleep 0.5
worker=${answer%% *}
during=${answer#* }
after=$(readlink "/proc/$worker/cwd")

root/usr/sbin/php-fpm8.2 -n -v | head -n 1
echo "chdir of the pool:    ${tmp/#$tmp/TMP}/pool"
echo "during a request:     ${during/#$tmp/TMP}"
echo "between two requests: ${after/#$tmp/TMP}"
[ "$during" = "$tmp/site" ]
[ "$after" = "$tmp/pool" ]
echo "As described: the request ran in the script's folder."
