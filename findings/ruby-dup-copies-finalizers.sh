#!/usr/bin/env bash
# One expects: a finalizer belongs to the object that it was defined for, and a copy of that object has none.
# What happens: Ruby 3.1.2 (Debian) gives a copy by `dup` or `clone` the finalizers of the original, also if
# `initialize_copy` replaces every instance variable. A finalizer that frees a handle frees it when the first copy is
# collected, while the original is in use. `ObjectSpace.undefine_finalizer(self)` in `initialize_copy` helps.
# Seen: 2026-11-29. Needs Ruby.
set -euo pipefail
ruby -e '
  $stdout.sync = true
  puts "Ruby #{RUBY_VERSION}"
  original = Object.new
  freed = 0
  ObjectSpace.define_finalizer(original, proc { freed += 1 })
  1000.times { original.dup }
  GC.start
  puts "#{freed} finalizers of 1000 copies ran; the original is there: #{original.class}"
  exit!
'
