# frozen_string_literal: true

module Spanwire
  # Hooks on the start of a process by fork and on its end.
  module ForkHook
    def _fork
      pid = super
      Spanwire.after_fork if pid.zero?
      pid
    end

    # The calling process ends without running at_exit.
    def daemon(*)
      reopen = Spanwire.before_daemon
      begin
        super
      ensure
        reopen&.call
      end
    end
  end
  private_constant :ForkHook

  ::Process.singleton_class.prepend(ForkHook)

  # Runs after the at_exit blocks that were registered later, in forked children too, and never raises.
  at_exit do
    Spanwire.shutdown
  rescue StandardError
    nil
  end
end
