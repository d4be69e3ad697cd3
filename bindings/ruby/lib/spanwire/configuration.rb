# frozen_string_literal: true

require "logger"

module Spanwire
  # Values that the block of Spanwire.configure sets, and the list of settings that they make. For nil, the environment
  # (DD_SERVICE, DD_ENV, …) or the library's default applies; a value overrides both.
  class Configuration
    # `instance`: a Logger that gets the tracer's log; its own level filters too. Without one the log goes to standard
    # error. `level`: the least important level that the tracer logs while debug mode is off: :error, :warn, :info,
    # :debug, or a constant such as Logger::WARN.
    LoggerSettings = Struct.new(:instance, :level)
    # `debug`: a line for each span, chunk and payload. `startup_logs`: the line with the settings.
    Diagnostics = Struct.new(:debug, :startup_logs)

    # Service, environment and version of the spans. The default service is the program's name.
    attr_accessor :service, :env, :version
    # Tags for every span: a Hash.
    attr_accessor :tags
    # The Agent: http://host:port, unix:///path/of/socket, or file:///path for one JSON object per trace.
    attr_accessor :agent_url
    # false: blocks run, nothing is traced.
    attr_accessor :enabled
    # How long the end of the process may wait for spans that are not sent yet, in seconds.
    attr_accessor :shutdown_timeout

    attr_reader :logger, :diagnostics
    # Any other setting of docs/settings.md by its name: settings["SPANWIRE_FLUSH_INTERVAL_MS"] = 100
    attr_reader :settings

    def initialize
      @tags = {}
      @shutdown_timeout = 2.0
      @logger = LoggerSettings.new
      @diagnostics = Diagnostics.new
      @settings = {}
    end

    # The Logger that records go to: the given one, else one on standard error.
    def log_to
      @logger.instance || (@own_logger ||= ::Logger.new($stderr))
    end

    # Names and values as spanwire_tracer_new takes them. `default:` ranks below the environment.
    def to_settings
      list = host.merge(
        "DD_SERVICE" => service, "DD_ENV" => env, "DD_VERSION" => version, "DD_TAGS" => joined_tags,
        "DD_TRACE_AGENT_URL" => agent_url, "DD_TRACE_ENABLED" => enabled, "DD_TRACE_LOG_LEVEL" => level,
        "DD_TRACE_DEBUG" => diagnostics.debug, "DD_TRACE_STARTUP_LOGS" => diagnostics.startup_logs
      ).merge(settings)
      list.reject { |_, value| value.nil? }.to_h { |name, value| [Text.terminated(name), Text.terminated(value)] }
    end

    private

    def host
      {
        "default:DD_SERVICE" => Configuration.program,
        # Records wait for the gem's thread. If a setting names a file, the library writes it.
        "default:SPANWIRE_LOG_SINKS" => file? ? "file,ring" : "ring",
        "SPANWIRE_LANGUAGE" => "ruby",
        "SPANWIRE_LANGUAGE_VERSION" => RUBY_VERSION,
        "SPANWIRE_INTERPRETER" => RUBY_ENGINE == "ruby" ? "CRuby" : RUBY_ENGINE,
        "SPANWIRE_TRACER_VERSION" => VERSION
      }
    end

    def file?
      %w[DD_TRACE_LOG_FILE DD_TRACE_LOG_DIRECTORY].any? { |name| !(settings[name] || ENV[name]).to_s.empty? }
    end

    # Maps a Logger's severity to the name of a level.
    def level
      named = logger.level
      named.is_a?(Integer) ? %w[debug info warn error error].fetch(named, "off") : named
    end

    def joined_tags
      return if tags.nil? || tags.empty?

      tags.map { |key, value| "#{key}:#{value}" }.join(",")
    end

    # The program's name, without a server's title ("puma: cluster worker 0: …") and folder; "ruby" for `ruby -e`.
    def self.program
      name = File.basename($PROGRAM_NAME.b[/\A.*?(?=: |\z)/mn].to_s, ".rb")
      name.empty? || name == "-e" || name == "-" ? "ruby" : name
    end
  end
end
