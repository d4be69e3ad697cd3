# frozen_string_literal: true

require "logger"

module Spanwire
  # Brings the library's log to a Ruby Logger. Records wait in the library until a thread of this gem's own, which
  # sleeps on the library's descriptor, takes them: the library never calls into Ruby. The thread begins with the first
  # span of a process.
  class Log
    # By the library's number of a level.
    SEVERITIES = {
      Abi::LEVEL_ERROR => ::Logger::ERROR, Abi::LEVEL_WARN => ::Logger::WARN, Abi::LEVEL_INFO => ::Logger::INFO,
      Abi::LEVEL_DEBUG => ::Logger::DEBUG, Abi::LEVEL_TRACE => ::Logger::DEBUG
    }.freeze
    # Where the fields of a record are.
    RECORD = Abi::OFFSETS.fetch(:log_record)
    RECORD_SIZE = Abi::SIZES.fetch(:log_record)
    # What Ruby's tracer and a Logger's default formatter both put first: severity, time, process, program.
    FORMATTED = /\A[A-Z], \[\S+ #\d+\] +[A-Z]+ -- (\w+): /
    # The program of records in other dialects, and of what the gem says itself.
    PROGNAME = "spanwire"
    # As many as the library's ring holds: who takes so many has all that waited when it began.
    RING = 4096
    BUFFER = 65_536
    # In seconds: until the system is asked for a thread again, between two looks where there is no descriptor, and
    # after one that found nothing.
    RETRY_AFTER = 1.0
    WITHOUT_DESCRIPTOR = 1.0
    AFTER_NOTHING = 0.05
    private_constant :SEVERITIES, :RECORD, :RECORD_SIZE, :FORMATTED, :PROGNAME, :RING, :BUFFER, :RETRY_AFTER,
                     :WITHOUT_DESCRIPTOR, :AFTER_NOTHING

    # The Logger (or whatever has its `add(severity, message, progname)`) that gets the records.
    attr_reader :logger
    # How many records were lost because the Logger raised.
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

    # `ours`: nobody's formatter has a say, so that the library's lines go to it as they are.
    def use(logger, ours:)
      @logger, @ours = logger, ours
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
        @turn.synchronize { each_record { |record| hand_over(record) && count += 1 } }
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

    # The records that wait, each in the same memory. A Logger that causes records does not keep it here for ever.
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
        # With the tracer's mark and place in the message, so that they stay whatever the Logger's formatter shows.
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
