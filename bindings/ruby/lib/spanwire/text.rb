# frozen_string_literal: true

module Spanwire
  # Converts values to strings for the library: UTF-8, or bytes that the library repairs.
  module Text
    AS_IS = [Encoding::US_ASCII, Encoding::BINARY].freeze
    private_constant :AS_IS

    def self.from(value)
      value = value.name if value.is_a?(Symbol)
      return value if value.is_a?(String) && (value.encoding == Encoding::UTF_8 || AS_IS.include?(value.encoding))

      text = "#{value}" # interpolation gives a string even if to_s does not
      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
    rescue EncodingError
      text.b
    end

    # For NUL-terminated parameters: ffi rejects a string with a NUL.
    def self.terminated(value)
      text = from(value)
      text.include?("\0") ? text.b.tr("\0", "?") : text
    rescue ArgumentError, EncodingError # `include?` on broken text
      text.b.tr("\0", "?")
    end
  end
end
