# frozen_string_literal: true

workers 4
threads 2, 2
raise_exception_on_sigterm false
if ENV["PRELOAD"] == "1"
  preload_app!
else
  preload_app! false
end
