# frozen_string_literal: true

module Spanwire
  VERSION = "0.1.0"
end
