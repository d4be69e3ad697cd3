# A trace over several services: continues the trace of a request that came in, and sends the context on.
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/propagation.rb
#
# Prints:
#   continues the trace of the span 987654321, kept by the user
#   baggage: user.id=42
#   baggage: user.id=42,cart=3
#   traceparent: 00-640cfd8d00000000112210f47de98115-…-01
#   tracestate: dd=…
#   x-datadog-origin: synthetics
#   x-datadog-parent-id: …
#   x-datadog-sampling-priority: 2
#   x-datadog-tags: …
#   x-datadog-trace-id: 1234567890123456789
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__) # not when installed
require_relative "../../bindings/ruby/lib/spanwire" # with the gem installed: require "spanwire"

# Rack's env of the request. Any Hash of headers does as well.
env = {
  "REQUEST_METHOD" => "GET",
  "HTTP_X_DATADOG_TRACE_ID" => "1234567890123456789", "HTTP_X_DATADOG_PARENT_ID" => "987654321",
  "HTTP_X_DATADOG_SAMPLING_PRIORITY" => "2", "HTTP_X_DATADOG_ORIGIN" => "synthetics",
  "HTTP_X_DATADOG_TAGS" => "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4", "HTTP_BAGGAGE" => "user.id=42"
}

Spanwire.configure do |c|
  c.service = "shop"
  c.settings["default:DD_TRACE_AGENT_URL"] = "file:///dev/null"
end

context = Spanwire::Propagation.extract(env)
kept = ", kept by the user" if context.sampling_priority == 2
puts "continues the trace of the span #{context.span_id}#{kept}"
context.baggage.each { |key, value| puts "baggage: #{key}=#{value}" }

Spanwire.trace("rack.request", continue_from: context) do |span|
  span.baggage["cart"] = 3
  Spanwire.trace("http.request") do
    headers = Spanwire::Propagation.inject({}) # of the current span; also for a Net::HTTP request
    headers.sort.each { |name, value| puts "#{name}: #{value}" }
  end
end
