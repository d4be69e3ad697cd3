// A shop in the middle of a checkout: the spans of three requests are finished and cannot be sent, two spans are open, and
// one inside them has finished. Prints `ready` and sleeps until a debugger inspects it or a signal ends it.
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
