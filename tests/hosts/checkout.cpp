// A shop in the middle of a checkout: three requests are finished and cannot leave, two spans are open, one has finished
// inside of them. It says `ready` and sleeps, for a debugger to look at it, or for a signal to end it.
#include <chrono>
#include <cstdio>
#include <thread>

#include <spanwire.hpp>

static void charge(const spanwire::Span &checkout) {
  spanwire::Span payment = checkout.child("payment");
  payment.set_service("bank");
  payment.set_tag("card.token", "tok_51HxSecretSecret");
  payment.set_tag("card.brand", "visa");
  payment.set_metric("amount", 42.5);
  std::puts("ready");
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(60));
}

int main() {
  auto tracer = spanwire::Tracer::create({{"SPANWIRE_LOG_SINKS", "ring"}});
  if (!tracer) return 1;
  for (int i = 0; i < 3; ++i) {
    spanwire::Span request = tracer.span("request");
    request.set_resource("GET /");
  }
  spanwire::Span checkout = tracer.span("checkout");
  checkout.set_resource("POST /checkout");
  checkout.set_type("web");
  checkout.set_tag("http.method", "POST");
  checkout.set_metric("cart.items", 3);
  {
    spanwire::Span price = checkout.child("price");
    price.set_tag("currency", "EUR");
  }
  charge(checkout);
}
