// spanwire on the peers' harness: the same loop, clocks and JSON line as every peer, the span calls over the C ABI.
//
//   MODE THREADS TRACES_PER_THREAD RATE HOST:PORT     MODE: trace10 span1 tag10 root100 disabled debug
//
// SPANWIRE_BENCH_CALLS=one sets everything in the call that starts a span (spanwire_span_start_with); otherwise there is a
// call for each attribute, as in a simple binding. `benches/run` builds and runs it.
#include <spanwire.h>

#include "harness.hpp"

static spanwire_tracer tracer;

// The attributes of a span in the harness, with their lengths, which a C++ caller knows.
struct Kind {
  const char *name, *resource, *type;
  size_t name_len, resource_len, type_len;
};
static Kind kinds[3];
static spanwire_tag tags[3], tags10[10];
static const spanwire_metric rows = {"bench.rows", 10, 42.5};
static size_t service_len;

static void measure() {
  for (int k = 0; k < 3; k++) {
    kinds[k] = {NAMES[k], RES[k], TYPES[k], strlen(NAMES[k]), strlen(RES[k]), strlen(TYPES[k])};
    tags[k] = {TAGS[k][0], strlen(TAGS[k][0]), TAGS[k][1], strlen(TAGS[k][1])};
  }
  for (int k = 0; k < 10; k++) tags10[k] = {TAG10[k][0], strlen(TAG10[k][0]), TAG10[k][1], strlen(TAG10[k][1])};
  service_len = strlen(SERVICE);
}

static spanwire_span by_calls(spanwire_span parent, int k) {
  spanwire_span span = spanwire_span_start(tracer, parent, NAMES[k]);
  spanwire_span_set_service(span, SERVICE);
  spanwire_span_set_resource(span, RES[k]);
  spanwire_span_set_type(span, TYPES[k]);
  for (auto &tag : TAGS) spanwire_span_set_tag(span, tag[0], tag[1]);
  spanwire_span_set_metric(span, "bench.rows", 42.5);
  return span;
}

static spanwire_span in_one(spanwire_span parent, int k) {
  spanwire_span_options options{};
  options.size = sizeof options;
  options.parent = parent;
  options.name = kinds[k].name, options.name_len = kinds[k].name_len;
  options.service = SERVICE, options.service_len = service_len;
  options.resource = kinds[k].resource, options.resource_len = kinds[k].resource_len;
  options.type = kinds[k].type, options.type_len = kinds[k].type_len;
  options.tags = tags, options.tags_count = 3;
  options.metrics = &rows, options.metrics_count = 1;
  spanwire_span span = 0;
  spanwire_span_start_with(tracer, &options, &span);
  return span;
}

template <class Start>
static void trace10(Start start) {
  spanwire_span root = start(spanwire_span{0}, 0);
  for (int i = 0; i < 3; i++) {
    spanwire_span child = start(root, 1);
    for (int j = 0; j < 2; j++) spanwire_span_finish(start(child, 2));
    spanwire_span_finish(child);
  }
  spanwire_span_finish(root);
}

int main(int argc, char **argv) {
  Args a = args(argc, argv);
  measure();
  bool one = getenv("SPANWIRE_BENCH_CALLS") && !strcmp(getenv("SPANWIRE_BENCH_CALLS"), "one");
  std::string url = "http://" + a.host;
  spanwire_setting settings[] = {
      {"DD_SERVICE", "bench-service"},
      {"DD_TRACE_AGENT_URL", url.c_str()},
      {"DD_TRACE_ENABLED", a.disabled ? "false" : "true"},
      {"DD_TRACE_DEBUG", a.debug ? "true" : "false"},
      // Debug lines go where the harness's peers write them: to standard error, which the runner discards.
      {"SPANWIRE_LOG_SINKS", a.debug ? "stderr" : "ring"},
  };
  if (spanwire_tracer_new(settings, sizeof settings / sizeof *settings, &tracer, nullptr) != SPANWIRE_OK) return 1;

  std::function<void(size_t)> body;
  if (a.mode == "trace10" && one) body = [](size_t) { trace10(in_one); };
  else if (a.mode == "trace10") body = [](size_t) { trace10(by_calls); };
  else if (a.mode == "span1") body = [](size_t) { spanwire_span_finish(spanwire_span_start(tracer, 0, NAMES[0])); };
  else if (a.mode == "tag10") body = [](size_t) {
    spanwire_span span = spanwire_span_start(tracer, 0, NAMES[0]);
    for (auto &tag : TAG10) spanwire_span_set_tag(span, tag[0], tag[1]);
    spanwire_span_finish(span);
  };
  else if (a.mode == "root100") body = [](size_t) {
    spanwire_span root = spanwire_span_start(tracer, 0, NAMES[0]);
    for (int i = 0; i < 99; i++) spanwire_span_finish(spanwire_span_start(tracer, root, NAMES[1]));
    spanwire_span_finish(root);
  };
  else return 2;

  run(one ? "spanwire-one-call" : "spanwire", a, body, [] { spanwire_tracer_flush(tracer, 30000); });
  return spanwire_tracer_shutdown(tracer, 5000) == SPANWIRE_OK ? 0 : 1;
}
