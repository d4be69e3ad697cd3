# frozen_string_literal: true

require_relative "helper"

class ProcessTest < ProgramTest
  def test_a_forked_child_sends_its_own_spans_and_only_those
    outcome = run_well(<<~'RUBY')
      trace("before") {}
      trace("open") do
        Process.wait(fork { trace("child") { Process.wait(fork { trace("grandchild") {} }) } })
        Process.wait(fork { }) # leaves the block open
      end
    RUBY
    assert_equal %w[before child grandchild open], outcome.spans.map { |span| span["name"] }.sort
    assert_equal outcome.span("open")["span_id"], outcome.span("child")["parent_id"]
    assert_equal outcome.span("child")["span_id"], outcome.span("grandchild")["parent_id"]
  end

  def test_the_log_goes_on_in_a_forked_child
    outcome = run_well(<<~'RUBY')
      Spanwire.debug = true
      trace("parent") {}
      LOG.wait_for("Name: parent")
      Process.wait(fork do
        LOG.records.clear
        trace("child") {}
        LOG.wait_for("Name: child")
        puts "told"
      end)
      trace("after") {}
      LOG.wait_for("Name: after")
    RUBY
    assert_equal ["told"], outcome.lines
  end

  def test_a_fork_while_other_threads_trace_and_log
    outcome = run_well(<<~'RUBY')
      Spanwire.debug = true
      busy = Array.new(3) { Thread.new { 200.times { trace("busy") {} } } }
      children = Array.new(10) { fork { 20.times { trace("child") {} } } }
      puts children.count { |pid| Process.wait2(pid).last.success? }
      busy.each(&:join)
    RUBY
    assert_equal ["10"], outcome.lines
    assert_equal({ "busy" => 600, "child" => 200 }, outcome.spans.map { |span| span["name"] }.tally)
    assert_equal 800, outcome.spans.uniq { |span| span["span_id"] }.size
  end

  def test_a_daemon_traces_and_logs
    outcome = run_well(<<~'RUBY')
      Spanwire.debug = true
      trace("before") {}
      Spanwire.flush
      out, into = IO.pipe
      if fork
        into.close
        puts out.read
      else
        Process.daemon(true, true)
        LOG.records.clear
        trace("daemon") {}
        LOG.wait_for("Name: daemon")
        Spanwire.flush
        into.puts "told"
      end
    RUBY
    assert_equal ["told"], outcome.lines
    assert_equal %w[before daemon], outcome.spans.map { |span| span["name"] }
  end

  def test_what_was_finished_before_a_process_becomes_a_daemon_is_sent_once
    outcome = run_well(<<~'RUBY', "SPANWIRE_FLUSH_INTERVAL_MS" => "60000")
      out, into = IO.pipe
      if fork
        into.close
        puts out.read
      else
        trace("before") {}
        trace("boot") do
          trace("load") {}
          before = Spanwire::Propagation.inject({})
          Process.daemon(true, true)
          into.puts Spanwire::Propagation.inject({}) == before && before.key?("traceparent")
          trace("serve") { trace("request") {} }
        end
        trace("after") {}
        Spanwire.flush
        into.puts Spanwire.stats.slice(:spans_finished, :spans_sent, :spans_open, :parents_unknown).values.join(" ")
      end
    RUBY
    assert_equal ["true", "3 3 0 0"], outcome.lines
    assert_equal %w[after before load request serve], outcome.spans.map { |span| span["name"] }.sort
    # The block's own span went with the process that it began in; its children agree on it.
    assert_equal outcome.span("load")["parent_id"], outcome.span("serve")["parent_id"]
    ids = %w[load serve].map { |name| outcome.traces.find { |trace| trace["spans"].include?(outcome.span(name)) }["trace_id"] }
    assert_equal 1, ids.uniq.size
  end

  def test_a_process_that_cannot_become_a_daemon_traces_on
    outcome = run_well(<<~'RUBY')
      trace("before") {}
      begin
        Process.daemon(:too, :many, :arguments)
      rescue ArgumentError
        trace("after") {}
      end
      Spanwire.shutdown
      begin
        Process.daemon(:too, :many, :arguments)
      rescue ArgumentError
        p trace("too late") { |span| span.null? }
      end
    RUBY
    assert_equal ["true"], outcome.lines
    assert_equal %w[before after], outcome.spans.map { |span| span["name"] }
  end

  def test_becoming_a_daemon_waits_no_longer_than_it_may
    silent = TCPServer.new("127.0.0.1", 0)
    outcome = run_program(<<~'RUBY', "DD_TRACE_AGENT_URL" => "http://127.0.0.1:#{silent.addr[1]}")
      Spanwire.configure { |c| c.shutdown_timeout = 0.1 }
      trace("before") {}
      out, into = IO.pipe
      if fork
        into.close
        puts out.read
      else
        began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
        Process.daemon(true, true)
        into.puts Process.clock_gettime(Process::CLOCK_MONOTONIC) - began < 1
        exit!
      end
    RUBY
    assert_equal ["true"], outcome.lines
  ensure
    silent&.close
  end

  def test_nothing_of_ours_runs_before_the_first_span
    outcome = run_well(<<~'RUBY')
      ours = -> { Dir["/proc/self/task/*/comm"].map { |file| File.read(file).chomp }.grep(/spanwire/).sort }
      p ours.call, Thread.list.size
      trace("a") {}
      sleep 0.1
      p ours.call
    RUBY
    assert_equal ["[]", "1", '["spanwire-ruby", "spanwire-worker"]'], outcome.lines
  end

  def test_the_end_of_a_program_waits_no_longer_than_it_may
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    silent = TCPServer.new("127.0.0.1", 0)
    run_program(<<~'RUBY', "DD_TRACE_AGENT_URL" => "http://127.0.0.1:#{silent.addr[1]}")
      Spanwire.configure { |c| c.shutdown_timeout = 0.5 }
      trace("a") {}
    RUBY
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, :<, 2.5
  ensure
    silent&.close
  end

  def test_other_threads_run_while_a_flush_waits
    silent = TCPServer.new("127.0.0.1", 0)
    outcome = run_program(<<~'RUBY', "DD_TRACE_AGENT_URL" => "http://127.0.0.1:#{silent.addr[1]}")
      Spanwire.configure { |c| c.shutdown_timeout = 0.1 }
      trace("a") {}
      ticks = 0
      Thread.new { loop { ticks += 1; sleep 0.01 } }
      p Spanwire.flush(0.5), ticks > 10
    RUBY
    assert_equal %w[false true], outcome.lines
  ensure
    silent&.close
  end
end
