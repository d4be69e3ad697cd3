# frozen_string_literal: true

# Sends a span with links, events, attributes and a structured value when the library knows what the agent takes.
require_relative "../../bindings/ruby/lib/spanwire"

# A logger that waits for the agent's description.
class Waiting
  def add(_severity, message, _progname) = @informed ||= message.include?("agent.info")

  def wait = 2000.times { @informed ? break : sleep(0.005) }
end
logger = Waiting.new
Spanwire.configure { |c| c.logger.instance = logger }
Spanwire.trace("first") {}
Spanwire.flush(10)
logger.wait

typed = {
  text: "the last one counts", "empty" => "", yes: true, no: false, small: -7, large: 2**63 - 1, exact: 2**53, half: 0.5,
  texts: ["one", "tü3"], booleans: [true, false], integers: [-2**63, 2**63 - 1], floats: [0.5, -1e300],
  numbers: [-3, 0.5], none: [], null: nil
}
headers = { "x-datadog-trace-id" => "18446744073709551615", "x-datadog-parent-id" => "2748",
            "x-datadog-tags" => "_dd.p.tid=640cfd8d00000000" }
at = Time.at(1_700_000_000, 123_456_789, :nsec)
extract = ->(more) { Spanwire::Propagation.extract(headers.merge(more)) }
span = Spanwire.start_span(ENV.fetch("NAME"))
span.set_attributes(typed).set_attribute(:gone, 1).set_attribute(:gone, nil)
Spanwire::Native.span_set_error_n(span.handle, "Timeout", 7, "no answer", 9, "at f()\nat g()", 13)
span.add_link(extract.call({})).add_link(extract.call("x-datadog-sampling-priority" => "1"), typed)
span.add_event("it happened", time: at).add_event("caf\xe9", typed, time: at).add_event("now")
span.set_meta_struct("appsec", "\x82\xa4user\xa3bob\xa5items\x92\x01\xcb\x3f\xe0\0\0\0\0\0\0".b).set_meta_struct("no map", "\x01")
span.set_attribute("bad", [1, "a"]).set_attributes(bad: Float::NAN).add_event("")
raise "gone is there" if span["gone"]

span.finish
Spanwire.flush(10)
puts Spanwire.stats[:tags_dropped]
