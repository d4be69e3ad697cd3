# frozen_string_literal: true

# A hop under Puma that is traced by spanwire. See hops.rs for what a hop does.
require "json"
require "net/http"
require_relative "../../bindings/ruby/lib/spanwire"

Spanwire.configure { |c| c.logger.level = Logger::WARN }

def headers_of_contexts(env)
  names = env.keys.grep(/\AHTTP_(X_DATADOG_\w+|TRACEPARENT|TRACESTATE|BAGGAGE)\z/)
  names.to_h { |name| [name.delete_prefix("HTTP_").downcase.tr("_", "-"), env[name]] }
end

def later_hops(path)
  _, port, rest = path.split("/", 3)
  return [] if port.to_s.empty?

  request = Spanwire::Propagation.inject(Net::HTTP::Get.new("/#{rest}"))
  JSON.parse(Net::HTTP.start("127.0.0.1", port.to_i) { |http| http.request(request) }.body)
end

run(lambda do |env|
  context = Spanwire::Propagation.extract(env)
  Spanwire.trace("hop", continue_from: context) do |span|
    span.baggage["begun.by"] = "ruby" unless context
    said = {
      by: "ruby", trace_id: span.trace_id_hex, span_id: span.span_id, parent_id: (context&.span_id || 0).to_s,
      baggage: span.baggage.to_h, headers: headers_of_contexts(env)
    }
    [200, { "content-type" => "application/json" }, [JSON.generate([said, *later_hops(env["PATH_INFO"])])]]
  end
end)
