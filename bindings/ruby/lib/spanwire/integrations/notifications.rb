# frozen_string_literal: true

require "active_support"
require "active_support/notifications"
require_relative "../../spanwire"
require_relative "rails_events"

module Spanwire
  module Integrations
    # ActiveSupport::Notifications: spans for SQL, controllers and views of Rails. An event is a child of the span, or of
    # the event, in which it happens in its fiber; an exception that leaves it is on its span. SQL and views outside of any
    # span are not traced, so that the start of an application makes no traces and no thread. Loading this file is enough.
    # Further events: `Spanwire::Integrations::Notifications.subscribe("charge.shop")`.
    module Notifications
      # Events that are open in a fiber, outermost first: the event's payload, its span, and the span around it.
      Open = Struct.new(:payload, :span, :outer)
      private_constant :Open

      # Gets the start and the end of one kind of event. Never raises, because that would reach the application.
      class Subscriber
        def initialize(event)
          @event = event
        end

        def start(name, _id, payload)
          scope = Scope.current
          outer = scope.span
          options = @event.start(payload, outer)
          return unless options

          span = Spanwire.start_span(options.delete(:name) || name, **options)
          return if span.null?

          scope.events.push(Open.new(payload, span, outer))
          scope.span = span
        rescue StandardError
          nil
        end

        def finish(_name, _id, payload)
          scope = Scope.current
          return if scope.events.empty?
          # An event that was open when the subscription began has no span. One that got no end is ended here.
          return unless scope.events.any? { |open| open.payload.equal?(payload) }

          open = nil
          while open.nil? || !open.payload.equal?(payload)
            open = scope.events.pop
            close(open)
          end
          scope.span = open.outer
        rescue StandardError
          nil
        end

        private

        def close(open)
          error = open.payload[:exception_object]
          open.span.set_error(error) if error && @event.failure?(error)
          @event.finish(open.span, open.payload)
        ensure
          open.span.finish
        end
      end

      # An event without a description of its own.
      module AnyEvent
        module_function

        def start(_payload, _outer) = {}
        def failure?(error) = !(error.is_a?(SystemExit) && error.success?)
        def finish(_span, _payload) = nil
      end

      # Makes a span of each of these events. Returns the subscription, for ActiveSupport::Notifications.unsubscribe.
      def self.subscribe(name, event = AnyEvent)
        ::ActiveSupport::Notifications.subscribe(name, Subscriber.new(event))
      end

      RailsEvents::ALL.each { |name, event| subscribe(name, event) }
    end
  end
end
