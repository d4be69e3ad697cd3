# frozen_string_literal: true

require_relative "lib/spanwire/version"

Gem::Specification.new do |spec|
  spec.name = "spanwire"
  spec.version = Spanwire::VERSION
  spec.summary = "Traces Ruby programs with the spanwire library"
  spec.description = "Spans from a Ruby program to a Datadog Agent through libspanwire: a bounded queue and sending " \
                     "in the background, fork-safe, with the tracer's log in a Ruby Logger."
  spec.authors = ["Spanwire contributors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1" # Process._fork
  spec.add_dependency "ffi", "~> 1.15"
  # The C extension is built if that is possible. RubyGems runs a Rakefile without make, which an extconf.rb would need even
  # where it has nothing to build.
  spec.extensions = ["ext/spanwire_ext/Rakefile"]
  spec.add_dependency "rake", ">= 12.3"
  spec.files = %w[
    README.md
    ext/spanwire_ext/Rakefile
    ext/spanwire_ext/abi.h
    ext/spanwire_ext/extconf.rb
    ext/spanwire_ext/span.c
    ext/spanwire_ext/spanwire_ext.c
    ext/spanwire_ext/spanwire_ext.h
    ext/spanwire_ext/start.c
    ext/spanwire_ext/values.c
    lib/spanwire.rb
    lib/spanwire/abi.rb
    lib/spanwire/attributes.rb
    lib/spanwire/baggage.rb
    lib/spanwire/configuration.rb
    lib/spanwire/context.rb
    lib/spanwire/extension.rb
    lib/spanwire/fate.rb
    lib/spanwire/integrations/http.rb
    lib/spanwire/integrations/logger.rb
    lib/spanwire/integrations/net_http.rb
    lib/spanwire/integrations/notifications.rb
    lib/spanwire/integrations/rack.rb
    lib/spanwire/integrations/rack_body.rb
    lib/spanwire/integrations/rails_events.rb
    lib/spanwire/log.rb
    lib/spanwire/native.rb
    lib/spanwire/process.rb
    lib/spanwire/propagation.rb
    lib/spanwire/rails.rb
    lib/spanwire/remote_context.rb
    lib/spanwire/scope.rb
    lib/spanwire/scratch.rb
    lib/spanwire/span.rb
    lib/spanwire/text.rb
    lib/spanwire/timeout.rb
    lib/spanwire/tracer.rb
    lib/spanwire/version.rb
    sig/spanwire.rbs
  ]
end
