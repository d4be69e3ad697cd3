# frozen_string_literal: true

require_relative "rack"

module Spanwire
  module Integrations
    # What the spans of Rails' events are made of. `start` gets the payload and the current span, if there is one, and
    # returns the arguments of `start_span`, or nil for an event that is not traced; `failure?` says whether an exception makes the span an error; `finish` sets what is known at the end.
    module RailsEvents
      # Most events.
      class Event
        def failure?(error) = !(error.is_a?(SystemExit) && error.success?)
        def finish(_span, _payload) = nil
      end

      # One statement. The Agent replaces the literals in the resource of a span of type `sql`.
      class Sql < Event
        VENDORS = { "postgresql" => "postgres", "sqlite" => "sqlite", "mysql2" => "mysql2" }.freeze
        private_constant :VENDORS

        def start(payload, outer)
          return if outer.nil? || payload[:name] == "SCHEMA"

          config = database(payload[:connection])
          vendor = config[:adapter].to_s.downcase
          vendor = VENDORS.fetch(vendor, vendor)
          tags = { "component" => "active_record", "operation" => "sql", "span.kind" => "client",
                   "db.system" => vendor, "active_record.db.vendor" => vendor,
                   "db.instance" => config[:name], "active_record.db.name" => config[:name],
                   "out.host" => config[:host], "network.destination.port" => config[:port] }
          tags["active_record.db.cached"] = "true" if payload[:cached]
          { name: "#{vendor.empty? ? "sql" : vendor}.query", type: "sql", resource: payload[:sql], tags: tags }
        end

        private

        def database(connection)
          return {} unless connection

          pool = connection.pool
          config = pool.respond_to?(:db_config) ? pool.db_config.configuration_hash : {}
          name = config[:database]
          { adapter: connection.adapter_name, name: name, host: config[:host], port: config[:port] }
        end
      end

      # Rows that become objects.
      class Instantiation < Event
        def start(payload, outer)
          return unless outer

          tags = { "component" => "active_record", "operation" => "instantiation",
                   "active_record.instantiation.class_name" => payload[:class_name],
                   "active_record.instantiation.record_count" => payload[:record_count] }
          { name: "active_record.instantiation", type: "custom", resource: payload[:class_name], tags: tags }
        end
      end

      # An action of a controller, after which the span of the request is named.
      class Controller < Event
        def start(payload, _outer)
          resource = "#{payload[:controller]}##{payload[:action]}"
          request = payload[:headers] && payload[:headers][Rack::SPAN]
          request.resource = resource if request && !request.resource?
          tags = { "component" => "action_pack", "operation" => "controller",
                   "rails.route.controller" => payload[:controller], "rails.route.action" => payload[:action] }
          { name: "rails.action_controller", type: "web", resource: resource, tags: tags }
        end

        # Rails answers some exceptions with a status below 500, such as 404 for a record that does not exist.
        def failure?(error)
          return super unless defined?(::ActionDispatch::ExceptionWrapper)

          ::ActionDispatch::ExceptionWrapper.status_code_for_exception(error.class.name) >= 500
        end

        def finish(span, payload)
          request = payload[:request]
          span.set_tag("http.route", request.route_uri_pattern) if request.respond_to?(:route_uri_pattern)
        end
      end

      # A template, partial, collection or layout.
      class View < Event
        def initialize(kind)
          super()
          @kind = kind
        end

        # The path below `views`, as templates are called in the code.
        def start(payload, outer)
          return unless outer

          name = payload[:identifier].to_s.rpartition("/views/").last
          tags = { "component" => "action_view", "operation" => @kind, "rails.template_name" => name,
                   "rails.layout" => payload[:layout], "rails.count" => payload[:count] }
          { name: "rails.#{@kind}", type: "template", resource: name, tags: tags }
        end
      end

      ALL = {
        "sql.active_record" => Sql.new, "instantiation.active_record" => Instantiation.new,
        "process_action.action_controller" => Controller.new,
        "render_template.action_view" => View.new("render_template"),
        "render_partial.action_view" => View.new("render_partial"),
        "render_collection.action_view" => View.new("render_collection"),
        "render_layout.action_view" => View.new("render_layout")
      }.freeze
    end
  end
end
