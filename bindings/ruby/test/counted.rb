# frozen_string_literal: true

# Threads that trace in a process and in children and grandchildren of it, which are forked meanwhile. Prints one line
# with the ids of both spans for each trace once they are finished: what an agent has to have.
require_relative "../lib/spanwire"

$stdout.sync = true
Spanwire.configure { |c| c.service = "counted" }

def trace_twice
  ids = []
  Spanwire.tracer.trace("outer", tags: { "pid" => Process.pid }) do |outer|
    ids << outer.span_id
    Spanwire.tracer.trace("inner") { |inner| ids << inner.span_id }
  end
  $stdout.syswrite("#{ids.join(" ")}\n")
end

def threads
  Array.new(4) { Thread.new { 50.times { trace_twice } } }
end

mine = threads
children = Array.new(3) do
  fork do
    theirs = threads
    grandchild = fork { threads.each(&:join) }
    theirs.each(&:join)
    Process.wait(grandchild)
  end
end
mine.each(&:join)
exit children.all? { |pid| Process.wait2(pid).last.success? }
