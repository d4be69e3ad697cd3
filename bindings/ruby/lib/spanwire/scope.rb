# frozen_string_literal: true

module Spanwire
  # State of a fiber: its innermost open span. Each fiber has its own; a thread uses that of its root fiber.
  class Scope
    # The span whose block is running; nil if there is none.
    attr_accessor :span
    # The Timeout::Error of a Timeout that is leaving blocks by `throw`; else nil.
    attr_accessor :timeout
    # True while the fiber hands log records to a Logger: spans of a traced Logger would cause records without end.
    attr_accessor :muted

    # Events of ActiveSupport::Notifications that are open in this fiber.
    attr_reader :events

    def self.current
      thread = Thread.current
      scope = thread[:spanwire_scope]
      return scope if scope&.of?(thread)

      thread[:spanwire_scope] = new(thread, scope&.span)
    end

    # Rails copies the variables of a fiber to the thread that runs an action of ActionController::Live. Such a thread
    # gets a scope of its own here, in which `span` is the current one.
    def initialize(thread, span)
      @thread = thread
      @span = span
      @events = []
      @timeout = nil
      @muted = false
      @memories = thread.thread_variable_get(:spanwire_memories) || []
      thread.thread_variable_set(:spanwire_memories, @memories)
    end

    def of?(thread) = @thread.equal?(thread)

    # Free memory of the thread.
    attr_reader :memories

    # Yields the fiber's memory. A signal handler that interrupts its use makes its own.
    def scratch
      memory = @memories.pop || Scratch.new
      begin
        yield memory
      ensure
        @memories.push(memory)
      end
    end
  end
end
