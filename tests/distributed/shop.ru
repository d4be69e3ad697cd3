# frozen_string_literal: true

# The second of the three services of shop.rs, under Puma: calls the third one with Net::HTTP.
require "logger"
require "net/http"
require_relative "../../bindings/ruby/lib/spanwire"

Spanwire.configure { |c| c.logger.level = Logger::WARN }
$stdout.sync = true
logger = Logger.new($stdout)

run(lambda do |env|
  Spanwire.trace("rack.request", continue_from: Spanwire::Propagation.extract(env)) do
    logger.info("[#{Spanwire.log_correlation}] the cart is asked for")
    _, port, rest = env["PATH_INFO"].split("/", 3)
    request = Spanwire::Propagation.inject(Net::HTTP::Get.new("/#{rest}"))
    body = Net::HTTP.start("127.0.0.1", port.to_i) { |http| http.request(request) }.body
    [200, { "content-type" => "text/plain" }, ["ruby\n#{body}"]]
  end
end)
