# frozen_string_literal: true

workers Integer(ENV.fetch("WORKERS", "0"))
threads 4, 4
raise_exception_on_sigterm false
ENV["PRELOAD"] == "0" ? preload_app!(false) : preload_app!
