# frozen_string_literal: true

require "logger"

module Spanwire
  # Passes the library's log to a Ruby Logger. Records wait in the library until a thread of the gem, which waits for
  # the library's descriptor, takes them: the library never calls into Ruby. The thread starts with the first span of a
  # process.
  class Log
    # By the library's number of a level.
    SEVERITIES = {
      Abi::LEVEL_ERROR => ::Logger::ERROR, Abi::LEVEL_WARN => ::Logger::WARN, Abi::LEVEL_INFO => ::Logger::INFO,
      Abi::LEVEL_DEBUG => ::Logger::DEBUG, Abi::LEVEL_TRACE => ::Logger::DEBUG
    }.freeze
    # Where the fields of a record are.
    RECORD = Abi::OFFSETS.fetch(:log_record)
    RECORD_SIZE = Abi::SIZES.fetch(:log_record)
    # The start of a line of Ruby's tracer and of a Logger's default formatter: severity, time, process, program.
    FORMATTED = /\A[A-Z], \[\S+ #\d+\] +[A-Z]+ -- (\w+): /
    # The program name of records in other dialects and of the gem's own messages.
    PROGNAME = "spanwire"
    # Maximum number of records in the library's ring: after so many, all that waited at the start are taken.
    RING = 4096
    BUFFER = 65_536
    # In seconds: until a thread is tried again, between two looks without a descriptor, and after a look that found
    # nothing.
    RETRY_AFTER = 1.0
    WITHOUT_DESCRIPTOR = 1.0
    AFTER_NOTHING = 0.05
    private_constant :SEVERITIES, :RECORD, :RECORD_SIZE, :FORMATTED, :PROGNAME, :RING, :BUFFER, :RETRY_AFTER,
                     :WITHOUT_DESCRIPTOR, :AFTER_NOTHING

    # The Logger (or another object with `add(severity, message, progname)`) that gets the records.
    attr_reader :logger
    # Number of records lost because the Logger raised.
    attr_reader :failures

    def initialize
      @logger = nil
      @ours = false
      @failures = 0
      @warned = {}
      @turn = Mutex.new
      @starting = Mutex.new
      @not_before = 0
    end

    # `ours`: the Logger is the gem's; it gets the library's lines without a formatter.
    def use(logger, ours:)
      @logger, @ours = logger, ours
    end

    # Starts the thread unless it runs. Cheap if it does. Replaces a thread that ended by a fork or by Thread#kill.
    def run
      start unless @thread&.alive?
    end

    # Resets a forked child: the thread, the locks it may hold, and the descriptor are the parent's.
    def after_fork
      @thread = nil
      @turn = Mutex.new
      @starting = Mutex.new
      @not_before = 0
    end

    # Hands over the waiting records on this thread and returns their number. Everything that was logged before the call
    # is then delivered. Does nothing when called by a Logger during a delivery.
    def deliver
      scope = Scope.current
      return 0 if scope.muted

      begin
        scope.muted = true
        count = 0
        @turn.synchronize { each_record { |record| hand_over(record) && count += 1 } }
        count
      ensure
        scope.muted = false
      end
    end

    # Reports a failure that must not go to a Logger on standard error, once for each `what`.
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
        @thread.thread_variable_set(:fork_safe, true) # so that Puma does not warn of it: a child starts its own
      ensure
        @starting.unlock
      end
    rescue ThreadError # no thread available, or called in a signal handler
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
        rescue SystemCallError, IOError # there is none, or the host closed it
          sleep(WITHOUT_DESCRIPTOR)
        end
        # A descriptor number that the host reuses may always be readable.
        sleep(AFTER_NOTHING) if deliver.zero?
      end
    end

    # Yields the waiting records, all in the same memory. RING limits them: a Logger may cause records itself.
    def each_record
      @buffer ||= FFI::MemoryPointer.new(BUFFER)
      record = FFI::MemoryPointer.new(RECORD_SIZE)
      record.put(:size_t, RECORD[:size], RECORD_SIZE)
      need = FFI::MemoryPointer.new(:size_t)
      left = RING
      while left.positive?
        case Native.log_take(record, @buffer, @buffer.size, need)
        when Abi::OK then yield record
        when Abi::E_LIMIT then @buffer = FFI::MemoryPointer.new(need.read(:size_t)) # this record alone is larger
        else break
        end
        left -= 1
      end
    end

    def hand_over(record)
      lost = record.get_uint64(RECORD[:lost])
      @logger.add(::Logger::WARN, "#{lost} log records were lost here", PROGNAME) if lost.positive?
      text = text_at(record, :text)
      if @ours
        @logger << "#{text}\n"
      else
        # The message keeps the tracer's mark and source line, which the Logger's formatter would not show.
        marked = FORMATTED.match(text)
        message = marked ? marked.post_match : text_at(record, :message)
        @logger.add(SEVERITIES.fetch(record.get_int32(RECORD[:level]), ::Logger::UNKNOWN), message,
                    marked ? marked[1] : PROGNAME)
      end
      true
    rescue StandardError, ScriptError, SystemStackError => e
      @failures += 1
      warn_once("the logger raised", e)
      true
    end

    def text_at(record, name)
      bytes = record.get_pointer(RECORD[name]).read_bytes(record.get(:size_t, RECORD[:"#{name}_len"]))
      bytes.force_encoding(Encoding::UTF_8)
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
