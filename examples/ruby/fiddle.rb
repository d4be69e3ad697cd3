# The smallest traced program in Ruby without any gem, over Fiddle of the standard library: a `payment` inside a
# `checkout`, sent to an Agent, or printed when none is named.
#
# Run:   tools/stage
#        ruby examples/ruby/fiddle.rb                                             # prints the trace
#        DD_TRACE_AGENT_URL=http://localhost:8126 ruby examples/ruby/fiddle.rb    # sends it
#        DD_TRACE_DEBUG=true ruby examples/ruby/fiddle.rb                         # tells on standard error what it does
#
# Prints:
#   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
#   2 spans finished, 2 sent
require "fiddle/import"

# Fiddle lets Ruby's other threads run during each of these calls.
module Spanwire
  extend Fiddle::Importer
  dlload File.expand_path("../../target/stage/lib/libspanwire.so", __dir__)
  typealias "u64", "unsigned long long"

  extern "const char *spanwire_status_text(int)"
  extern "int spanwire_tracer_new(void *, size_t, void *, void *)"
  extern "int spanwire_tracer_stats(u64, void *)"
  extern "int spanwire_tracer_shutdown(u64, unsigned int)"
  extern "u64 spanwire_span_start(u64, u64, const char *)"
  extern "int spanwire_span_set_tag(u64, const char *, const char *)"
  extern "int spanwire_span_set_metric(u64, const char *, double)"
  extern "int spanwire_span_finish(u64)"
  extern "int spanwire_log_drain(void *, size_t, void *)"

  # The first fields of spanwire_stats; `size` tells the library how many we know.
  Stats = struct ["size_t size", "u64 spans_started", "u64 spans_finished", "u64 spans_open", "u64 spans_abandoned",
                  "u64 spans_discarded", "u64 spans_waiting", "u64 spans_queued", "u64 spans_in_flight",
                  "u64 spans_sent"]

  def self.tracer(settings)
    texts = settings.flatten.map { |text| Fiddle::Pointer[text] } # to live until the call returns
    out = "\0" * 8
    status = spanwire_tracer_new(texts.map(&:to_i).pack("J*"), settings.size, out, nil)
    raise "no tracer: #{spanwire_status_text(status)}" unless status.zero?

    out.unpack1("Q")
  end

  # The log so far. Ruby fetches it here, on its own thread; a callback from another one would end the process.
  def self.log_lines
    buffer, need, lines = "\0" * 65_536, "\0" * 8, +""
    lines << buffer.unpack1("Z*") while spanwire_log_drain(buffer, buffer.bytesize, need).zero? && need.unpack1("J") > 1
    lines
  end
end

# `default:` makes it a default of ours: the environment's DD_TRACE_AGENT_URL wins.
tracer = Spanwire.tracer("DD_SERVICE" => "shop", "default:DD_TRACE_AGENT_URL" => "file:///dev/stdout",
                         "SPANWIRE_LOG_SINKS" => "ring", "SPANWIRE_LANGUAGE" => "ruby")

# Span calls need no check: a start that fails gives 0, and with 0 every span call does nothing.
checkout = Spanwire.spanwire_span_start(tracer, 0, "checkout")
payment = Spanwire.spanwire_span_start(tracer, checkout, "payment")
Spanwire.spanwire_span_set_tag(payment, "card", "visa")
Spanwire.spanwire_span_set_metric(payment, "amount", 42.5)
Spanwire.spanwire_span_finish(payment)
Spanwire.spanwire_span_finish(checkout)

# The one call to check: it waits up to two seconds for what is still on its way.
status = Spanwire.spanwire_tracer_shutdown(tracer, 2000)
$stderr.write(Spanwire.log_lines)
stats = Spanwire::Stats.malloc(Fiddle::RUBY_FREE)
stats.size = Spanwire::Stats.size
Spanwire.spanwire_tracer_stats(tracer, stats)
puts "#{stats.spans_finished} spans finished, #{stats.spans_sent} sent"
exit status.zero?
