#!/usr/bin/env bash
# One expects: GDB warns about a mapped file that it cannot open only if memory is missing from the core.
# What happens: GDB 13.1 (Debian 13.1-3) opens a core of a process that mapped a memfd and warns once per mapping,
# "Can't open file /memfd:NAME (deleted) during file-backed mapping note processing", although the core holds that
# memory and GDB reads it from there. Shared anonymous memory gets the same warning, as "/dev/zero (deleted)".
# Seen: 2026-11-28. Needs Debian 12, gcc.
set -euo pipefail
version=13.1-3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p debs/partial
apt-get -qq -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
    --no-install-recommends --download-only --reinstall install "gdb-minimal=$version" >/dev/null
for deb in debs/*.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$tmp/root/usr/lib/x86_64-linux-gnu:$tmp/root/lib/x86_64-linux-gnu"
gdb() { root/usr/bin/gdb -nx -q -batch "$@"; }

cat > program.c <<'C'
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
char *from_memfd, *from_shared;
void ready(void) {}
int main(void)
{
    int fd = memfd_create("records", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return 1;
    from_memfd = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    from_shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(from_memfd, "memfd is in the core");
    strcpy(from_shared, "shared memory is in the core");
    ready();
    return 0;
}
C
gcc -g -O0 -o program program.c
gdb ./program -ex 'break ready' -ex run -ex 'generate-core-file core' >made.txt 2>&1 || { cat made.txt; exit 1; }
gdb ./program core -ex 'print from_memfd' -ex 'print from_shared' >seen.txt 2>&1

gdb --version | head -n 1
echo "GDB opens the core and prints:"
grep -E "Can't open file|in the core" seen.txt
grep -q "Can't open file /memfd:records (deleted) during file-backed mapping note" seen.txt
grep -q "Can't open file /dev/zero (deleted) during file-backed mapping note" seen.txt
grep -q '"memfd is in the core"' seen.txt
grep -q '"shared memory is in the core"' seen.txt
echo "As described: two warnings about memory that is there."
