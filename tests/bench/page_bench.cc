// What the pages cost with ten thousand targets, part by part. bench_page_http has the whole beside
// a static body of the same bytes.

#include <benchmark/benchmark.h>

#include "metrics/page.h"
#include "support/fake_backend.h"
#include "support/http_client.h"
#include "support/snapshots.h"
#include "web/gzip.h"
#include "web/server.h"

namespace {

constexpr std::size_t kTargets = 10'000;
const metrics::BuildInfo kBuild{"1.2.3", "0123456789ab", "gcc"};

const model::Snapshot& snapshot() {
  static const auto kSnapshot = test_support::large_snapshot(kTargets);
  return kSnapshot;
}

const std::string& page() {
  static const auto kPage = metrics::render(snapshot(), kBuild, 0);
  return kPage;
}

void report_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * page().size()));
  state.counters["page_bytes"] = static_cast<double>(page().size());
}

void BM_CopyPage(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::string(page()));
  report_bytes(state);
}
BENCHMARK(BM_CopyPage)->Unit(benchmark::kMillisecond);

void BM_RenderWhole(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(metrics::render(snapshot(), kBuild, 0));
  report_bytes(state);
}
BENCHMARK(BM_RenderWhole)->Unit(benchmark::kMillisecond);

void BM_RenderStreamed(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    metrics::render(snapshot(), kBuild, 0, [&](std::string_view piece) { bytes += piece.size(); });
  }
  benchmark::DoNotOptimize(bytes);
  report_bytes(state);
}
BENCHMARK(BM_RenderStreamed)->Unit(benchmark::kMillisecond);

void BM_Gzip(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t bytes = 0;
    web::GzipStream stream([&](std::string_view piece) { bytes += piece.size(); });
    stream.write(page());
    stream.finish();
    state.counters["packed_bytes"] = static_cast<double>(bytes);
  }
  report_bytes(state);
}
BENCHMARK(BM_Gzip)->Unit(benchmark::kMillisecond);

// Both sides of the loopback connection are counted.
void serve(benchmark::State& state, const std::string& path, const std::string& headers = "") {
  static test_support::FakeBackend backend;
  backend.set_snapshot(snapshot());
  web::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.build = kBuild;
  const auto server = web::Server::start(options, backend);
  const int port = server.value()->ports().at(0);
  for (auto _ : state) {
    test_support::HttpConnection connection(port);
    connection.send("GET " + path + " HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
    benchmark::DoNotOptimize(connection.drain());
  }
  report_bytes(state);
}

void BM_ServeMetrics(benchmark::State& state) { serve(state, "/metrics"); }
BENCHMARK(BM_ServeMetrics)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

void BM_ServeMetricsGzip(benchmark::State& state) {
  serve(state, "/metrics", "Accept-Encoding: gzip\r\n");
}
BENCHMARK(BM_ServeMetricsGzip)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_StatusPage(benchmark::State& state) { serve(state, "/"); }
BENCHMARK(BM_StatusPage)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_TargetsAsJson(benchmark::State& state) { serve(state, "/api/v1/targets"); }
BENCHMARK(BM_TargetsAsJson)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
