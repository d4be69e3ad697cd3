# The gem on the peers' harness: the loop, clocks and JSON line of every peer, the spans by Spanwire.tracer.
#
#   ruby benches/ruby/driver.rb MODE THREADS TRACES_PER_THREAD RATE HOST:PORT
#                               MODE: trace10 span1 tag10 root100, and disabled… or debug… before trace10
#
# For the peers' run.py: OURS='ruby benches/ruby/driver.rb'. Needs `tools/stage` to have run.
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__)
require_relative "../../bindings/ruby/lib/spanwire"
require "json"

mode, threads, traces, rate, host = ARGV
threads, traces, rate = Integer(threads || 1), Integer(traces || 1000), Integer(rate || 0)
disabled, debug = mode.start_with?("disabled"), mode.start_with?("debug")
shape = disabled || debug ? "trace10" : mode

Spanwire.configure do |c|
  c.service = "bench-service"
  c.agent_url = "http://#{host || "127.0.0.1:8199"}"
  c.enabled = !disabled
  c.diagnostics.debug = debug
  c.logger.instance = Logger.new(File.open(File::NULL, "w")) # where the runner sends the other peers' debug lines
end
TRACER = Spanwire.tracer
NAMES = %w[web.request app.handler db.query].freeze
RESOURCES = ["GET /users/{id}", "UsersController#show", "SELECT name FROM users WHERE id = ?"].freeze
TYPES = %w[web worker sql].freeze
TAGS = { "component" => "rack", "http.url" => "https://example.com/users/1234567?page=2", "span.kind" => "server",
         "bench.rows" => 42.5 }.freeze
TAG10 = (0..9).map { |n| ["tag.k#{n}".freeze, "value-#{n}".freeze] }.freeze

def span(kind, &block)
  TRACER.trace(NAMES[kind], service: "bench-service", resource: RESOURCES[kind], type: TYPES[kind], tags: TAGS, &block)
end

BODIES = {
  "trace10" => -> { span(0) { 3.times { span(1) { 2.times { span(2) {} } } } } },
  "span1" => -> { TRACER.trace(NAMES[0]) {} },
  "tag10" => -> { TRACER.trace(NAMES[0]) { |span| TAG10.each { |key, value| span.set_tag(key, value) } } },
  "root100" => -> { TRACER.trace(NAMES[0]) { 99.times { TRACER.trace(NAMES[1]) {} } } }
}.freeze
PER = { "trace10" => 10, "root100" => 100 }.freeze
WARM = 200

def clock(id = Process::CLOCK_MONOTONIC) = Process.clock_gettime(id, :nanosecond)
def cpu = clock(Process::CLOCK_PROCESS_CPUTIME_ID)
def peak_rss = File.read("/proc/self/status")[/VmHWM:\s+(\d+)/, 1].to_i

# Measures Ruby's own share on the calling thread: bursts every 10 ms if a rate is given, otherwise everything at once.
def work(body, traces, rate)
  wall = time = done = tick = 0
  chunk = rate.zero? ? traces : [rate / 100, 1].max
  start = clock
  while done < traces
    burst = [chunk, traces - done].min
    at_cpu, at_wall = clock(Process::CLOCK_THREAD_CPUTIME_ID), clock
    burst.times { body.call }
    wall += clock - at_wall
    time += clock(Process::CLOCK_THREAD_CPUTIME_ID) - at_cpu
    done += burst
    next if rate.zero?

    late = start + (tick += 1) * 10_000_000 - clock
    sleep(late / 1e9) if late.positive?
  end
  [wall, time]
end

body = BODIES.fetch(shape)
per = PER.fetch(shape, 1)
WARM.times { body.call }
sleep 0.3
cpu0, rss0, wall0 = cpu, peak_rss, clock
shares = Array.new(threads) { Thread.new { work(body, traces, rate) } }.map(&:value)
wall1, cpu1 = clock, cpu
Spanwire.flush(30)
wall2, cpu2 = clock, cpu
spans = traces * per * threads
puts JSON.generate(
  peer: ENV.fetch("PEER", "spanwire-ruby"), mode: "#{"disabled-" if disabled}#{"debug-" if debug}#{shape}",
  threads: threads, rate: rate, spans: spans, traces: traces * threads, warm: WARM, warm_spans: WARM * per,
  wall_ns: (shares.sum(&:first) / spans.to_f).round(1), tcpu_ns: (shares.sum(&:last) / spans.to_f).round(1),
  cpu_ns: ((cpu2 - cpu0) / spans.to_f).round(1), cpu_before_flush_ns: ((cpu1 - cpu0) / spans.to_f).round(1),
  flush_ms: ((wall2 - wall1) / 1e6).round(1), rss0_kb: rss0, rss_kb: peak_rss,
  elapsed_ms: ((wall1 - wall0) / 1e6).round(1)
)
