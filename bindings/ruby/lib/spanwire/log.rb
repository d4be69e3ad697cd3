# frozen_string_literal: true

require "logger"

module Spanwire
  # Brings the library's log to a Ruby Logger. Records wait in the library until a thread of this gem's own, which
  # sleeps on the library's descriptor, takes them: the library never calls into Ruby. The thread begins with the first
  # span of a process.
  class Log
    SEVERITIES = {
      "ERROR" => ::Logger::ERROR, "WARN" => ::Logger::WARN, "INFO" => ::Logger::INFO,
      "DEBUG" => ::Logger::DEBUG, "TRACE" => ::Logger::DEBUG
    }.freeze
    # What the library puts before a line, and a Logger says in its own way: time, process, level.
    NATIVE = /\A\d{4}-\d\d-\d\dT\S+Z spanwire\[\d+\] ([A-Z]+) /
    JSON_LEVEL = /\A\{"time":"[^"]*","level":"([a-z]+)"/
    BUFFER = 65_536
    # In seconds: until the system is asked for a thread again, between two looks where there is no descriptor, and
    # after one that found nothing.
    RETRY_AFTER = 1.0
    WITHOUT_DESCRIPTOR = 1.0
    AFTER_NOTHING = 0.05
    private_constant :SEVERITIES, :NATIVE, :JSON_LEVEL, :BUFFER, :RETRY_AFTER, :WITHOUT_DESCRIPTOR, :AFTER_NOTHING

    # The Logger (or whatever has its `add(severity, message, progname)`) that gets the records.
    attr_accessor :logger
    # How many records were lost because the Logger raised.
    attr_reader :failures

    def initialize
      @logger = nil
      @failures = 0
      @warned = {}
      @turn = Mutex.new
      @starting = Mutex.new
      @not_before = 0
    end

    # Sees to it that the thread runs. Cheap when it does; a thread that is gone, by a fork or by Thread#kill, is
    # replaced.
    def run
      start unless @thread&.alive?
    end

    # In a forked child: the thread, the locks it may hold, and the descriptor are the parent's.
    def after_fork
      @thread = nil
      @turn = Mutex.new
      @starting = Mutex.new
      @not_before = 0
    end

    # Hands over what waits, here and now, and answers how many records that were. Once it has returned, all that was
    # logged before has been delivered. A Logger that comes back here gets nothing.
    def deliver
      scope = Scope.current
      return 0 if scope.muted

      begin
        scope.muted = true
        count = 0
        @turn.synchronize { each_line { |line| hand_over(line) && count += 1 } }
        count
      ensure
        scope.muted = false
      end
    end

    # Says on standard error, for what must not go to a Logger, that something went wrong; once for each `what`.
    def warn_once(what, error)
      return if @warned[what]

      @warned[what] = true
      Kernel.warn("spanwire: #{what}, #{error.class}: #{error.message}; further ones are only counted")
    rescue StandardError
      nil # no standard error, or an error whose message raises
    end

    private

    def start
      return unless @starting.try_lock

      begin
        return if @thread&.alive? || now < @not_before

        @thread = Thread.new { pump }
        @thread.name = "spanwire-ruby"
        @thread.thread_variable_set(:fork_safe, true) # Puma need not warn of it: a child starts its own
      ensure
        @starting.unlock
      end
    rescue ThreadError # the system gives no thread, or this is a signal handler
      @not_before = now + RETRY_AFTER
    end

    def pump
      Thread.current.report_on_exception = false
      descriptor = Native.log_fd
      waits = nil
      loop do
        begin
          waits ||= IO.for_fd(descriptor, autoclose: false)
          IO.select([waits])
        rescue SystemCallError, IOError # the system gave none, or somebody closed it by number
          sleep(WITHOUT_DESCRIPTOR)
        end
        # A descriptor that somebody closed and reopened may be readable for ever.
        sleep(AFTER_NOTHING) if deliver.zero?
      end
    end

    # The lines that wait when it is called, and no later ones: a Logger that causes records does not keep it here.
    def each_line
      @buffer ||= FFI::MemoryPointer.new(BUFFER)
      need = FFI::MemoryPointer.new(:size_t)
      left = nil
      loop do
        status = Native.log_drain(@buffer, @buffer.size, need)
        needed = need.read(:size_t)
        left ||= needed - 1
        if status == Native::LIMIT # one record alone is larger
          @buffer = FFI::MemoryPointer.new(needed)
          next
        end
        text = @buffer.get_string(0)
        break if text.empty?

        text.force_encoding(Encoding::UTF_8).each_line(chomp: true) { |line| yield line }
        left -= text.bytesize
        break if left <= 0
      end
    end

    def hand_over(line)
      level = line[NATIVE, 1]
      line = line.sub(NATIVE, "") if level
      level ||= line[JSON_LEVEL, 1]&.upcase
      @logger.add(SEVERITIES.fetch(level, ::Logger::UNKNOWN), line, "spanwire")
      true
    rescue StandardError, ScriptError, SystemStackError => e
      @failures += 1
      warn_once("the logger raised", e)
      true
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
