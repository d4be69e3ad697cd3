# frozen_string_literal: true

module Spanwire
  # Where a fiber stands: its innermost open span. Each fiber has one, and threads do at least in their first fiber.
  class Scope
    # The span whose block is running; nil outside of any.
    attr_accessor :span
    # The Timeout::Error of a Timeout that is leaving blocks by `throw` at the moment; else nil.
    attr_accessor :timeout
    # True on the thread that hands log records to a Logger: a traced Logger would never come to an end.
    attr_accessor :muted

    def self.current
      Thread.current[:spanwire_scope] ||= new(Thread.current)
    end

    def initialize(thread)
      @span = nil
      @timeout = nil
      @muted = false
      @memories = thread.thread_variable_get(:spanwire_memories) || []
      thread.thread_variable_set(:spanwire_memories, @memories)
    end

    # Lends the thread's memory. A signal handler that interrupts its use finds none and makes its own.
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
