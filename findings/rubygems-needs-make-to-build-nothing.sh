#!/usr/bin/env bash
# One expects: a gem whose extension is optional installs without a compiler if its extconf.rb writes an empty Makefile.
# What happens: RubyGems 3.3.15 (Debian 3.3.15-2+deb12u1) runs `make` all the same. Without that program, as in slim images,
# the installation fails. A Rakefile in `extensions` needs no make: RubyGems runs it with rake, which the gem can depend on.
# Seen: 2026-11-29. Needs Debian 12.
set -euo pipefail
version=3.1.7+really3.1.2-0+deb12u1 rubygems=3.3.15-2+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir -p debs/partial
apt-get -qq -y -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
    --no-install-recommends --download-only --reinstall install "ruby3.1=$version" "libruby3.1=$version" \
    "ruby-rubygems=$rubygems" "rake=13.0.6-3" >/dev/null
for deb in debs/*.deb; do dpkg -x "$deb" root; done
triple=x86_64-linux-gnu lib=$tmp/root/usr/lib
export LD_LIBRARY_PATH="$lib/$triple:$tmp/root/lib/$triple"
export RUBYLIB="$lib/ruby/vendor_ruby:$lib/ruby/3.1.0:$lib/$triple/ruby/3.1.0"
ruby=$tmp/root/usr/bin/ruby3.1
mkdir -p gem/ext
echo 'File.write("Makefile", "all install clean:\n")' > gem/ext/extconf.rb
echo 'task(:default) { puts "nothing to build" }' > gem/ext/Rakefile
for file in extconf.rb Rakefile; do
    cat > gem/nothing.gemspec <<R
Gem::Specification.new do |spec|
  spec.name, spec.version, spec.summary, spec.authors = "nothing", "1.0", "nothing", ["nobody"]
  spec.files, spec.extensions = %w[ext/extconf.rb ext/Rakefile], ["ext/$file"]
end
R
    (cd gem && "$ruby" -rrubygems/gem_runner -e 'Gem::GemRunner.new.run(ARGV)' build nothing.gemspec --output "$tmp/nothing.gem") >/dev/null 2>&1
    # A PATH with nothing in it.
    PATH="$tmp/nowhere" "$ruby" -rrubygems/gem_runner -e 'puts "RubyGems #{Gem::VERSION}"; Gem::GemRunner.new.run(ARGV)' \
        install --local --no-document --install-dir "$tmp/home-$file" "$tmp/nothing.gem" >"seen-$file" 2>&1 || true
    echo "== ext/$file" && grep -E "RubyGems|failed|make|installed" "seen-$file" || true
done
grep -q "make failed" seen-extconf.rb
grep -q "Successfully installed" seen-Rakefile
echo "As described: with the extconf.rb the installation fails for want of make, with the Rakefile it succeeds."
