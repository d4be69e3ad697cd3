# The smallest traced program in Ruby: a `payment` inside a `checkout`, sent to an Agent, or printed if none is set.
# Spans finish with their block. (fiddle.rb is the same without any gem.)
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/hello.rb                                              # prints the trace
#        DD_TRACE_AGENT_URL=http://localhost:8126 ruby examples/ruby/hello.rb     # sends it
#        DD_TRACE_DEBUG=true ruby examples/ruby/hello.rb                          # logs to standard error
#
# Prints:
#   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
#   2 spans finished, 2 sent
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__) # not when installed
require_relative "../../bindings/ruby/lib/spanwire" # with the gem installed: require "spanwire"

def pay
  Spanwire.tracer.trace("payment") do |payment|
    payment.set_tag("card", "visa")
    payment.set_tag("amount", 42.5)
  end
end

# `default:` makes it a default, which DD_TRACE_AGENT_URL in the environment overrides.
Spanwire.configure do |c|
  c.service = "shop"
  c.settings["default:DD_TRACE_AGENT_URL"] = "file:///dev/stdout"
end
abort "no tracer: #{Spanwire.problem}" if Spanwire.problem

Spanwire.tracer.trace("checkout") { pay }

# The gem does this at the end of the program. It waits up to two seconds until all spans are sent.
left = Spanwire.shutdown(2)
warn "not everything left" unless left

stats = Spanwire.stats
puts "#{stats[:spans_finished]} spans finished, #{stats[:spans_sent]} sent"
exit left
