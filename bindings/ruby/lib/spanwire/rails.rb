# frozen_string_literal: true

require "rails/railtie"
require_relative "integrations/rack"
require_relative "integrations/notifications"
require_relative "integrations/net_http"

module Spanwire
  # Traces a Rails application: requests, controllers, SQL, views and outgoing HTTP requests. In the Gemfile:
  #
  #   gem "spanwire", require: "spanwire/rails"
  class Railtie < ::Rails::Railtie
    initializer "spanwire.configure", before: :load_config_initializers do |app|
      name = app.class.module_parent_name || app.class.name
      # Ranks below DD_SERVICE and below Spanwire.configure.
      Spanwire.configuration.settings["default:DD_SERVICE"] ||= name.underscore if name
    end

    initializer "spanwire.middleware" do |app|
      app.middleware.insert_before(0, Integrations::Rack)
    end
  end
end
