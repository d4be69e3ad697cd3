#!/usr/bin/env bash
# One expects: a finalizer belongs to the object that it was defined for, and a copy of that object has none.
# What happens: Ruby 3.1.2 (Debian 3.1.7+really3.1.2-0+deb12u1) gives a copy by `dup` or `clone` the finalizers of the
# original, also if `initialize_copy` replaces every instance variable. A finalizer that frees a handle frees it when the
# first copy is collected, while the original is in use. `ObjectSpace.undefine_finalizer(self)` in `initialize_copy` helps.
# Seen: 2026-11-29. Needs Debian 12.
set -euo pipefail
version=3.1.7+really3.1.2-0+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p debs/partial
apt-get -qq -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
    --no-install-recommends --download-only --reinstall install "ruby3.1=$version" "libruby3.1=$version" >/dev/null
for deb in debs/*.deb; do dpkg -x "$deb" root; done
triple=x86_64-linux-gnu
export LD_LIBRARY_PATH="$tmp/root/usr/lib/$triple:$tmp/root/lib/$triple"
export RUBYLIB="$tmp/root/usr/lib/ruby/3.1.0:$tmp/root/usr/lib/$triple/ruby/3.1.0"
cat > program.rb <<'R'
$stdout.sync = true
puts "Ruby #{RUBY_VERSION}"
original = Object.new
freed = 0
ObjectSpace.define_finalizer(original, proc { freed += 1 })
1000.times { original.dup }
GC.start
puts "#{freed} finalizers of 1000 copies ran; the original is there: #{original.class}"
exit!(true)
R
root/usr/bin/ruby3.1 --disable-gems program.rb | tee seen.txt
# Seen: 1000. The stack may hold a few copies longer.
[ "$(sed -n 's/ finalizers of 1000 copies ran; the original is there: Object//p' seen.txt)" -gt 900 ]
echo "As described: finalizers of copies ran while the original was in use."
