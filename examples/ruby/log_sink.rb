# The tracer's log in a Logger of the program's own, and the debug switch. The gem calls the Logger on a Ruby
# thread of its own, and on the calling thread in `flush`; never on a thread that is not Ruby's.
#
# Run:   tools/stage; gem install ffi (Debian: apt-get install ruby-ffi)
#        ruby examples/ruby/log_sink.rb
#
# Prints:
#   log: debug ddtrace: [ddtrace] (…) Writing 1 spans (enabled: true)
#   log: debug   Name: loud
#   lost to a Logger that raised: 1
ENV["SPANWIRE_LIBRARY"] ||= File.expand_path("../../target/stage/lib/libspanwire.so", __dir__) # not when installed
require_relative "../../bindings/ruby/lib/spanwire" # with the gem installed: require "spanwire"

# A Logger, or another object with the method `add`.
class ShopLog
  def initialize(name)
    @name = name
  end

  def add(severity, text, program)
    # Shows only the first lines about spans.
    return unless text.include?("Name: ")

    lines = text.lines(chomp: true)
    level = %w[debug info warn error][severity]
    puts "#{@name}: #{level} #{program}: #{lines[0]}", "#{@name}: #{level}  #{lines[2]}"
  end
end

class FullDisk
  def add(_severity, text, _program)
    raise IOError, "disk full" if text.include?("Name: ")
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
Spanwire.debug = true # or DD_TRACE_DEBUG=true; Spanwire.debug_for(60) turns it off again after 60 s
visit("loud")
Spanwire.debug = false
visit("quiet again")
Spanwire.flush # hands over what the thread has not yet

# Exceptions in a Logger are counted, the first is printed on standard error, and the program continues.
Spanwire.configure { |c| c.logger.instance = FullDisk.new }
Spanwire.debug = true
visit("loud")
Spanwire.debug = false
Spanwire.shutdown(2)
puts "lost to a Logger that raised: #{Spanwire.stats[:log_failures]}"
