# frozen_string_literal: true

require "json"

module Spanwire
  # Makes spans. There is one, Spanwire.tracer, which stays the same when settings change. It never raises itself: if no
  # span can be started, blocks get one that does nothing.
  class Tracer
    NULL_SPAN = NullSpan.new.freeze
    private_constant :NULL_SPAN

    # The library's handle of the tracer; 0 while tracing is off.
    attr_reader :handle
    # Number of spans that could not be started because something raised, such as the to_s of a name or tag.
    attr_reader :failures
    # Host and port of the Agent: an Array, empty if it has none. Requests to it are not traced.
    attr_reader :agent

    def initialize(log)
      @log = log
      @failures = 0
      @handle = 0
      @starts_on = 0
      @handles = []
      @agent = [].freeze
    end

    # Runs the block as a span: a child of the innermost one that is open in this fiber, unless `parent` (a Span or a
    # Context) or `continue_from` (what Propagation.extract returned) is given. The span is the current one of this
    # fiber while the block runs. Returns the value of the block. An exception is recorded on the span and raised again;
    # so are a Timeout that ends the block and an `exit` with a failure status. Without a block: start_span.
    #
    # tags: texts, and numbers that a double holds exactly, which can be graphed.
    def trace(name, service: nil, resource: nil, type: nil, tags: nil, parent: nil, continue_from: nil, start_time: nil)
      parent = continue_from || parent
      unless block_given?
        return start_span(name, service: service, resource: resource, type: type, tags: tags, parent: parent,
                                start_time: start_time)
      end

      scope = Scope.current
      outer = scope.span
      span = start(scope, name, service, resource, type, tags, parent || outer, start_time)
      ended = false
      begin
        scope.span = span unless span.null?
        result = yield span
        ended = true
        result
      rescue Exception => e # any exception, which is raised again
        ended = true
        span.set_error(e) unless e.is_a?(SystemExit) && e.success?
        raise
      ensure
        scope.span = outer
        # The block was left by throw, break, return or Thread#kill, which are no errors, or by a Timeout that throws.
        span.set_error(scope.timeout) if !ended && scope.timeout
        span.finish
      end
    end

    # Starts a span that the caller finishes, on any thread. It does not become the current one.
    def start_span(name, service: nil, resource: nil, type: nil, tags: nil, parent: nil, continue_from: nil,
                   start_time: nil)
      scope = Scope.current
      start(scope, name, service, resource, type, tags, continue_from || parent || scope.span, start_time)
    end

    # Returns the innermost span whose block is running in this fiber, or nil.
    def current_span
      Scope.current.span
    end

    # Whether spans are made and sent.
    def enabled?
      !@starts_on.zero?
    end

    # Sends complete traces and waits up to `timeout` seconds until they are acknowledged or dropped. Returns whether
    # they are.
    def flush(timeout)
      each_within(timeout) { |handle, ms| Native.tracer_flush(handle, ms) }
    end

    # Sends finished spans within `timeout` seconds. No span can be started afterwards.
    def shutdown(timeout)
      each_within(timeout) { |handle, ms| Native.tracer_shutdown(handle, ms) }
    end

    # Returns the counters of spanwire_stats by name; nil while tracing is off.
    def stats
      return if @handle.zero?

      Stats.read(@handle)
    end

    # Returns the settings with their origins, as JSON; nil while tracing is off.
    def config_json
      return if @handle.zero?

      Scope.current.scratch do |memory|
        memory.answer { |buffer, capacity, need| Native.tracer_config_json(@handle, buffer, capacity, need) }
      end
    end

    # Writes a flare to a new file: a zip archive that explains what the tracer does in this process, without secrets.
    # Works without an Agent. Returns nil, or a sentence that says why it was not written.
    def write_flare(path)
      file = native(path)
      explained { |handle, error| Native.flare_write(handle, file, error) }
    end

    # Has the Agent pass a flare on to Datadog's support, and waits up to `timeout` seconds for its answer; sending goes
    # on afterwards. Without `hostname` it is this host's name. Returns nil, or a sentence that says why it was not sent.
    def send_flare(case_id:, email:, hostname: nil, timeout: 10)
      texts = [case_id, email, hostname].map { |text| text && native(text) }
      milliseconds = (timeout * 1000).ceil.clamp(0, 3_600_000)
      explained { |handle, error| Native.flare_send(handle, *texts, milliseconds, error) }
    end

    # Uses this tracer of the library from now on. A former tracer is freed when its successor is replaced as well (a
    # thread may be about to start a span in it), no span is open in it, and all its spans are sent.
    def use(handle)
      shared = @handles.include?(handle)
      Native.tracer_free(handle) if shared # made twice, so freed once
      free_former { |stats| OUTSTANDING.all? { |name| stats[name].zero? } } unless shared
      @handles = (@handles - [handle]).push(handle)
      @handle = handle
      settings = settings_in_use
      @agent = address(settings["agent_url"])
      # If DD_TRACE_ENABLED is off, starts do not call the library.
      @starts_on = settings["enabled"] == false ? 0 : handle
    end

    # Makes room for another tracer: sends the spans of former ones within `timeout` seconds, and frees those without
    # open spans.
    def make_room(timeout)
      each_within(timeout, @handles - [@handle]) { |handle, ms| Native.tracer_flush(handle, ms) }
      free_former { |stats| stats[:spans_open].zero? }
    end

    private

    # Counters of spans that a tracer still has to send.
    OUTSTANDING = %i[spans_open spans_waiting spans_queued spans_in_flight].freeze
    private_constant :OUTSTANDING

    def free_former
      former = @handles - [@handle]
      freed = former.select { |handle| (stats = Stats.read(handle)).nil? || yield(stats) }
      freed.each { |handle| Native.tracer_free(handle) }
      @handles -= freed
    end

    # Copies a text for a call during which other threads of Ruby run: Ruby may move a string meanwhile.
    def native(text)
      FFI::MemoryPointer.from_string(Text.terminated(text))
    end

    # Returns nil after success, else why the call failed.
    def explained
      return "tracing is off" if @handle.zero?

      error = FFI::MemoryPointer.new(Abi::SIZES.fetch(:error))
      error.put_uint64(0, error.size)
      status = yield(@handle, error)
      error.get_string(Abi::OFFSETS.fetch(:error).fetch(:message)).force_encoding(Encoding::UTF_8) if status != Abi::OK
    end

    def settings_in_use
      JSON.parse(config_json.to_s)
    rescue JSON::ParserError # the library then decides
      {}
    end

    def address(url)
      found = %r{\Ahttps?://(\[[^\]]*\]|[^/:]*)(?::(\d+))?}.match(url.to_s)
      found ? [found[1].delete("[]"), (found[2] || 80).to_i].freeze : [].freeze
    end

    def start(scope, name, service, resource, type, tags, parent, start_time)
      return NULL_SPAN if @starts_on.zero? || scope.muted

      @log.run
      parent = parent ? parent_of(parent) : 0
      start_ns = start_time ? Span.nanoseconds(start_time) : 0
      # As Scope#scratch, without the cost of a block.
      memory = scope.memories.pop || Scratch.new
      begin
        handle = memory.start(@starts_on, parent, name, service, resource, type, start_ns, tags)
      ensure
        scope.memories.push(memory)
      end
      handle.zero? ? NULL_SPAN : Span.new(handle)
    rescue StandardError => e # a tag whose to_s raises, no memory, …
      @failures += 1
      @log.warn_once("no span could be started", e)
      NULL_SPAN
    end

    def parent_of(parent)
      return parent.handle if Span === parent

      case parent
      when DepartedSpan then parent.parent
      when NullSpan then parent.handle
      when Context, RemoteContext then parent
      else 0
      end
    end

    def each_within(timeout, handles = @handles)
      deadline = now + timeout
      handles.map do |handle|
        left = ((deadline - now) * 1000).ceil.clamp(0, 3_600_000)
        yield(handle, left) == Abi::OK
      end.all?
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  # The tracer of a Ractor, which cannot use the objects of the main Ractor: blocks run untraced.
  class NullTracer
    NULL_SPAN = NullSpan.new.freeze
    private_constant :NULL_SPAN

    def trace(_name, **_options)
      block_given? ? yield(NULL_SPAN) : NULL_SPAN
    end

    def start_span(_name, **_options) = NULL_SPAN
    def handle = 0
    def failures = 0
    def agent = [].freeze
    def current_span = nil
    def enabled? = false
    def flush(_timeout) = true
    def shutdown(_timeout) = true
    def stats = nil
    def config_json = nil
    def write_flare(_path) = "tracing is off"
    def send_flare(**_options) = "tracing is off"
  end

  # spanwire_stats, as a Hash.
  module Stats
    FIELDS = (Abi::OFFSETS.fetch(:stats).keys - [:size]).freeze
    SIZE = Abi::SIZES.fetch(:stats)
    FIRST = Abi::OFFSETS.fetch(:stats).fetch(FIELDS.first)
    private_constant :SIZE, :FIRST

    def self.read(handle)
      memory = FFI::MemoryPointer.new(SIZE)
      memory.put_uint64(0, SIZE)
      return unless Native.tracer_stats(handle, memory).zero?

      FIELDS.zip(memory.get_array_of_uint64(FIRST, FIELDS.size)).to_h
    end
  end
end
