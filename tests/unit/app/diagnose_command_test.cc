#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/commands.h"
#include "folder.h"
#include "support/tcp_peer.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using test_support::closed_port;
using test_support::TcpPeer;
using testing::HasSubstr;
using testing::Not;

void greet(const TcpPeer::Stream& stream) {
  stream.send("SSH-2.0-test\r\n");
  stream.receive_all();
}

std::string at(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

class DiagnoseCommandTest : public testing::Test {
 protected:
  void ask(const std::vector<std::string>& targets) {
    options_.targets = targets;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    exit_code_ = diagnose(options_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
  }
  void configure(const std::string& yaml) { folder_.write("exporter.yml", yaml); }

  // The lines of --json.
  [[nodiscard]] std::vector<nlohmann::json> answers() const {
    std::vector<nlohmann::json> answers;
    std::istringstream lines(out_);
    for (std::string line; std::getline(lines, line);) {
      answers.push_back(nlohmann::json::parse(line));
    }
    return answers;
  }

  Folder folder_;
  DiagnoseOptions options_{
      .config_file = folder_
                         .write("exporter.yml",
                                "probe: {timeout: 2s, depth: banner, control_ports: []}\n"
                                "local: {enabled: false}\n")
                         .string(),
      .targets = {},
      .timeout = {},
      .json = false};
  int exit_code_ = -1;
  std::string out_;
  std::string err_;
};

TEST_F(DiagnoseCommandTest, AReachableServer) {
  TcpPeer server(greet);
  ask({at("127.0.0.1", server.port())});
  EXPECT_EQ(exit_code_, 0);
  EXPECT_THAT(out_, HasSubstr(at("127.0.0.1", server.port()) + "  reachable\n"));
  EXPECT_EQ(err_, "");
}

TEST_F(DiagnoseCommandTest, AClosedPortWithEvidenceAndFixAndWithoutColour) {
  ask({at("127.0.0.2", closed_port("127.0.0.2"))});
  EXPECT_EQ(exit_code_, 1);
  EXPECT_THAT(out_, HasSubstr("  port_closed  ("));
  EXPECT_THAT(out_, HasSubstr("\n  - "));
  EXPECT_THAT(out_, HasSubstr("\n  What to do: "));
  EXPECT_THAT(out_, Not(HasSubstr("\033")));
}

TEST_F(DiagnoseCommandTest, SeveralTargetsAnswerInTheOrderAsked) {
  TcpPeer server(greet, "127.0.0.4");
  const auto good = at("127.0.0.4", server.port());
  const auto bad = at("127.0.0.3", closed_port("127.0.0.3"));
  options_.json = true;
  ask({bad, good});
  EXPECT_EQ(exit_code_, 1) << "one of them is refused";
  const auto both = answers();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].at("target"), bad);
  EXPECT_EQ(both[0].at("cause"), "port_closed");
  EXPECT_EQ(both[1].at("target"), good);
  EXPECT_EQ(both[1].at("cause"), "none");
}

TEST_F(DiagnoseCommandTest, ASettingOfTheConfiguredTargetCounts) {
  TcpPeer server([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  const auto target = at("127.0.0.1", server.port());
  configure("local: {enabled: false}\nprobe: {control_ports: []}\ntargets: [{target: '" + target +
            "', depth: connect, labels: {site: ams}}]\n");
  options_.json = true;
  ask({target});
  EXPECT_EQ(exit_code_, 0);
  EXPECT_THAT(out_, HasSubstr("ams"));
}

TEST_F(DiagnoseCommandTest, TheTimeoutIsKept) {
  TcpPeer server([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  configure("local: {enabled: false}\nprobe: {timeout: 1m, depth: banner, control_ports: []}");
  options_.timeout = "300ms";
  const auto begin = std::chrono::steady_clock::now();
  ask({at("127.0.0.1", server.port())});
  EXPECT_EQ(exit_code_, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(DiagnoseCommandTest, BadInputIsToldAndNothingIsProbed) {
  TcpPeer server(greet);
  const auto good = at("127.0.0.1", server.port());
  ask({good, "host:0"});
  EXPECT_EQ(exit_code_, 2);
  EXPECT_THAT(err_, HasSubstr("'host:0'"));
  EXPECT_EQ(out_, "");
  for (const char* timeout : {"soon", "0s", "", "-1s"}) {
    options_.timeout = timeout;
    ask({good});
    EXPECT_EQ(exit_code_, 2) << timeout;
    EXPECT_THAT(err_, HasSubstr("--timeout")) << timeout;
  }
  options_.timeout.reset();
  configure("tragets: []");
  ask({good});
  EXPECT_EQ(exit_code_, 2);
  EXPECT_THAT(err_, HasSubstr("exporter.yml:1:1: "));
  EXPECT_TRUE(server.accepted().empty());
}

// Nothing listens there, whatever else this machine does: its own facts stand beside the probe's.
TEST_F(DiagnoseCommandTest, ATargetThatIsThisHostIsLookedAtFromWithin) {
  configure("probe: {timeout: 2s, depth: banner, control_ports: []}");
  ask({at("127.0.0.1", closed_port())});
  EXPECT_EQ(exit_code_, 1);
  EXPECT_THAT(out_, HasSubstr("refused the connection with a TCP reset"));
  EXPECT_THAT(out_, HasSubstr("The target is this host itself, whose own state is known:"));
}

}  // namespace
}  // namespace app
