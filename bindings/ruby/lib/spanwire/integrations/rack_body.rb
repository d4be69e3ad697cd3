# frozen_string_literal: true

module Spanwire
  module Integrations
    class Rack
      # A response's body: ends the request's span when the server closes it. While it is read, that span is the current
      # one. It answers to the methods of the body and to no others: servers choose how to send it by its methods.
      class Body
        def initialize(body, span)
          @body = body
          @span = span
        end

        def close
          @body.close if @body.respond_to?(:close)
        rescue Exception => e # any exception, which is raised again
          @span.set_error(e)
          raise
        ensure
          @span.finish
        end

        def respond_to_missing?(name, all = false)
          name != :to_str && @body.respond_to?(name, all)
        end

        def method_missing(name, *arguments, **options, &block)
          return super unless respond_to_missing?(name)

          case name
          when :each then block ? within { |by_server| each(by_server, block) } : to_enum(:each)
          when :call then within { @body.call(*arguments, **options, &block) }
          else @body.public_send(name, *arguments, **options, &block)
          end
        end

        private

        # An exception of the server, such as that the client is gone, is none of the application.
        def each(by_server, block)
          @body.each do |part|
            by_server[0] = true
            block.call(part)
            by_server[0] = false
          end
        end

        def within
          scope = Scope.current
          outer = scope.span
          scope.span = @span
          by_server = [false]
          yield by_server
        rescue Exception => e # any exception, which is raised again
          @span.set_error(e) unless by_server&.first
          raise
        ensure
          scope.span = outer
        end
      end
    end
  end
end
