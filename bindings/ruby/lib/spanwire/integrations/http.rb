# frozen_string_literal: true

module Spanwire
  # Traces libraries of others. Each file is loaded by a `require` of its own; `spanwire/rails` loads them all.
  module Integrations
    # What the integrations for incoming and outgoing HTTP requests share.
    module Http
      USER = %r{\A((?:[^/]*:)?//)?[^/]*@}n
      private_constant :USER

      module_function

      # Returns a URL, or a path, without what may be secret: user and password, fragment, and the values of the query,
      # whose names remain: "/cart?item=7&token=x" becomes "/cart?item&token".
      def url(text)
        text, _, query = Text.from(text).b.partition("#").first.partition("?") # bytes, which the library repairs
        text = text.sub(USER, '\1')
        names = names(query)
        text = "#{text}?#{names}" unless names.empty?
        text.force_encoding(Encoding::UTF_8)
      end

      # An item without a name or a value may be a token, also one that ends in "="; "?" replaces it.
      def names(query)
        query.split("&").reject(&:empty?).map do |item|
          name, _, value = item.partition("=")
          name.empty? || value.delete("=").empty? ? "?" : name
        end.join("&")
      end
      private_class_method :names
    end
  end
end
