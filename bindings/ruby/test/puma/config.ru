# frozen_string_literal: true

# Two spans for each request, whose ids go to the file FINISHED once both are finished: what an agent has to have.
require_relative "../../lib/spanwire"

Spanwire.configure { |c| c.service = "puma" }
finished = File.open(ENV.fetch("FINISHED"), "a")

run(lambda do |env|
  ids = []
  Spanwire.tracer.trace("rack.request", resource: env["PATH_INFO"], type: "web") do |request|
    ids << request.span_id
    Spanwire.tracer.trace("work", tags: { "rows" => 3 }) { |work| ids << work.span_id }
  end
  finished.syswrite("#{ids.join(" ")}\n")
  [200, { "Content-Type" => "text/plain" }, [Process.pid.to_s]]
end)
