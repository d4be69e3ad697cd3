# frozen_string_literal: true

# Writes the Makefile of the C extension, in the current folder. It needs the headers of Ruby and a C compiler, but not
# libspanwire.
require "mkmf"
require_relative "../../lib/spanwire/version"

$CFLAGS << %( -std=gnu11 -Wall -Wextra -Wno-unused-parameter -fvisibility=hidden)
$defs << %(-DGEM_VERSION='"#{Spanwire::VERSION}"')
create_makefile("spanwire/spanwire_ext")
