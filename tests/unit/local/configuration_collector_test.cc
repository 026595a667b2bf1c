// The collector on folders in the layouts of distributions, and with this machine's own sshd.

#include "local/configuration_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "local/program.h"
#include "support/fake_host.h"
#include "support/root_folder.h"
#include "support/stepped_clock.h"

namespace {

using model::ConfigProblem;
using model::ConfigSource;
using model::SshdConfig;
using std::chrono::minutes;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::RootFolder;
using test_support::SteppedClock;
using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class Collecting {
 public:
  explicit Collecting(const std::filesystem::path& root, bool privileged = true)
      : host(root),
        collector_(local::make_configuration_collector({host, clock, ""}, privileged)) {}

  const SshdConfig& collect() {
    model::HostFacts mine;
    error = collector_->collect(known, mine);
    facts_ = mine.configuration;
    return *facts_;
  }
  // How often a program was run with this option first.
  [[nodiscard]] std::ptrdiff_t runs(const std::string& option) const {
    const auto calls = host.calls();
    return std::count_if(calls.begin(), calls.end(),
                         [&](const Words& argv) { return argv.at(1) == option; });
  }
  void start_with(const Words& command) {
    auto units = std::make_shared<model::SystemdFacts>();
    model::UnitFacts unit;
    unit.name = "ssh.service";
    unit.active_state = "active";
    unit.service.emplace().start_command = command;
    units->units.push_back(unit);
    known.systemd = units;
  }

  FakeHost host;
  SteppedClock clock;
  model::HostFacts known;
  std::string error;

 private:
  std::unique_ptr<local::Collector> collector_;
  std::shared_ptr<const SshdConfig> facts_;
};

Words listen_of(const SshdConfig& config) {
  Words endpoints;
  for (const auto& endpoint : config.listen) {
    endpoints.push_back(base::format_host_port(endpoint.address.to_string(), endpoint.port));
  }
  return endpoints;
}

TEST(ConfigurationCollector, NothingInstalled) {
  const RootFolder root;
  Collecting collecting(root.path());
  EXPECT_EQ(collecting.collect().program, "");
  EXPECT_EQ(collecting.error, "");
}

struct Layout {
  const char* name;
  Words listen;
  std::uint32_t allow_groups;
};

TEST(ConfigurationCollector, LayoutsOfDistributions) {
  for (const auto& layout : std::vector<Layout>{
           {"debian12", {"0.0.0.0:22", "[::]:22"}, 0},
           {"debian13", {"0.0.0.0:2222", "[::]:2222"}, 0},
           {"ubuntu2404", {"192.0.2.10:22", "[2001:db8::10]:22"}, 1},
           {"fedora", {"0.0.0.0:22"}, 0},
       }) {
    // Files below the repository may belong to anybody; the program must not.
    const RootFolder root;
    std::filesystem::copy(std::string(SOURCE_DIR) + "/tests/fixtures/host/" + layout.name,
                          root.path(), std::filesystem::copy_options::recursive);
    root.write("/usr/sbin/sshd", "", 0755);
    Collecting collecting(root.path(), false);
    const auto& config = collecting.collect();
    EXPECT_EQ(config.source, ConfigSource::parsed) << layout.name;
    EXPECT_EQ(listen_of(config), layout.listen) << layout.name;
    EXPECT_EQ(config.allow_groups, layout.allow_groups) << layout.name;
    EXPECT_FALSE(config.check) << layout.name;
    EXPECT_EQ(collecting.error, "configuration of sshd: not checked, as sshd -t needs root");
    EXPECT_EQ(config.host_keys.size(), 3U) << layout.name;
  }
}

TEST(ConfigurationCollector, MissingFileHasDefaultsAndIsSaid) {
  const RootFolder root;
  root.write("/usr/sbin/sshd", "", 0755);
  Collecting collecting(root.path(), false);
  EXPECT_THAT(listen_of(collecting.collect()), ElementsAre("0.0.0.0:22", "[::]:22"));
  EXPECT_THAT(collecting.error, HasSubstr("/etc/ssh/sshd_config: No such file or directory"));
}

TEST(ConfigurationCollector, Dropbear) {
  const RootFolder root;
  root.write("/usr/sbin/dropbear", "", 0755);
  root.write("/etc/default/dropbear", "DROPBEAR_PORT=2022\n");
  Collecting collecting(root.path());
  collecting.host.program([](const Words&) {
    local::ProgramEnd end;
    end.exit_status = 0;
    end.err = "Dropbear v2022.83\n";
    return end;
  });
  const auto& config = collecting.collect();
  EXPECT_EQ(config.program, "dropbear");
  EXPECT_EQ(config.source, ConfigSource::command_line);
  EXPECT_EQ(config.version, "Dropbear v2022.83");
  EXPECT_THAT(listen_of(config), ElementsAre("0.0.0.0:2022", "[::]:2022"));
  EXPECT_FALSE(config.check);
  EXPECT_EQ(collecting.error, "");
  collecting.collect();
  EXPECT_EQ(collecting.runs("-V"), 1);
}

// --- this machine's sshd ------------------------------------------------------------------------

class RealSshd : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "sshd -t needs root";
    if (::access("/usr/sbin/sshd", X_OK) != 0) GTEST_SKIP() << "no /usr/sbin/sshd";
    if (::access("/run/sshd", F_OK) != 0) GTEST_SKIP() << "no /run/sshd";
    make_key("/key");
    configure("Port 2222\n");
    collecting_.start_with({"/usr/sbin/sshd", "-D", "-f", root_.at("/config")});
    collecting_.host.program([](const Words& argv) {
      return local::run_program({argv, seconds(20)}, "");
    });
  }

  void make_key(const std::string& path) const {
    const auto end = local::run_program(
        {{"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root_.at(path)},
         seconds(20)},
        "");
    ASSERT_EQ(end.exit_status, 0) << end.err;
  }

  void configure(const std::string& text) const {
    root_.write("/config", "HostKey " + root_.at("/key") + "\n" + text);
  }

  RootFolder root_;
  Collecting collecting_{"/"};
};

TEST_F(RealSshd, Valid) {
  const auto& config = collecting_.collect();
  EXPECT_EQ(collecting_.error, "");
  EXPECT_EQ(config.source, ConfigSource::effective);
  EXPECT_EQ(config.program, "sshd");
  EXPECT_EQ(config.binary, "/usr/sbin/sshd");
  EXPECT_EQ(config.file, root_.at("/config"));
  EXPECT_THAT(config.version, HasSubstr("OpenSSH_"));
  EXPECT_THAT(config.version, HasSubstr("p")) << "the full release";
  EXPECT_THAT(config.ports, ElementsAre(2222));
  ASSERT_TRUE(config.check);
  EXPECT_EQ(config.check->problem, ConfigProblem::none);
  ASSERT_EQ(config.host_keys.size(), 1U);
  EXPECT_EQ(config.host_keys[0].type, "ed25519");
  EXPECT_EQ(config.host_keys[0].usable, true);
}

TEST_F(RealSshd, OptionsOfItsStartCount) {
  collecting_.start_with({"/usr/sbin/sshd", "-D", "-f", root_.at("/config"), "-p", "2223", "-4",
                          "-oLoginGraceTime=7"});
  const auto& config = collecting_.collect();
  EXPECT_THAT(listen_of(config), ElementsAre("0.0.0.0:2223"));
  EXPECT_EQ(config.login_grace, seconds(7));
}

TEST_F(RealSshd, InvalidLine) {
  configure("Port 2222\nBogus yes\n");
  const auto& config = collecting_.collect();
  ASSERT_TRUE(config.check);
  EXPECT_EQ(config.check->problem, ConfigProblem::configuration);
  EXPECT_EQ(config.check->file, root_.at("/config"));
  EXPECT_EQ(config.check->line, 3);
  EXPECT_EQ(config.check->message, "Bad configuration option: Bogus");
  EXPECT_EQ(config.source, ConfigSource::parsed);
  EXPECT_THAT(config.ports, ElementsAre(2222));
  EXPECT_EQ(collecting_.error, "");
}

TEST_F(RealSshd, KeysThatOthersMayRead) {
  ASSERT_EQ(::chmod(root_.at("/key").c_str(), 0644), 0);
  const auto& config = collecting_.collect();
  ASSERT_TRUE(config.check);
  EXPECT_EQ(config.check->problem, ConfigProblem::host_keys);
  ASSERT_EQ(config.host_keys.size(), 1U);
  EXPECT_EQ(config.host_keys[0].usable, false);
  EXPECT_EQ(config.host_keys[0].mode, 0644U);
}

// Past the grain of the file system's clock, so that the next change leaves a trace.
void settle() { ::usleep(20'000); }

TEST_F(RealSshd, AskedAgainOnlyAfterAChange) {
  root_.write("/inc/a.conf", "LoginGraceTime 5\n");
  configure("Include " + root_.at("/inc/*.conf") + "\n");
  settle();
  // The stepped clock is far from the files' times: all of them look old.
  EXPECT_EQ(collecting_.collect().login_grace, seconds(5));
  collecting_.collect();
  collecting_.collect();
  EXPECT_EQ(collecting_.runs("-T"), 1);
  EXPECT_EQ(collecting_.runs("-?"), 1);

  settle();
  root_.write("/inc/a.conf", "LoginGraceTime 6\n");  // the same size
  EXPECT_EQ(collecting_.collect().login_grace, seconds(6));
  EXPECT_EQ(collecting_.runs("-T"), 2);

  settle();
  root_.write("/inc/0.conf", "LoginGraceTime 7\n");  // a new file
  EXPECT_EQ(collecting_.collect().login_grace, seconds(7));
  EXPECT_EQ(collecting_.runs("-T"), 3);

  settle();
  ASSERT_EQ(::chmod(root_.at("/key").c_str(), 0640), 0);
  EXPECT_EQ(collecting_.collect().check->problem, ConfigProblem::host_keys);
  EXPECT_EQ(collecting_.runs("-T"), 4);

  settle();
  std::filesystem::remove(root_.at("/key"));
  EXPECT_FALSE(collecting_.collect().host_keys.at(0).present);
  EXPECT_EQ(collecting_.runs("-T"), 5);

  collecting_.clock.advance(minutes(5) - seconds(1));
  collecting_.collect();
  EXPECT_EQ(collecting_.runs("-T"), 5);
  collecting_.clock.advance(seconds(1));
  collecting_.collect();
  EXPECT_EQ(collecting_.runs("-T"), 6) << "what is not watched is noticed in the end";
  EXPECT_EQ(collecting_.runs("-?"), 1);
}

TEST_F(RealSshd, RetriesSoonAfterAHang) {
  bool hung = true;
  collecting_.host.program([&](const Words& argv) {
    if (hung) return local::run_program({{"/bin/sleep", "60"}, std::chrono::milliseconds(20)}, "");
    return local::run_program({argv, seconds(20)}, "");
  });
  const auto& config = collecting_.collect();
  EXPECT_FALSE(config.check);
  EXPECT_THAT(collecting_.error, HasSubstr("it did not end in time"));
  EXPECT_THAT(config.ports, ElementsAre(2222)) << "as we read it";
  hung = false;
  collecting_.clock.advance(seconds(59));
  EXPECT_FALSE(collecting_.collect().check);
  collecting_.clock.advance(seconds(1));
  EXPECT_TRUE(collecting_.collect().check);
  EXPECT_EQ(collecting_.error, "");
}

TEST_F(RealSshd, SettingsWhereTheFileMayNotBeSeen) {
  Collecting unprivileged("/", false);
  unprivileged.start_with({"/usr/sbin/sshd", "-f", root_.at("/config")});
  const auto& config = unprivileged.collect();
  EXPECT_EQ(config.source, ConfigSource::parsed);
  EXPECT_FALSE(config.check);
  EXPECT_NE(unprivileged.error, "");
}

}  // namespace
