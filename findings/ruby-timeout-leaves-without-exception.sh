#!/usr/bin/env bash
# One expects: a block that Timeout.timeout ends sees an exception, as its caller does.
# What happens: with timeout 0.2.0 (Ruby 3.1.2) and no class given, the block is left by `throw`. A `rescue Exception`
# inside does not run, and `$!` in its `ensure` is nil; the caller gets Timeout::Error all the same. So a tracer that
# marks spans in `rescue` or by `$!` in `ensure` reports a timed-out span without an error.
# If a class is given, even Timeout::Error itself, the block sees the exception.
# Seen: 2026-11-28. Needs Debian 12.
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
require "timeout"

def try(label, *klass)
  Timeout.timeout(0.1, *klass) do
    begin
      sleep 30
    rescue Exception => e
      puts "#{label}: rescue sees #{e.class}"
      raise
    ensure
      puts "#{label}: ensure sees #{$!.inspect}"
    end
  end
rescue Exception => e
  puts "#{label}: the caller gets #{e.class}"
end

puts "ruby #{RUBY_VERSION}, timeout #{Timeout::VERSION}, from the package: #{$LOADED_FEATURES.grep(/timeout/).first.start_with?(ARGV[0])}"
try("no class")
try("class given", Timeout::Error)
R
root/usr/bin/ruby3.1 --disable-gems program.rb "$tmp" | tee seen.txt
diff seen.txt - <<'X'
ruby 3.1.2, timeout 0.2.0, from the package: true
no class: ensure sees nil
no class: the caller gets Timeout::Error
class given: rescue sees Timeout::Error
class given: ensure sees #<Timeout::Error: execution expired>
class given: the caller gets Timeout::Error
X
echo "As described: without a class, the block sees no exception."
