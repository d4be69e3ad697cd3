# frozen_string_literal: true

module Spanwire
  # Whatever a caller gives as text, as a string that the library reads: UTF-8, or bytes that it repairs.
  module Text
    AS_IS = [Encoding::US_ASCII, Encoding::BINARY].freeze
    private_constant :AS_IS

    def self.from(value)
      value = value.name if value.is_a?(Symbol)
      return value if value.is_a?(String) && (value.encoding == Encoding::UTF_8 || AS_IS.include?(value.encoding))

      text = "#{value}" # interpolation makes a string even of an odd to_s
      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
    rescue EncodingError
      text.b
    end

    # For parameters that are NUL-terminated: a NUL within would end the text, and ffi refuses it.
    def self.terminated(value)
      text = from(value)
      text.include?("\0") ? text.b.tr("\0", "?") : text
    rescue ArgumentError, EncodingError # `include?` on broken text
      text.b.tr("\0", "?")
    end
  end
end
