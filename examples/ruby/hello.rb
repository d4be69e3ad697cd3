# The smallest traced program in Ruby, over the ffi gem: a `payment` inside a `checkout`, sent to an Agent, or printed
# when none is named.
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/hello.rb                                              # prints the trace
#        DD_TRACE_AGENT_URL=http://localhost:8126 ruby examples/ruby/hello.rb     # sends it
#        DD_TRACE_DEBUG=true ruby examples/ruby/hello.rb                          # tells on standard error what it does
#
# Prints:
#   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
#   2 spans finished, 2 sent
require "ffi"

module Spanwire
  extend FFI::Library
  ffi_lib File.expand_path("../../target/stage/lib/libspanwire.so", __dir__)

  class Setting < FFI::Struct
    layout :name, :pointer, :value, :pointer
  end

  class Stats < FFI::Struct # its first fields; `size` tells the library how many we know
    layout :size, :size_t, :started, :uint64, :finished, :uint64, :open, :uint64, :abandoned, :uint64,
           :discarded, :uint64, :waiting, :uint64, :queued, :uint64, :in_flight, :uint64, :sent, :uint64
  end

  attach_function :status_text, :spanwire_status_text, [:int32], :string
  attach_function :tracer_new, :spanwire_tracer_new, %i[pointer size_t pointer pointer], :int32
  attach_function :tracer_stats, :spanwire_tracer_stats, %i[uint64 pointer], :int32
  # `blocking` lets Ruby's other threads run while this waits.
  attach_function :tracer_shutdown, :spanwire_tracer_shutdown, %i[uint64 uint32], :int32, blocking: true
  attach_function :span_start, :spanwire_span_start, %i[uint64 uint64 string], :uint64
  attach_function :span_set_tag, :spanwire_span_set_tag, %i[uint64 string string], :int32
  attach_function :span_set_metric, :spanwire_span_set_metric, %i[uint64 string double], :int32
  attach_function :span_finish, :spanwire_span_finish, %i[uint64], :int32
  attach_function :log_drain, :spanwire_log_drain, %i[pointer size_t pointer], :int32

  def self.tracer(settings)
    list = FFI::MemoryPointer.new(Setting, settings.size)
    texts = settings.flatten.map { |text| FFI::MemoryPointer.from_string(text) } # to live until the call returns
    list.write_array_of_pointer(texts)
    FFI::MemoryPointer.new(:uint64) do |out|
      status = tracer_new(list, settings.size, out, nil)
      raise "no tracer: #{status_text(status)}" unless status.zero?

      return out.read_uint64
    end
  end

  # The log so far. Ruby fetches it here, on its own thread; nothing calls into Ruby.
  def self.log_lines
    buffer, need, lines = FFI::MemoryPointer.new(65_536), FFI::MemoryPointer.new(:size_t), +""
    lines << buffer.read_string while log_drain(buffer, buffer.size, need).zero? && need.read(:size_t) > 1
    lines
  end
end

# `default:` makes it a default of ours: the environment's DD_TRACE_AGENT_URL wins.
tracer = Spanwire.tracer("DD_SERVICE" => "shop", "default:DD_TRACE_AGENT_URL" => "file:///dev/stdout",
                         "SPANWIRE_LOG_SINKS" => "ring", "SPANWIRE_LANGUAGE" => "ruby")

# Span calls need no check: a start that fails gives 0, and with 0 every span call does nothing.
checkout = Spanwire.span_start(tracer, 0, "checkout")
payment = Spanwire.span_start(tracer, checkout, "payment")
Spanwire.span_set_tag(payment, "card", "visa")
Spanwire.span_set_metric(payment, "amount", 42.5)
Spanwire.span_finish(payment)
Spanwire.span_finish(checkout)

# The one call to check: it waits up to two seconds for what is still on its way.
status = Spanwire.tracer_shutdown(tracer, 2000)
$stderr.write(Spanwire.log_lines)
stats = Spanwire::Stats.new
stats[:size] = stats.size
Spanwire.tracer_stats(tracer, stats)
puts "#{stats[:finished]} spans finished, #{stats[:sent]} sent"
exit status.zero?
