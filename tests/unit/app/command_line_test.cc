#include "app/command_line.h"

#include <gmock/gmock.h>

#include "app/build_info.h"

namespace app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Parsed {
  std::optional<CommandLine> line;
  int exit_code = -1;  // without a line
  std::string out;
  std::string err;
};

Parsed parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ssh_refusal_exporter");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto result = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  Parsed parsed;
  parsed.out = testing::internal::GetCapturedStdout();
  parsed.err = testing::internal::GetCapturedStderr();
  if (const int* code = std::get_if<int>(&result)) {
    parsed.exit_code = *code;
  } else {
    parsed.line = std::get<CommandLine>(result);
  }
  return parsed;
}

// The options of the command that the arguments mean.
template <typename Options>
Options options(const std::vector<const char*>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_TRUE(parsed.line) << parsed.err;
  EXPECT_EQ(parsed.out + parsed.err, "");
  if (!parsed.line || !std::holds_alternative<Options>(parsed.line->command)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Options>(parsed.line->command);
}

// A usage error: exit code 2, a word about it on standard error and nothing else.
std::string refused(const std::vector<const char*>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_EQ(parsed.out, "");
  EXPECT_NE(parsed.err, "");
  return parsed.err;
}

TEST(CommandLineTest, NothingMeansServeWithTheDefaults) {
  for (const auto& arguments : {std::vector<const char*>{}, std::vector<const char*>{"serve"}}) {
    const auto serve = options<ServeOptions>(arguments);
    EXPECT_FALSE(serve.config_file);
    EXPECT_FALSE(serve.config_check);
    EXPECT_THAT(serve.listen_addresses, ElementsAre(":10062"));
    EXPECT_EQ(serve.telemetry_path, "/metrics");
    EXPECT_EQ(serve.web_config_file + serve.route_prefix + serve.external_url, "");
    const auto line = *parse(arguments).line;
    EXPECT_EQ(line.log_level, base::log::Level::info);
    EXPECT_EQ(line.log_format, base::log::Format::logfmt);
  }
}

TEST(CommandLineTest, FlagsOfServeStandBeforeOrAfterItsName) {
  const std::vector<const char*> flags{
      "--config.file=a.yml",     "--config.check",
      "--web.telemetry-path=/m", "--web.config.file=web.yml",
      "--web.route-prefix=/ssh", "--web.external-url=http://a.example.net/ssh"};
  auto before = flags;
  before.push_back("serve");
  auto after = flags;
  after.insert(after.begin(), "serve");
  for (const auto& arguments : {flags, before, after}) {
    const auto serve = options<ServeOptions>(arguments);
    EXPECT_EQ(serve.config_file, "a.yml");
    EXPECT_TRUE(serve.config_check);
    EXPECT_EQ(serve.telemetry_path, "/m");
    EXPECT_EQ(serve.web_config_file, "web.yml");
    EXPECT_EQ(serve.route_prefix, "/ssh");
    EXPECT_EQ(serve.external_url, "http://a.example.net/ssh");
  }
}

TEST(CommandLineTest, RoutePrefixIsNormalised) {
  const auto prefix = [](const std::vector<const char*>& flags) {
    return options<ServeOptions>(flags).route_prefix;
  };
  EXPECT_EQ(prefix({"--web.route-prefix=/"}), "");
  EXPECT_EQ(prefix({"--web.route-prefix=foo/"}), "/foo");
  EXPECT_EQ(prefix({"--web.external-url=http://x/foo/"}), "/foo");
  EXPECT_EQ(prefix({"--web.external-url=http://x/foo", "--web.route-prefix=/"}), "");
  EXPECT_EQ(prefix({"serve", "--web.external-url=http://x/foo", "--web.route-prefix=bar"}), "/bar");
}

TEST(CommandLineTest, TelemetryPathsThatCannotWorkAreUsageErrors) {
  EXPECT_THAT(refused({"--web.telemetry-path=metrics"}),
              HasSubstr("--web.telemetry-path: 'metrics' must begin with '/'"));
  for (const char* flag : {"--web.telemetry-path=/", "--web.telemetry-path=/probe",
                           "--web.telemetry-path=/-/healthy"}) {
    EXPECT_THAT(refused({"serve", flag}), HasSubstr("would hide another page")) << flag;
  }
}

TEST(CommandLineTest, ValuesFollowASpaceAsWell) {
  const auto serve = options<ServeOptions>({"serve", "--config.file", "a.yml"});
  EXPECT_EQ(serve.config_file, "a.yml");
}

TEST(CommandLineTest, ListenAddressesAddUpAndReplaceTheDefault) {
  const auto serve =
      options<ServeOptions>({"--web.listen-address=127.0.0.1:1", "--web.listen-address", "[::1]:2",
                             "--web.listen-address=:3"});
  EXPECT_THAT(serve.listen_addresses, ElementsAre("127.0.0.1:1", "[::1]:2", ":3"));
}

TEST(CommandLineTest, AnAddressDoesNotSwallowTheCommandAfterIt) {
  const auto serve = options<ServeOptions>({"--web.listen-address", ":1", "serve"});
  EXPECT_THAT(serve.listen_addresses, ElementsAre(":1"));
}

TEST(CommandLineTest, LogFlags) {
  using base::log::Format;
  using base::log::Level;
  const std::vector<std::pair<const char*, Level>> levels{{"--log.level=debug", Level::debug},
                                                          {"--log.level=info", Level::info},
                                                          {"--log.level=warn", Level::warn},
                                                          {"--log.level=error", Level::error}};
  for (const auto& [flag, level] : levels) {
    EXPECT_EQ(parse({flag}).line->log_level, level) << flag;
    EXPECT_EQ(parse({"serve", flag}).line->log_level, level) << flag;
  }
  EXPECT_EQ(parse({"--log.format=json"}).line->log_format, Format::json);
  EXPECT_EQ(parse({"--log.format", "logfmt"}).line->log_format, Format::logfmt);
  EXPECT_EQ(parse({"--log.level=debug", "diagnose", "a"}).line->log_level, Level::debug);
}

TEST(CommandLineTest, UnknownLogLevelsAndFormatsNameThoseThatExist) {
  for (const char* flag : {"--log.level=loud", "--log.level=", "--log.level=2"}) {
    const auto words = refused({flag});
    EXPECT_THAT(words, HasSubstr("--log.level")) << flag;
  }
  EXPECT_THAT(refused({"--log.level=loud"}), HasSubstr("warn"));
  EXPECT_THAT(refused({"--log.format=xml"}), HasSubstr("logfmt"));
}

TEST(CommandLineTest, VersionSaysWhatItWasBuiltFrom) {
  const auto parsed = parse({"--version"});
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.out, StartsWith("ssh_refusal_exporter " + std::string(kVersion)));
  EXPECT_THAT(parsed.out, HasSubstr(kRevision));
  EXPECT_THAT(parsed.out, HasSubstr(kCompiler));
  EXPECT_EQ(parsed.err, "");
}

TEST(CommandLineTest, HelpNamesEveryCommandAndFlag) {
  for (const char* flag : {"--help", "-h"}) {
    const auto parsed = parse({flag});
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_EQ(parsed.err, "");
    for (const char* word :
         {"serve", "diagnose", "healthcheck", "reference", "--config.file", "--config.check",
          "--web.listen-address", "--web.telemetry-path", "--web.config.file", "--web.route-prefix",
          "--web.external-url", "--log.level", "--log.format", "--version", "--help", ":10062",
          "/metrics", kDefaultConfigFile}) {
      EXPECT_THAT(parsed.out, HasSubstr(word));
    }
  }
}

TEST(CommandLineTest, HelpOfACommandIsItsOwn) {
  const auto parsed = parse({"diagnose", "--help"});
  EXPECT_EQ(parsed.exit_code, 0);
  for (const char* word : {"HOST[:PORT] ...", "--timeout", "--json", "--config.file"}) {
    EXPECT_THAT(parsed.out, HasSubstr(word));
  }
  EXPECT_EQ(parse({"healthcheck", "--help"}).exit_code, 0);
  EXPECT_EQ(parse({"reference", "--help"}).exit_code, 0);
  EXPECT_EQ(parse({"serve", "--help"}).exit_code, 0);
}

TEST(CommandLineTest, UsageErrors) {
  EXPECT_THAT(refused({"--nonsense"}), HasSubstr("--nonsense"));
  EXPECT_THAT(refused({"probe"}), HasSubstr("probe"));
  refused({"serve", "more"});
  refused({"serve", "--nonsense"});
  refused({"serve", "diagnose", "a"});
  refused({"--config.file"});
  refused({"--web.telemetry-path=/a", "--web.telemetry-path=/b"});
  refused({"--config.check=perhaps"});
}

TEST(CommandLineTest, DiagnoseTakesSeveralTargets) {
  const auto plain = options<DiagnoseOptions>({"diagnose", "a.example.net"});
  EXPECT_THAT(plain.targets, ElementsAre("a.example.net"));
  EXPECT_FALSE(plain.json);
  EXPECT_FALSE(plain.timeout);
  EXPECT_FALSE(plain.config_file);
  const auto full =
      options<DiagnoseOptions>({"diagnose", "--json", "--timeout=5s", "a", "[::1]:2222",
                                "--config.file", "a.yml", "192.0.2.1:22"});
  EXPECT_THAT(full.targets, ElementsAre("a", "[::1]:2222", "192.0.2.1:22"));
  EXPECT_TRUE(full.json);
  EXPECT_EQ(full.timeout, "5s");
  EXPECT_EQ(full.config_file, "a.yml");
}

TEST(CommandLineTest, WhatLooksLikeAFlagIsATargetAfterTwoDashes) {
  EXPECT_THAT(options<DiagnoseOptions>({"diagnose", "--", "--json"}).targets,
              ElementsAre("--json"));
}

TEST(CommandLineTest, DiagnoseNeedsATarget) {
  EXPECT_THAT(refused({"diagnose"}), HasSubstr("targets"));
  refused({"diagnose", "--json"});
  refused({"diagnose", "a", "--timeout"});
  refused({"diagnose", "a", "--web.listen-address=:1"});
}

// They would be ignored without a word.
TEST(CommandLineTest, FlagsOfServeBeforeAnotherCommandAreErrors) {
  EXPECT_THAT(refused({"--config.file=a.yml", "diagnose", "a"}), HasSubstr("--config.file"));
  EXPECT_THAT(refused({"--config.check", "healthcheck"}), HasSubstr("--config.check"));
  EXPECT_THAT(refused({"--web.listen-address=:1", "reference", "config"}),
              HasSubstr("--web.listen-address"));
}

TEST(CommandLineTest, HealthcheckAsksTheDefaultPortOrTheUrl) {
  EXPECT_EQ(options<HealthcheckOptions>({"healthcheck"}).url, "http://localhost:10062/-/healthy");
  EXPECT_EQ(options<HealthcheckOptions>({"healthcheck", "https://a:1/-/healthy"}).url,
            "https://a:1/-/healthy");
  refused({"healthcheck", "a", "b"});
}

TEST(CommandLineTest, ReferenceTopics) {
  EXPECT_EQ(options<ReferenceOptions>({"reference", "config"}).topic, ReferenceTopic::config);
  EXPECT_EQ(options<ReferenceOptions>({"reference", "metrics"}).topic, ReferenceTopic::metrics);
  EXPECT_EQ(options<ReferenceOptions>({"reference", "causes"}).topic, ReferenceTopic::causes);
  refused({"reference"});
  EXPECT_THAT(refused({"reference", "poetry"}), HasSubstr("metrics"));
}

}  // namespace
}  // namespace app
