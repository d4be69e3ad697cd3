# frozen_string_literal: true

require "logger"
require_relative "../../spanwire"

module Spanwire
  module Integrations
    # Adds to each line of a Logger which trace it belongs to, whatever its formatter: `[dd.trace_id=… dd.span_id=…]` with
    # service, environment and version before the message, or members of the object if lines are JSON. The setting
    # DD_LOGS_INJECTION=false turns it off.
    #
    #   Spanwire::Integrations::Logger.correlate(logger)
    module Logger
      # Prepended to Logger. Loggers that are marked add the fields; copies, such as ActiveSupport::TaggedLogging makes,
      # are marked as well.
      module Hook
        private

        def format_message(severity, time, progname, message)
          line = super
          @spanwire_correlated ? Logger.with_fields(line, message) : line
        end
      end

      class << self
        # Marks a Logger, or the loggers of Rails' BroadcastLogger. Others stay as they are. Returns the argument.
        def correlate(logger)
          each_of(logger) { |one| one.instance_variable_set(:@spanwire_correlated, true) if one.is_a?(::Logger) }
          logger
        end

        # Returns the formatted line with the fields. Never raises.
        def with_fields(line, message)
          return line if !line.is_a?(String) || Scope.current.muted # the tracer's own log

          json = line.start_with?("{") && line.rstrip.end_with?("}")
          fields = Spanwire.log_correlation(json: json)
          return line if fields.empty?

          json ? in_object(line, fields) : in_text(line, message, "[#{fields}] ")
        rescue StandardError # such as encodings that do not fit together
          line
        end

        private

        def each_of(logger, &block)
          logger.respond_to?(:broadcasts) ? logger.broadcasts.each(&block) : block.call(logger)
        end

        def in_object(line, fields)
          rest = line[1..]
          "{#{fields}#{"," unless rest.lstrip.start_with?("}")}#{rest}"
        end

        # Before the message; at the end of the first line if the formatter changed the message, as for an exception.
        def in_text(line, message, fields)
          at = line.rindex(message) if message.is_a?(String) && !message.empty?
          return line.dup.insert(at, fields) if at

          line.sub(/ ?(?=\r?\n|\z)/) { " #{fields.rstrip}" }
        end
      end

      ::Logger.prepend(Hook)
    end
  end
end
