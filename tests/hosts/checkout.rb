# The same as checkout.cpp, in Ruby with the gem.
require "spanwire"

def charge
  Spanwire.tracer.trace("payment", service: "bank") do |payment|
    payment.set_tag("card.token", "tok_51HxSecretSecret")
    payment.set_tag("card.brand", "visa")
    payment.set_tag("amount", 42.5)
    $stdout.puts "ready"
    $stdout.flush
    sleep 60
  end
end

3.times { Spanwire.tracer.trace("request", resource: "GET /") { nil } }
Spanwire.tracer.trace("checkout", resource: "POST /checkout", type: "web") do |checkout|
  checkout.set_tag("http.method", "POST")
  checkout.set_tag("cart.items", 3)
  Spanwire.tracer.trace("price") { |price| price.set_tag("currency", "EUR") }
  charge
end
