# frozen_string_literal: true

module Spanwire
  # What became of a trace in this process, and why; `Spanwire.trace_fate` returns one. spanwire.h describes the fields of
  # `spanwire_fate`.
  #
  # - state: :unknown, :open, :queued, :in_flight, :sent, :dropped, :abandoned (its spans were open at shutdown) or
  #   :discarded
  # - dropped: why spans were dropped last: :queue_full, :memory, :unreachable, :refused, :too_large, :shutdown, :invalid
  #   or :unknown_fate; nil if none were
  # - rule: which setting decided: the place in DD_TRACE_SAMPLING_RULES, from 1; :sample_rate for DD_TRACE_SAMPLE_RATE;
  #   :minute for DD_APM_TRACING_ENABLED=false; nil for none
  # - handed_at, changed_at: when the first spans were handed over to be sent, and when that last changed
  # - text: all of it in one English sentence, for people
  #
  # A value that is not known is nil.
  Fate = Struct.new(
    :state, :text, :trace_id, :dropped, :spans_open, :spans_waiting, :spans_pending, :spans_sent, :spans_dropped,
    :attempts_failed, :http_status, :error_number, :priority, :mechanism, :rule, :rate, :limited, :decided_elsewhere,
    :handed_at, :changed_at, keyword_init: true
  ) do
    # For Spanwire.trace_fate, which makes sure that the library is loaded.
    def self.of(trace_id)
      readings(trace_id).reduce(nil) do |last, (high, low)|
        break last if last && last.state != :unknown

        ask(high, low) || last
      end
    end

    def limited? = limited
    def decided_elsewhere? = decided_elsewhere
  end

  class Fate
    STATES = %i[unknown open queued in_flight sent dropped abandoned discarded].freeze
    # By `dropped` of spanwire_fate: the counters of spanwire_stats.
    REASONS = [nil, :queue_full, :memory, :unreachable, :refused, :too_large, :shutdown, :invalid, :unknown_fate].freeze
    RULES = { 0 => nil, Abi::FATE_SAMPLE_RATE => :sample_rate, Abi::FATE_MINUTE => :minute }.freeze
    HALF = 0xffff_ffff_ffff_ffff
    private_constant :STATES, :REASONS, :RULES, :HALF

    class << self
      private

      # High and low half, for each way to read the id. A text of 16 digits may be hexadecimal or decimal.
      def readings(id)
        case id
        when Context, RemoteContext then readings(id.trace_id)
        when Integer then id.between?(0, HALF << 64 | HALF) ? [[id >> 64, id & HALF]] : []
        when /\A\h{32}\z/ then [[id[0, 16].hex, id[16, 16].hex]]
        when /\A\h{16}\z/ then [[0, id.hex], *(id.match?(/\D/) ? [] : [[0, id.to_i]])]
        when /\A\d{1,20}\z/ then id.to_i > HALF ? [] : [[0, id.to_i]]
        else []
        end
      end

      def ask(high, low)
        memory = FFI::MemoryPointer.new(Abi::SIZES.fetch(:fate))
        memory.put_uint64(0, memory.size)
        return unless Native.trace_fate(high, low, memory) == Abi::OK

        values = memory.read_bytes(memory.size).unpack(Abi::LAYOUTS.fetch(:fate))
        from(Abi::OFFSETS.fetch(:fate).keys.zip(values).to_h)
      end

      def from(raw)
        trace_id = raw[:trace_id_high] << 64 | raw[:trace_id_low]
        new(
          **raw.slice(:spans_open, :spans_waiting, :spans_pending, :spans_sent, :spans_dropped, :attempts_failed),
          state: STATES.fetch(raw[:state], :unknown), dropped: REASONS[raw[:dropped]],
          text: raw[:text].unpack1("Z*").force_encoding(Encoding::UTF_8), trace_id: number(trace_id),
          http_status: number(raw[:http_status]), error_number: number(raw[:error_number]),
          priority: number(raw[:priority], Abi::PRIORITY_NONE), mechanism: number(raw[:mechanism], Abi::PRIORITY_NONE),
          rule: RULES.fetch(raw[:rule], raw[:rule]), rate: raw[:rate].negative? ? nil : raw[:rate],
          limited: raw[:limited] != 0, decided_elsewhere: raw[:decided_elsewhere] != 0,
          handed_at: time(raw[:handed_ns]), changed_at: time(raw[:changed_ns])
        ).freeze
      end

      def number(value, none = 0)
        value == none ? nil : value
      end

      def time(nanoseconds)
        nanoseconds.zero? ? nil : Time.at(0, nanoseconds, :nanosecond)
      end
    end
  end
end
