#include "app/commands.h"

#include <gmock/gmock.h>

#include "config/configuration.h"
#include "metrics/page.h"
#include "model/cause.h"
#include "support/tcp_peer.h"

namespace app {
namespace {

using test_support::TcpPeer;
using testing::HasSubstr;

struct Ran {
  int exit_code;
  std::string out;
  std::string err;
};

template <typename Options>
Ran run_with(const Options& options) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  CommandLine line;
  line.command = options;
  const int exit_code = run(line);
  return {exit_code, testing::internal::GetCapturedStdout(),
          testing::internal::GetCapturedStderr()};
}

TcpPeer::Script answers(const std::string& status) {
  return [status](const TcpPeer::Stream& stream) {
    [[maybe_unused]] const auto request = stream.receive();
    stream.send("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  };
}

std::string url_of(const TcpPeer& peer) {
  return "http://127.0.0.1:" + std::to_string(peer.port()) + "/-/healthy";
}

TEST(CommandsTest, HealthcheckIsQuietWhenAllIsWell) {
  TcpPeer server(answers("200 OK"));
  const auto ran = run_with(HealthcheckOptions{url_of(server)});
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out + ran.err, "");
}

TEST(CommandsTest, HealthcheckSaysWhatIsWrong) {
  TcpPeer server(answers("503 Service Unavailable"));
  const auto ran = run_with(HealthcheckOptions{url_of(server)});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, url_of(server) + ": answered with status 503\n");
}

TEST(CommandsTest, ReferencesComeFromTheTables) {
  EXPECT_EQ(run_with(ReferenceOptions{ReferenceTopic::config}).out, config::reference());
  EXPECT_EQ(run_with(ReferenceOptions{ReferenceTopic::metrics}).out, metrics::reference());
  const auto causes = run_with(ReferenceOptions{ReferenceTopic::causes});
  EXPECT_EQ(causes.exit_code, 0);
  EXPECT_EQ(causes.err, "");
  for (const auto& cause : model::all_causes()) {
    EXPECT_THAT(causes.out, HasSubstr("| `" + std::string(cause.name) + "` | " +
                                      model::name_of(cause.layer) + " | "));
  }
}

}  // namespace
}  // namespace app
