# frozen_string_literal: true

require_relative "spanwire/version"
require_relative "spanwire/abi"
require_relative "spanwire/native"
require_relative "spanwire/text"
require_relative "spanwire/context"
require_relative "spanwire/remote_context"
require_relative "spanwire/baggage"
require_relative "spanwire/propagation"
require_relative "spanwire/scratch"
require_relative "spanwire/scope"
require_relative "spanwire/attributes"
require_relative "spanwire/span"
require_relative "spanwire/tracer"
require_relative "spanwire/extension"
require_relative "spanwire/log"
require_relative "spanwire/fate"
require_relative "spanwire/configuration"
require_relative "spanwire/process"
require_relative "spanwire/timeout"

# Traces a Ruby program with the spanwire library:
#
#   Spanwire.configure { |c| c.service = "shop" }
#   Spanwire.tracer.trace("checkout", resource: "GET /cart") { |span| span.set_tag("card", "visa") }
#
# A forked process needs no call. At its end a process waits a limited time for spans that are not sent yet. If the
# library cannot be loaded, the gem gives one warning, and the program runs untraced.
module Spanwire
  private_constant :Abi, :Extension

  @configuration = Configuration.new
  @log = Log.new
  @tracer = Tracer.new(@log)
  @configuring = Mutex.new
  @configured = false
  @shut_down = false

  # Raised in a Ractor that uses the objects above.
  ISOLATED = defined?(::Ractor) ? [::Ractor::IsolationError].freeze : [].freeze
  NULL_TRACER = NullTracer.new.freeze
  private_constant :ISOLATED, :NULL_TRACER

  class << self
    # The configuration. In a Ractor, an empty one.
    def configuration
      ractor? ? Configuration.new : @configuration
    end

    # Yields the configuration and applies it. May be called again; values that are not set again stay. In a Ractor it
    # changes nothing.
    def configure
      if ractor?
        yield Configuration.new if block_given?
        return self
      end

      @configuring.synchronize do
        yield @configuration if block_given?
        @configured = true
        @shut_down = false
        apply
      end
      self
    end

    # The tracer. Without `configure` it uses the settings of the environment. In a Ractor, one that traces nothing.
    def tracer
      configure unless @configured
      @tracer
    rescue ThreadError # in a signal handler or in the block of `configure`: the first configuration happens later
      @tracer
    rescue *ISOLATED
      NULL_TRACER
    end

    # As `Spanwire.tracer.trace`.
    def trace(...) = tracer.trace(...)

    # As `Spanwire.tracer.start_span`.
    def start_span(...) = tracer.start_span(...)

    # Returns the innermost span whose block is running in this fiber, or nil.
    def current_span
      Scope.current.span
    end

    # For log lines: "dd.trace_id=… dd.span_id=… dd.service=… dd.env=… dd.version=…" of the current span; without one,
    # the fields without ids. With `json`, the same as members of a JSON object. Empty while tracing is off, and with
    # DD_LOGS_INJECTION=false.
    def log_correlation(json: false)
      return "" if ractor? || @tracer.handle.zero?

      Span.log_fields(@tracer.handle, current_span&.handle || 0, json)
    end

    # The Logger that gets the tracer's log: that of the configuration, else one on standard error.
    def logger = configuration.log_to

    # Turns debug mode on or off in the running process: a log line for each span, chunk and payload.
    def debug=(enabled)
      Native.debug_set(enabled ? 1 : 0) if callable?
    end

    def debug?
      callable? && Native.debug_get == 1
    end

    # Turns debug mode on for this many seconds.
    def debug_for(seconds)
      Native.debug_set_for(seconds.to_i) if callable?
      self
    end

    # Sends complete traces, waits up to `timeout` seconds for them, and hands over the log. Returns whether they were
    # sent or dropped. Other threads run meanwhile. Call it before `exec`, which ends the program without its at_exit.
    def flush(timeout = configuration.shutdown_timeout)
      return true if ractor?

      done = @tracer.flush(timeout)
      @log.deliver unless @tracer.handle.zero?
      done
    end

    # Sends finished spans within `timeout` seconds and hands over the log. No span can be started afterwards. Runs by
    # itself at the end of a process.
    def shutdown(timeout = configuration.shutdown_timeout)
      return true if ractor?

      @shut_down = true
      done = @tracer.shutdown(timeout)
      @log.deliver unless @tracer.handle.zero?
      done
    end

    # Returns the tracer's counters by name (spans_finished, spans_sent, …); `log_failures`, the number of records lost
    # because the Logger raised; and `start_failures`, the number of spans not started because an argument raised.
    def stats
      return {} if ractor?

      (@tracer.stats || {}).merge(log_failures: @log.failures, start_failures: @tracer.failures)
    end

    # Returns what became of a trace in this process, as a Fate: whether it is open, waits, was sent or dropped, and why.
    # The process knows its last 16,384 traces. `trace_id` is the Integer of a context, a context itself, or a text: 32
    # hexadecimal digits, or the lower half alone, as 16 hexadecimal digits or in decimal. Returns nil for anything
    # else, and if the library is not loaded.
    def trace_fate(trace_id)
      callable? ? Fate.of(trace_id) : nil
    end

    # Returns why tracing is off, as a sentence; nil if it is on.
    def problem
      ractor? ? "nothing is traced in a Ractor" : @problem
    end

    # Whether the C extension makes the spans. Without it a span costs more time, and nothing else differs.
    def extension? = extension_problem.nil?

    # Returns why the C extension is not in use, as a sentence; nil if it is.
    def extension_problem
      ractor? ? "nothing is traced in a Ractor" : Extension.problem
    end

    # For the hook on Process._fork.
    def after_fork
      @log.after_fork unless ractor?
    end

    # For the hook on Process.daemon: sends finished spans within the configuration's shutdown_timeout, and counts open
    # ones as abandoned. Returns a callable for the daemon; nil if there is nothing to do.
    def before_daemon
      return if ractor? || @shut_down || @tracer.handle.zero?

      scope = Scope.current
      context = scope.span&.context
      departed = context && DepartedSpan.new(context, Propagation.inject({}))
      shutdown
      -> { reopen(scope, departed) }
    rescue StandardError # must not keep the host from becoming a daemon
      nil
    end

    private

    # Whether this is a Ractor other than the main one.
    def ractor?
      defined?(::Ractor) && !::Ractor.current.equal?(::Ractor.main)
    end

    def callable?
      !ractor? && Native.load
    end

    # Replaces the tracer that was shut down by one with the same settings. `departed` replaces the span in which this
    # happened.
    def reopen(scope, departed)
      @log.after_fork
      @configuring.synchronize { apply }
      @shut_down = false
      scope.span = departed if departed
    rescue StandardError
      nil
    end

    def apply
      @log.use(configuration.log_to, ours: configuration.logger.instance.nil?)
      return give_up(Native.problem) unless Native.load

      handle, problem = make_tracer(configuration.to_settings)
      return give_up(problem) if problem

      @problem = nil
      @tracer.use(handle)
      self.debug = configuration.diagnostics.debug unless configuration.diagnostics.debug.nil?
      @log.deliver
    rescue StandardError => e
      give_up("#{e.class}: #{e.message}")
    end

    # Returns the library's tracer for these settings and nil, or 0 and why there is none.
    def make_tracer(settings, again: true)
      # Keeps the texts alive until the call returns.
      texts = settings.to_a.flatten.map { |text| FFI::MemoryPointer.from_string(text) }
      list = FFI::MemoryPointer.new(:pointer, texts.size).write_array_of_pointer(texts)
      error = FFI::MemoryPointer.new(Abi::SIZES.fetch(:error))
      error.put_uint64(0, error.size)
      out = FFI::MemoryPointer.new(:uint64)
      status = Native.tracer_new(list, settings.size, out, error)
      return [out.read_uint64, nil] if status.zero?

      if status == Abi::E_LIMIT && again
        @tracer.make_room(configuration.shutdown_timeout)
        return make_tracer(settings, again: false)
      end
      [0, "#{Native.status_text(status)}: #{error.get_string(Abi::OFFSETS.fetch(:error).fetch(:message))}"]
    end

    # Logs a problem once. The program goes on untraced, or with the former settings.
    def give_up(problem)
      return if @problem == problem

      @problem = problem
      what = @tracer.handle.positive? ? "the former settings stay" : "tracing is off"
      @log.logger.add(::Logger::WARN, "#{what}: #{problem}", "spanwire")
    rescue StandardError
      nil # the application's Logger raised
    end
  end
end
