#!/usr/bin/env bash
# One expects: if php-fpm cannot apply `rlimit_core = unlimited` of a pool, its error log says so.
# What happens: PHP 8.2.36 (Debian 8.2.36-1~deb12u1) starts normally and logs nothing; the workers write no core. The
# error is reported by the worker on its standard error, which php-fpm discards unless catch_workers_output is on
# (off is the default). This happens where the hard limit is lower and the master may not raise it.
# Seen: 2026-11-28. Needs Debian 12.
set -euo pipefail
version=8.2.36-1~deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p debs/partial
apt-get -qq -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
    --no-install-recommends --download-only --reinstall install "php8.2-fpm=$version" >/dev/null
for deb in debs/*.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$tmp/root/usr/lib/x86_64-linux-gnu:$tmp/root/lib/x86_64-linux-gnu"
drop=()
[ "$(id -u)" != 0 ] || drop=(setpriv --bounding-set -sys_resource --inh-caps -sys_resource)

# Starts php-fpm under a hard core limit of 0 and prints the worker's limit and what the log says about it.
try() {
    cat > fpm.conf <<C
[global]
error_log = $tmp/$1.log
daemonize = no
[pool]
listen = $tmp/socket
user = $(id -un)
group = $(id -gn)
pm = static
pm.max_children = 1
rlimit_core = unlimited
catch_workers_output = $1
C
    (ulimit -c 0; exec "${drop[@]}" root/usr/sbin/php-fpm8.2 -n -R -y fpm.conf 2>stderr.txt) &
    local master=$!
    sleep 2
    echo "catch_workers_output = $1"
    awk '/Max core/ { print "  core limit of the worker: soft " $5 ", hard " $6 }' "/proc/$(pgrep -P "$master")/limits"
    kill "$master"
    wait "$master" || true
    grep -q 'ready to handle connections' "$1.log"
    echo "  lines of the log and of standard error about it: $(cat "$1.log" stderr.txt | grep -c rlimit_core || true)"
    grep -o 'said into stderr.*' "$1.log" | sed 's/^/  /' || true
}
root/usr/sbin/php-fpm8.2 -n -v | head -n 1
{ try no; try yes; } | tee seen.txt
[ "$(grep -c 'core limit of the worker: soft 0, hard 0' seen.txt)" = 2 ]
sed -n 3p seen.txt | grep -q ' about it: 0$'
grep -q 'said into stderr: "ERROR: .*failed to set rlimit_core' seen.txt
echo "As described: with the default, the failure is told nowhere."
