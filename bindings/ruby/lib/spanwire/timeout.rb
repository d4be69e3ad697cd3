# frozen_string_literal: true

require "timeout"

module Spanwire
  # Timeout.timeout without a class ends its block by `throw` where the timeout gem is older than 0.4: no exception passes
  # the blocks in between. Here the fiber's scope learns of that throw, and forgets it where it ends.
  module TimeoutHook
    # Timeout::Error.catch, around the block that is timed.
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

    # Timeout::Error#exception, which throws. It is called on a copy of what `catch` has yielded.
    module Throw
      def spanwire_tag = @catch_value

      def exception(message = nil, *)
        return super unless thread == Thread.current

        scope = Scope.current
        scope.timeout = self
        exception = super
        scope.timeout = nil # it could not throw, and is raised instead
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
