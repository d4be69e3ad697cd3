# frozen_string_literal: true

# A Rails application in one file, for the tests of the integrations and for benches/rails. Its settings come from the
# environment: FOLDER for its files, BACKEND for the service that /page calls, TRACED=0 to leave the gem out.
require "action_controller/railtie"
require "active_record/railtie"
require_relative "../../lib/spanwire/rails" unless ENV["TRACED"] == "0"

ENV["DATABASE_URL"] = "sqlite3:#{ENV.fetch("FOLDER")}/goods.sqlite3?pool=8&timeout=10000"

module Shop
  class Application < Rails::Application
    config.root = ENV.fetch("FOLDER")
    config.eager_load = true
    config.consider_all_requests_local = false
    config.secret_key_base = "0" * 64
    config.hosts.clear
    config.logger = ActiveSupport::TaggedLogging.new(Logger.new("#{ENV.fetch("FOLDER")}/rails.log"))
    config.log_level = :warn
    config.log_tags = [:method]
    config.paths["app/views"] = File.expand_path("views", __dir__)
  end
end

class Good < ActiveRecord::Base; end

class GoodsController < ActionController::Base
  layout "shop"

  def page
    @goods = Good.where("price > ?", 2).order(:name).to_a
    Rails.logger.warn("page of #{@goods.size} goods")
    backend = URI(ENV.fetch("BACKEND"))
    @said = Net::HTTP.get(URI("#{backend}/stock?token=secret")) unless params[:alone]
  end

  def fails = Good.connection.execute("SELECT nothing FROM nowhere")
  def missing = Good.find(0)

  # Two threads at the same time, each of which has a part of the page.
  def threads
    both = Queue.new
    context = Spanwire.current_span.context
    parts = %w[left right].map do |name|
      Thread.new do
        Spanwire.trace(name, parent: context) do
          both << name
          sleep 0.001 until both.size == 2
          Good.connection_pool.with_connection { Good.where(name: name).to_a }
        end
      end
    end
    parts.each(&:join)
    render plain: "both"
  end

  def worker = render(plain: Process.pid.to_s)
end

# Runs each action in a thread of its own, which goes on when the response has begun.
class LiveController < ActionController::Base
  include ActionController::Live

  def stream
    response.headers["Last-Modified"] = "0" # else Rack::ETag reads the whole body first
    response.stream.write("first ")
    sleep 0.05
    Good.where(name: "live").to_a
    response.stream.write("last")
  ensure
    response.stream.close
  end
end

Rails.application.initialize!

File.open("#{ENV.fetch("FOLDER")}/lock", "w") do |lock|
  lock.flock(File::LOCK_EX)
  unless Good.table_exists?
    ActiveRecord::Schema.verbose = false
    ActiveRecord::Schema.define { create_table(:goods) { |t| t.string(:name) && t.integer(:price) } }
    [["cup", 1], ["pot", 3], ["tea", 4]].each { |name, price| Good.create!(name: name, price: price) }
  end
end
ActiveRecord::Base.connection_handler.clear_all_connections!

Rails.application.routes.draw do
  %w[page fails missing threads worker].each { |action| get action, to: "goods##{action}" }
  get "live", to: "live#stream"
end

run Rails.application
