# A prefork server in miniature: the tracer is configured once, before the workers are forked. A worker needs no call of
# its own after the fork; it has its own queue and counters, and sends its spans before it ends.
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/prefork.rb | grep -v '^{'     # without the traces themselves
#
# Prints, after a line of JSON for each of the 13 traces:
#   worker 1: 6 spans finished, 6 sent
#   worker 2: 6 spans finished, 6 sent
#   worker 3: 6 spans finished, 6 sent
#   worker 4: 6 spans finished, 6 sent
#   parent: 1 spans finished, 1 sent
#   all: 25 spans finished, 25 sent
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__) # not when installed
require_relative "../../bindings/ruby/lib/spanwire" # with the gem installed: require "spanwire"

WORKERS = 4
REQUESTS = 3

# Shuts down, so that every span is sent or counted as dropped, and returns the counters of this process.
def close_tracer
  Spanwire.shutdown(2)
  Spanwire.stats.values_at(:spans_finished, :spans_sent)
end

def serve(report)
  REQUESTS.times do
    Spanwire.tracer.trace("request") { Spanwire.tracer.trace("query") {} }
  end
  report.write(close_tracer.join(" ")) # a server would just end
end

Spanwire.configure do |c|
  c.service = "shop"
  c.settings["default:DD_TRACE_AGENT_URL"] = "file:///dev/stdout"
end
Spanwire.tracer.trace("boot") {}

reports = Array.new(WORKERS) do
  from_worker, report = IO.pipe
  fork { serve(report) }
  report.close
  from_worker
end
Process.waitall

own = close_tracer
workers = reports.map { |from_worker| from_worker.read.split.map(&:to_i) }
workers.each.with_index(1) { |(finished, sent), n| puts "worker #{n}: #{finished} spans finished, #{sent} sent" }
puts "parent: #{own[0]} spans finished, #{own[1]} sent"
finished, sent = [own, *workers].transpose.map(&:sum)
puts "all: #{finished} spans finished, #{sent} sent"
