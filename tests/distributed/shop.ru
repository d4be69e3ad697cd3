# frozen_string_literal: true

# The second of the three services of shop.rs, under Puma, with the integrations for Rack, Net::HTTP and Logger: calls the
# third one.
require "logger"
require "net/http"
%w[rack net_http logger].each { |name| require_relative "../../bindings/ruby/lib/spanwire/integrations/#{name}" }

Spanwire.configure { |c| c.logger.level = Logger::WARN }
$stdout.sync = true
logger = Spanwire::Integrations::Logger.correlate(Logger.new($stdout))

use Spanwire::Integrations::Rack
run(lambda do |env|
  logger.info("the cart is asked for")
  _, port, rest = env["PATH_INFO"].split("/", 3)
  body = Net::HTTP.get(URI("http://127.0.0.1:#{port}/#{rest}"))
  [200, { "content-type" => "text/plain" }, ["ruby\n#{body}"]]
end)
