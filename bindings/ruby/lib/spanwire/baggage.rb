# frozen_string_literal: true

module Spanwire
  # The baggage of a span or of a RemoteContext: texts by key that go to later children and to other services, but not
  # to the Agent. It never raises; on a finished span it is empty.
  #
  #   span.baggage["user.id"] = "42"
  #   span.baggage.each { |key, value| … }
  class Baggage
    include Enumerable

    # The functions of spans and of contexts.
    CALLS = {
      span: %i[span_set_baggage span_get_baggage span_remove_baggage span_baggage_text].freeze,
      context: %i[context_set_baggage context_get_baggage context_remove_baggage context_baggage_text].freeze
    }.freeze
    private_constant :CALLS

    def initialize(kind, handle)
      @set, @get, @remove, @all = CALLS.fetch(kind)
      @handle = handle
    end

    # Sets an item. nil removes it.
    def []=(key, value)
      return delete(key) if value.nil?

      Native.public_send(@set, @handle, Text.terminated(key), Text.terminated(value))
    rescue StandardError
      nil
    end

    # Returns an item's value; nil if there is none.
    def [](key)
      key = Text.terminated(key)
      Scope.current.scratch do |memory|
        memory.answer { |buffer, capacity, need| Native.public_send(@get, @handle, key, buffer, capacity, need) }
      end
    rescue StandardError
      nil
    end

    # Removes an item.
    def delete(key)
      Native.public_send(@remove, @handle, Text.terminated(key))
      nil
    rescue StandardError
      nil
    end

    # Sets all items of a Hash.
    def merge!(items)
      items.each { |key, value| self[key] = value }
      self
    end

    # Yields key and value of each item, in the order in which they were set.
    def each(&block)
      return enum_for(:each) unless block

      to_h.each(&block)
      self
    end

    def to_h
      lines = Scope.current.scratch do |memory|
        memory.answer { |buffer, capacity, need| Native.public_send(@all, @handle, buffer, capacity, need) }
      end
      lines.to_s.each_line(chomp: true).to_h { |line| line.split("=", 2).map { |text| decode(text) } }
    rescue StandardError
      {}
    end

    def empty? = to_h.empty?

    private

    def decode(text)
      text.gsub(/(?:%\h\h)+/) { |encoded| [encoded.delete("%")].pack("H*").force_encoding(Encoding::UTF_8) }
    end
  end
end
