# frozen_string_literal: true

require_relative "spanwire/version"
require_relative "spanwire/abi"
require_relative "spanwire/native"
require_relative "spanwire/text"
require_relative "spanwire/context"
require_relative "spanwire/scratch"
require_relative "spanwire/scope"
require_relative "spanwire/span"
require_relative "spanwire/tracer"
require_relative "spanwire/log"
require_relative "spanwire/configuration"
require_relative "spanwire/process"
require_relative "spanwire/timeout"

# Traces a Ruby program with the spanwire library:
#
#   Spanwire.configure { |c| c.service = "shop" }
#   Spanwire.tracer.trace("checkout", resource: "GET /cart") { |span| span.set_tag("card", "visa") }
#
# A forked process needs no call; at its end it waits a bounded time for what is on its way. Where the library cannot be
# loaded one warning says so, and the program runs untraced.
module Spanwire
  private_constant :Abi

  @configuration = Configuration.new
  @log = Log.new
  @tracer = Tracer.new(@log)
  @configuring = Mutex.new
  @configured = false
  @shut_down = false

  # What a Ractor raises where it would have to use the objects above.
  ISOLATED = defined?(::Ractor) ? [::Ractor::IsolationError].freeze : [].freeze
  NULL_TRACER = NullTracer.new.freeze
  private_constant :ISOLATED, :NULL_TRACER

  class << self
    # The configuration. In a Ractor, an empty one.
    def configuration
      ractor? ? Configuration.new : @configuration
    end

    # Yields the configuration and applies it. May be called again; what is not set again stays as it was. In a Ractor it
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

    # The tracer. Without `configure` it works with the environment's settings. In a Ractor, one that traces nothing.
    def tracer
      configure unless @configured
      @tracer
    rescue ThreadError # in a signal handler, or in configure's block, the first configuration has to wait
      @tracer
    rescue *ISOLATED
      NULL_TRACER
    end

    # The innermost span whose block is running in this fiber; nil outside of any.
    def current_span
      Scope.current.span
    end

    # For log lines: "dd.trace_id=… dd.span_id=…" of the current span; empty outside of any.
    def log_correlation
      span = current_span
      span ? "dd.trace_id=#{span.trace_id} dd.span_id=#{span.span_id}" : ""
    end

    # The Logger that gets the tracer's log: what `configure` was given, else one on standard error.
    def logger = configuration.log_to

    # Turns debug mode on or off in the running process: a log line for each span, chunk and payload.
    def debug=(enabled)
      Native.debug_set(enabled ? 1 : 0) if callable?
    end

    def debug?
      callable? && Native.debug_get == 1
    end

    # Turns debug mode on for so many seconds.
    def debug_for(seconds)
      Native.debug_set_for(seconds.to_i) if callable?
      self
    end

    # Waits until complete traces have left, `timeout` seconds at most, and hands over the log. Answers whether they
    # have. Other threads run meanwhile. To be called before `exec`, which ends the program without its at_exit.
    def flush(timeout = configuration.shutdown_timeout)
      return true if ractor?

      done = @tracer.flush(timeout)
      @log.deliver unless @tracer.handle.zero?
      done
    end

    # Sends what is finished, `timeout` seconds at most, and hands over the log. No span can be started afterwards. The
    # end of a process does this by itself.
    def shutdown(timeout = configuration.shutdown_timeout)
      return true if ractor?

      @shut_down = true
      done = @tracer.shutdown(timeout)
      @log.deliver unless @tracer.handle.zero?
      done
    end

    # The tracer's counters by name (spans_finished, spans_sent, …); `log_failures`, how many records were lost
    # because the Logger raised; and `start_failures`, how many spans because something raised that was given for one.
    def stats
      return {} if ractor?

      (@tracer.stats || {}).merge(log_failures: @log.failures, start_failures: @tracer.failures)
    end

    # Why tracing is off, as a sentence; nil when it is not.
    def problem
      ractor? ? "nothing is traced in a Ractor" : @problem
    end

    # For the hook on Process._fork.
    def after_fork
      @log.after_fork unless ractor?
    end

    # For the hook on Process.daemon: sends what is finished, within the configuration's shutdown_timeout, and counts what
    # is open as abandoned. Answers what has to be called afterwards; nil where there is nothing to be done.
    def before_daemon
      return if ractor? || @shut_down || @tracer.handle.zero?

      scope = Scope.current
      context = scope.span&.context
      shutdown
      -> { reopen(scope, context) }
    rescue StandardError # never a reason for a host not to become a daemon
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

    # A tracer with the same settings in the place of the one that was shut down. `context`: of the span in which that
    # was.
    def reopen(scope, context)
      @log.after_fork
      @configuring.synchronize { apply }
      @shut_down = false
      scope.span = DepartedSpan.new(context) if context
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

    # The library's tracer for these settings, or a sentence.
    def make_tracer(settings, again: true)
      # To live until the call returns.
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

    # Says once what is wrong; the program goes on untraced, or with the former settings.
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
