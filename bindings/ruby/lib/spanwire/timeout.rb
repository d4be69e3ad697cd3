# frozen_string_literal: true

require "timeout"

module Spanwire
  # With a timeout gem older than 0.4, Timeout.timeout without a class ends its block by `throw`: no exception passes
  # the blocks in between. These hooks record the throw in the fiber's scope, and clear it where the throw ends.
  module TimeoutHook
    # Hook on Timeout::Error.catch, around the timed block.
    module Catch
      def catch(*)
        error = nil
        super do |made|
          error = made
          yield made
        end
      ensure
        scope = Scope.current
        scope.timeout = nil if scope.timeout && scope.timeout.spanwire_tag.equal?(error)
      end
    end

    # Hook on Timeout::Error#exception, which throws. It is called on a copy of the error that `catch` yielded.
    module Throw
      def spanwire_tag = @catch_value

      def exception(message = nil, *)
        return super unless thread == Thread.current

        scope = Scope.current
        scope.timeout = self
        exception = super
        scope.timeout = nil # it could not throw and is raised
        exception
      end
    end

    if ::Timeout::Error.respond_to?(:catch) && ::Timeout::Error.method_defined?(:thread)
      ::Timeout::Error.singleton_class.prepend(Catch)
      ::Timeout::Error.prepend(Throw)
    end
  end
  private_constant :TimeoutHook
end
