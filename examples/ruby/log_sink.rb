# The tracer's log in a Logger of the program's own, and the debug switch. The Logger is called on a Ruby thread of the
# gem's, and here and now by `flush`; never by a thread that is not Ruby's.
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/log_sink.rb
#
# Prints:
#   log: debug span started: name=loud…
#   log: debug span finished: name=loud…
#   2 records lost to a Logger that raised
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__) # not when installed
require_relative "../../bindings/ruby/lib/spanwire" # with the gem installed: require "spanwire"

# A Logger will do, or whatever has its `add`.
class ShopLog
  def initialize(name)
    @name = name
  end

  def add(severity, text, _program)
    # The rest of the log (payloads, start-up) is left out here.
    return unless text.start_with?("span ")

    puts "#{@name}: #{%w[debug info warn error][severity]} #{text}"
  end
end

class FullDisk
  def add(_severity, text, _program)
    raise IOError, "disk full" if text.start_with?("span ")
  end
end

def visit(name)
  Spanwire.tracer.trace(name) {}
end

Spanwire.configure do |c|
  c.agent_url = "file:///dev/null"
  c.logger.instance = ShopLog.new("log")
end

visit("quiet")
Spanwire.debug = true # or DD_TRACE_DEBUG=true; Spanwire.debug_for(60) turns itself off again
visit("loud")
Spanwire.debug = false
visit("quiet again")
Spanwire.flush # hands over what the thread has not yet

# An exception in a Logger is counted, the first one told on standard error, and the program goes on.
Spanwire.configure { |c| c.logger.instance = FullDisk.new }
Spanwire.debug = true
visit("loud")
Spanwire.debug = false
Spanwire.shutdown(2)
puts "#{Spanwire.stats[:log_failures]} records lost to a Logger that raised"
