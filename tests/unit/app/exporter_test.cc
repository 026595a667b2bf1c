#include "app/exporter.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "folder.h"
#include "support/tcp_peer.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using model::Cause;
using model::Outcome;
using test_support::closed_port;
using test_support::TcpPeer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using web::ProbeRefusal;

void greet(const TcpPeer::Stream& stream) {
  stream.send("SSH-2.0-test\r\n");
  stream.receive_all();
}

void stay_silent(const TcpPeer::Stream& stream) { stream.receive_all(); }

std::string at(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

// Quick probes; what a test adds stands below.
constexpr const char* kProbe =
    "probe: {interval: 1s, timeout: 1s, depth: banner, control_ports: []}\n"
    // This machine's own state is another test's subject.
    "local: {enabled: false}\n"
    "modules: {patient: {interval: 60s, timeout: 20s}}\n";

// An exporter whose loop runs in a thread, as in `serve` but without the web server.
class ExporterTest : public testing::Test {
 protected:
  void start(const std::string& more = "") {
    configure(more);
    ServeOptions options;
    options.config_file = file_.string();
    auto configuration = load_configuration(options.config_file);
    ASSERT_TRUE(configuration.ok()) << configuration.error();
    exporter_ = std::make_unique<Exporter>(loop_, options, std::move(configuration).value());
    thread_ = std::thread([this] { loop_.run(); });
  }
  void configure(const std::string& more) { folder_.write("exporter.yml", kProbe + more); }

  void stop() {
    std::promise<void> stopped;
    loop_.post([&] {
      exporter_->stop();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    loop_.post([this] { exporter_->stop(); });
    loop_.stop();
    thread_.join();
  }

  web::ProbeReply probe(const std::string& target, const std::string& module = "default",
                        std::optional<base::Duration> timeout = std::nullopt) {
    return exporter_->probe(target, module, timeout);
  }
  // Waits until what is published fulfils the condition.
  template <typename Condition>
  bool published(Condition condition, base::Duration patience = 5s) {
    for (const auto end = clock_.steady() + patience; clock_.steady() < end;) {
      if (condition(*exporter_->snapshot())) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  base::SystemClock clock_;
  Folder folder_;
  const std::filesystem::path file_ = folder_ / "exporter.yml";
  base::EventLoop loop_{clock_};
  std::unique_ptr<Exporter> exporter_;
  std::thread thread_;
};

TEST(LoadConfigurationTest, ReadsTheFileThatIsNamed) {
  const Folder folder;
  const auto path = folder.write("a.yml", "targets: [{target: a}]");
  const auto loaded = load_configuration(path.string());
  ASSERT_TRUE(loaded.ok()) << loaded.error();
  EXPECT_THAT(loaded->targets, SizeIs(1));
  const auto missing = load_configuration((folder / "b.yml").string());
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error(), HasSubstr((folder / "b.yml").string()));
}

TEST(LoadConfigurationTest, WithoutAnyFileLocalhostIsProbed) {
  if (std::filesystem::exists(kDefaultConfigFile)) GTEST_SKIP() << "there is a default file here";
  const auto loaded = load_configuration(std::nullopt);
  ASSERT_TRUE(loaded.ok()) << loaded.error();
  ASSERT_THAT(loaded->targets, SizeIs(1));
  EXPECT_EQ(loaded->targets[0]->name, "localhost:22");
}

TEST_F(ExporterTest, ProbesAServer) {
  TcpPeer server(greet);
  start();
  const auto reply = probe(at("127.0.0.1", server.port()));
  ASSERT_FALSE(reply.refusal) << reply.message;
  EXPECT_TRUE(reply.state->last->diagnosis.success);
  EXPECT_EQ(reply.state->target->name, at("127.0.0.1", server.port()));
  EXPECT_EQ(reply.state->probes, 1U);
  EXPECT_THAT(exporter_->snapshot()->targets, IsEmpty()) << "probed once, not for good";
}

TEST_F(ExporterTest, ProbesAClosedPort) {
  start();
  const auto target = at("127.0.0.2", closed_port("127.0.0.2"));
  const auto reply = probe(target);
  ASSERT_FALSE(reply.refusal) << reply.message;
  EXPECT_FALSE(reply.state->last->diagnosis.success);
  EXPECT_EQ(reply.state->last->diagnosis.cause, Cause::port_closed);
  EXPECT_EQ(reply.state->target->name, target);
}

TEST_F(ExporterTest, WritesTheTargetInItsOwnForm) {
  start("probe_endpoint: {allowed_networks: ['192.0.2.0/24']}\n");
  EXPECT_THAT(probe("127.0.0.1").message, HasSubstr("127.0.0.1"));
  EXPECT_EQ(probe("::1").refusal, ProbeRefusal::forbidden_address);
  EXPECT_EQ(probe("[::1]:2222").refusal, ProbeRefusal::forbidden_address);
}

TEST_F(ExporterTest, RefusesWhatItCannotProbe) {
  start();
  const auto unknown = probe("127.0.0.1", "nonsense\n");
  EXPECT_EQ(unknown.refusal, ProbeRefusal::unknown_module);
  EXPECT_THAT(unknown.message, HasSubstr("nonsense"));
  EXPECT_THAT(unknown.message, testing::Not(HasSubstr("\n")));
  EXPECT_EQ(unknown.state, nullptr);
  for (const char* target : {"", ":22", "a:0", "a:65536", "user@a", "a b", "[::1", "ssh://a"}) {
    const auto reply = probe(target);
    EXPECT_EQ(reply.refusal, ProbeRefusal::malformed_target) << target;
    EXPECT_NE(reply.message, "") << target;
  }
}

TEST_F(ExporterTest, KeepsToTheAllowedNetworks) {
  TcpPeer server(greet);
  TcpPeer other(greet, "127.0.0.2");
  start("probe_endpoint: {allowed_networks: ['127.0.0.2/32', '192.0.2.0/24']}\n");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto refused = probe(at(host, server.port()));
    EXPECT_EQ(refused.refusal, ProbeRefusal::forbidden_address) << host;
    EXPECT_THAT(refused.message, HasSubstr("allowed_networks")) << host;
  }
  EXPECT_THAT(server.accepted(), IsEmpty()) << "nothing may be sent there";
  EXPECT_FALSE(probe(at("127.0.0.2", other.port())).refusal);
}

TEST_F(ExporterTest, TheEndpointCanBeSwitchedOff) {
  start("probe_endpoint: {enabled: false}\n");
  const auto reply = probe("127.0.0.1");
  EXPECT_EQ(reply.refusal, ProbeRefusal::disabled);
  EXPECT_THAT(reply.message, HasSubstr("probe_endpoint.enabled"));
}

TEST_F(ExporterTest, AShorterTimeoutThanTheModulesIsKept) {
  TcpPeer server(stay_silent);
  start();
  const auto begin = clock_.steady();
  const auto reply = probe(at("127.0.0.1", server.port()), "patient", 500ms);
  EXPECT_LT(clock_.steady() - begin, 2s);
  ASSERT_FALSE(reply.refusal) << reply.message;
  EXPECT_EQ(reply.state->last->result.addresses.at(0).seen.outcome, Outcome::timeout);
}

TEST_F(ExporterTest, ALongerTimeoutThanTheModulesIsNot) {
  TcpPeer server(stay_silent);
  start();
  const auto begin = clock_.steady();
  ASSERT_FALSE(probe(at("127.0.0.1", server.port()), "default", 1h).refusal);
  EXPECT_LT(clock_.steady() - begin, 3s);
}

// One connection a second: of several at once some have their turn and the others are told so.
TEST_F(ExporterTest, TooManyProbesOfOneAddressAreRefusedNotQueued) {
  std::vector<std::unique_ptr<TcpPeer>> servers;
  for (int i = 0; i < 4; ++i) servers.push_back(std::make_unique<TcpPeer>(greet));
  start();
  std::vector<std::future<web::ProbeReply>> replies;
  for (const auto& server : servers) {
    const auto target = at("127.0.0.1", server->port());
    replies.push_back(std::async(std::launch::async, [this, target] { return probe(target); }));
  }
  int refused = 0;
  for (auto& reply : replies) {
    const auto answer = reply.get();
    if (!answer.refusal) continue;
    ++refused;
    EXPECT_EQ(answer.refusal, ProbeRefusal::busy);
    EXPECT_THAT(answer.message, HasSubstr("127.0.0.1"));
  }
  EXPECT_EQ(refused, 3);
}

TEST_F(ExporterTest, SeveralWhoAskForOneTargetShareAProbe) {
  TcpPeer server(greet);
  start();
  const auto target = at("127.0.0.1", server.port());
  std::vector<std::future<web::ProbeReply>> replies;
  for (int i = 0; i < 4; ++i) {
    replies.push_back(std::async(std::launch::async, [&] { return probe(target); }));
  }
  std::size_t answered = 0;
  for (auto& reply : replies) answered += reply.get().refusal ? 0 : 1;
  EXPECT_GE(answered, server.accepted().size());
  EXPECT_THAT(server.accepted(), SizeIs(1));
}

TEST_F(ExporterTest, StopAnswersAProbeThatWaits) {
  TcpPeer server(stay_silent);
  start();
  auto reply = std::async(std::launch::async,
                          [&] { return probe(at("127.0.0.1", server.port()), "patient"); });
  while (server.accepted().empty()) std::this_thread::sleep_for(1ms);
  stop();
  ASSERT_EQ(reply.wait_for(1s), std::future_status::ready);
  const auto answer = reply.get();
  EXPECT_EQ(answer.refusal, ProbeRefusal::busy);
  EXPECT_THAT(answer.message, HasSubstr("ending"));
}

TEST_F(ExporterTest, AfterStopEverythingIsRefusedAtOnce) {
  start();
  stop();
  const auto begin = clock_.steady();
  EXPECT_EQ(probe("127.0.0.1").refusal, ProbeRefusal::busy);
  const auto reloaded = exporter_->reload();
  ASSERT_FALSE(reloaded.ok());
  EXPECT_THAT(reloaded.error(), HasSubstr("ending"));
  EXPECT_NE(exporter_->snapshot(), nullptr);
  EXPECT_LT(clock_.steady() - begin, 500ms);
}

TEST_F(ExporterTest, PublishesItsTargetsAndTheirProbes) {
  TcpPeer server(greet);
  start("targets: [{target: '" + at("127.0.0.1", server.port()) + "', labels: {site: ams}}]\n");
  EXPECT_TRUE(exporter_->snapshot()->reload.successful);
  EXPECT_LT(clock_.wall() - exporter_->snapshot()->reload.last_success, 10s);
  ASSERT_TRUE(published(
      [](const auto& now) { return now.targets.size() == 1 && now.targets[0]->probes > 0; }));
  const auto& state = *exporter_->snapshot()->targets[0];
  EXPECT_TRUE(state.last->diagnosis.success);
  EXPECT_EQ(state.target->labels.at(0).second, "ams");
}

TEST_F(ExporterTest, CountersSurviveAReload) {
  const auto stays = at("127.0.0.3", closed_port("127.0.0.3"));
  start("targets: [{target: '" + stays + "'}, {target: '127.0.0.4:1'}]\n");
  ASSERT_TRUE(published([](const auto& now) {
    return now.targets.size() == 2 && now.targets[0]->probes >= 2 && now.targets[1]->probes >= 1;
  }));
  const auto before = exporter_->snapshot();
  configure("targets: [{target: '127.0.0.5:1'}, {target: '" + stays + "', labels: {rack: '7'}}]\n");
  const auto reloaded = exporter_->reload();
  ASSERT_TRUE(reloaded.ok()) << reloaded.error();
  ASSERT_TRUE(published([&](const auto& now) {
    return now.targets.size() == 2 && now.targets[1]->target->name == stays;
  }));
  const auto after = exporter_->snapshot();
  EXPECT_EQ(after->targets[0]->target->name, "127.0.0.5:1");
  EXPECT_GE(after->targets[1]->probes, before->targets[0]->probes);
  ASSERT_THAT(after->targets[1]->failures, SizeIs(1));
  EXPECT_GE(after->targets[1]->failures[0].second, before->targets[0]->failures[0].second);
  EXPECT_THAT(after->targets[1]->target->labels, SizeIs(1));
  EXPECT_GE(after->reload.last_success, before->reload.last_success);
}

TEST_F(ExporterTest, ABadFileLeavesTheOldConfigurationInForce) {
  TcpPeer server(greet);
  const auto target = at("127.0.0.1", server.port());
  start("targets: [{target: '" + target + "'}]\n");
  ASSERT_TRUE(published([](const auto& now) { return now.targets.size() == 1; }));
  const auto first = exporter_->snapshot()->reload.last_success;
  for (const char* bad : {"targets: [", "tragets: []\n", "probe_endpoint: {enabled: perhaps}\n"}) {
    folder_.write("exporter.yml", bad);
    const auto reloaded = exporter_->reload();
    ASSERT_FALSE(reloaded.ok()) << bad;
    EXPECT_THAT(reloaded.error(), HasSubstr(file_.string() + ":")) << bad;
    const auto now = exporter_->snapshot();
    EXPECT_FALSE(now->reload.successful);
    EXPECT_EQ(now->reload.last_success, first);
    ASSERT_THAT(now->targets, SizeIs(1));
    EXPECT_EQ(now->targets[0]->target->name, target);
  }
  std::filesystem::remove(file_);
  EXPECT_FALSE(exporter_->reload().ok());
  const auto probes = exporter_->snapshot()->targets[0]->probes;
  EXPECT_TRUE(published([&](const auto& now) { return now.targets[0]->probes > probes; }));
  EXPECT_FALSE(exporter_->snapshot()->reload.successful) << "also after more probes";
  configure("");
  EXPECT_TRUE(exporter_->reload().ok());
  EXPECT_TRUE(exporter_->snapshot()->reload.successful);
  EXPECT_GT(exporter_->snapshot()->reload.last_success, first);
  EXPECT_TRUE(published([](const auto& now) { return now.targets.empty(); }));
}

TEST_F(ExporterTest, AReloadReachesTheProbeEndpoint) {
  start();
  EXPECT_EQ(probe("127.0.0.1", "new").refusal, ProbeRefusal::unknown_module);
  folder_.write("exporter.yml",
                "modules: {new: {depth: connect}}\n"
                "probe_endpoint: {allowed_networks: [192.0.2.0/24]}\n");
  ASSERT_TRUE(exporter_->reload().ok());
  EXPECT_EQ(probe("127.0.0.1", "new").refusal, ProbeRefusal::forbidden_address);
  EXPECT_EQ(probe("127.0.0.1", "patient").refusal, ProbeRefusal::unknown_module);
}

TEST_F(ExporterTest, TargetFilesAreWatched) {
  folder_.write("targets.yml", "- targets: ['127.0.0.6:1']\n");
  start("file_sd: [{files: [targets.yml]}]\n");
  const auto has = [](const std::string& name) {
    return [name](const model::Snapshot& now) {
      return now.targets.size() == 1 && now.targets[0]->target->name == name;
    };
  };
  ASSERT_TRUE(published(has("127.0.0.6:1")));
  folder_.replace("targets.yml", "- targets: ['127.0.0.7:1']\n");
  EXPECT_TRUE(published(has("127.0.0.7:1")));
  folder_.replace("targets.yml", "- targets: ['127.0.0.8:1']\n");
  EXPECT_TRUE(exporter_->reload().ok());
  EXPECT_TRUE(published(has("127.0.0.8:1"))) << "a reload reads them too";
}

// As many web requests do; the thread sanitizer watches.
TEST_F(ExporterTest, RequestsReloadsAndTheEndAtOnce) {
  TcpPeer server(greet);
  const auto target = at("127.0.0.1", server.port());
  start("targets: [{target: '" + target + "'}]\n");
  std::atomic<bool> ending = false;
  std::vector<std::thread> callers;
  callers.emplace_back([&] {
    while (!ending) EXPECT_NE(exporter_->snapshot(), nullptr);
  });
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      while (!ending) [[maybe_unused]] auto result = exporter_->reload();
    });
    callers.emplace_back([&] {
      while (!ending) probe(target, "patient", 100ms);
    });
  }
  std::this_thread::sleep_for(500ms);
  stop();
  std::this_thread::sleep_for(100ms);
  ending = true;
  for (auto& caller : callers) caller.join();
}

}  // namespace
}  // namespace app
