#include "config/configuration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "config/limits.h"
#include "same.h"

namespace config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Configuration good(const std::string& yaml) {
  auto parsed = parse(yaml, "f", "/etc/exporter");
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error()) << "\n" << yaml;
  return parsed ? *parsed : Configuration{};
}

std::string error_of(const std::string& yaml) {
  auto parsed = parse(yaml, "f", "/etc/exporter");
  return parsed ? "" : parsed.error();
}

void expect_fixpoint(const Configuration& configuration) {
  const auto printed = print(configuration);
  auto again = parse(printed, "printed", "/elsewhere");
  ASSERT_TRUE(again.ok()) << again.error() << "\n" << printed;
  EXPECT_TRUE(same(*again, configuration)) << printed;
  EXPECT_EQ(print(*again), printed);
}

std::string numbers(int first, int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + std::to_string(first + i);
  return text + "]";
}

std::string words(const std::string& prefix, int count, const std::string& suffix = "") {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + prefix + std::to_string(i) + suffix;
  return text;
}

const char* const kMaximal = R"(
probe:
  interval: 30s
  timeout: 1s500ms
  depth: banner
  ip_protocol: ipv6
  addresses: first
  source_address: "2001:db8::7"
  alternative_ports: [2222, 22022]
  control_ports: []
  kex_algorithms: [curve25519-sha256]
  host_key_algorithms: [ssh-ed25519, rsa-sha2-512]
  ciphers: [aes128-ctr]
  macs: [hmac-sha2-256]
targets:
  - target: Bastion.example.net
    labels: {site: ams, rack: 7, instance: "a \"b\" \\ \x1b \n: # é", empty: ""}
    interval: 1s
    depth: connect
    source_address: ""
    control_ports: [80]
    kex_algorithms: [diffie-hellman-group1-sha1]
  - target: 2001:db8::1
  - target: "[2001:db8::1]:2222"
    timeout: 30s
  - {target: "10.0.0.1:22"}
file_sd:
  - files: [targets/*.yml, /srv/a b.json, "./x/../y, z?.json"]
  - files: ["[ab].yml"]
modules:
  default: {depth: kexinit}
  "null": {}
  a.b-c_1: {interval: 1m, timeout: 1m}
probe_endpoint:
  enabled: false
  allowed_networks: [10.0.0.0/8, "fd00::/8", 192.0.2.1]
)";

TEST(Configuration, NothingMeansTheDefaultsAndNoTarget) {
  for (const auto* yaml : {"", "# only a comment\n", "{}", "---\n",
                           "probe:\ntargets:\nfile_sd:\nmodules:\nprobe_endpoint:\n"}) {
    auto configuration = good(yaml);
    EXPECT_EQ(configuration.probe, model::ProbeSettings{}) << yaml;
    EXPECT_TRUE(configuration.targets.empty());
    EXPECT_TRUE(configuration.file_sd.empty());
    EXPECT_TRUE(configuration.probe_endpoint.enabled);
    EXPECT_EQ(configuration.probe_endpoint.allowed_networks, all_networks());
    ASSERT_EQ(configuration.modules.size(), 1U);
    EXPECT_EQ(*configuration.modules.at("default"), model::ProbeSettings{});
    expect_fixpoint(configuration);
  }
}

TEST(Configuration, BuiltInProbesLocalhost) {
  auto configuration = built_in();
  ASSERT_EQ(configuration.targets.size(), 1U);
  EXPECT_EQ(configuration.targets[0]->name, "localhost:22");
  EXPECT_EQ(configuration.targets[0]->host, "localhost");
  EXPECT_EQ(configuration.targets[0]->port, 22);
  EXPECT_EQ(*configuration.targets[0]->settings, model::ProbeSettings{});
  expect_fixpoint(configuration);
}

TEST(Configuration, ReadsEveryKey) {
  auto c = good(kMaximal);
  EXPECT_EQ(c.probe.interval, seconds(30));
  EXPECT_EQ(c.probe.timeout, milliseconds(1500));
  EXPECT_EQ(c.probe.depth, model::Depth::banner);
  EXPECT_EQ(c.probe.ip_protocol, model::IpProtocol::ipv6);
  EXPECT_EQ(c.probe.addresses, model::AddressSelection::first);
  EXPECT_EQ(c.probe.source_address, base::IpAddress::parse("2001:db8::7"));
  EXPECT_EQ(c.probe.alternative_ports, (std::vector<std::uint16_t>{2222, 22022}));
  EXPECT_TRUE(c.probe.control_ports.empty());
  EXPECT_EQ(c.probe.client.kex_algorithms, std::vector<std::string>{"curve25519-sha256"});
  EXPECT_EQ(c.probe.client.host_key_algorithms.size(), 2U);
  EXPECT_EQ(c.probe.client.ciphers, std::vector<std::string>{"aes128-ctr"});
  EXPECT_EQ(c.probe.client.macs, std::vector<std::string>{"hmac-sha2-256"});
  EXPECT_FALSE(c.probe_endpoint.enabled);
  EXPECT_EQ(c.probe_endpoint.allowed_networks.size(), 3U);
}

TEST(Configuration, TargetsOverrideTheDefaults) {
  auto c = good(kMaximal);
  ASSERT_EQ(c.targets.size(), 4U);
  const auto& first = *c.targets[0];
  EXPECT_EQ(first.name, "Bastion.example.net:22");
  EXPECT_EQ(
      first.labels,
      (std::vector<std::pair<std::string, std::string>>{
          {"empty", ""}, {"instance", "a \"b\" \\ \x1b \n: # é"}, {"rack", "7"}, {"site", "ams"}}));
  EXPECT_EQ(first.settings->interval, seconds(1));
  EXPECT_EQ(first.settings->timeout, seconds(1)) << "a shorter interval shortens the timeout";
  EXPECT_EQ(first.settings->depth, model::Depth::connect);
  EXPECT_EQ(first.settings->source_address, std::nullopt);
  EXPECT_EQ(first.settings->control_ports, std::vector<std::uint16_t>{80});
  EXPECT_EQ(first.settings->client.kex_algorithms[0], "diffie-hellman-group1-sha1");
  EXPECT_EQ(first.settings->client.macs, c.probe.client.macs);
  EXPECT_EQ(c.targets[1]->name, "[2001:db8::1]:22");
  EXPECT_EQ(c.targets[1]->host, "2001:db8::1");
  EXPECT_EQ(*c.targets[1]->settings, c.probe);
  EXPECT_EQ(c.targets[2]->name, "[2001:db8::1]:2222");
  EXPECT_EQ(c.targets[2]->settings->timeout, seconds(30));
  EXPECT_EQ(c.targets[3]->name, "10.0.0.1:22");
  EXPECT_EQ(c.modules.size(), 3U);
  EXPECT_EQ(c.modules.at("a.b-c_1")->interval, minutes(1));
  EXPECT_EQ(c.modules.at("default")->depth, model::Depth::kexinit);
  EXPECT_EQ(*c.modules.at("null"), c.probe);
}

TEST(Configuration, PathsStartFromTheFilesDirectory) {
  auto c = good(kMaximal);
  EXPECT_EQ(c.file_sd[0].patterns,
            (std::vector<std::string>{"/etc/exporter/targets/*.yml", "/srv/a b.json",
                                      "/etc/exporter/y, z?.json"}));
  EXPECT_EQ(c.file_sd[1].patterns, std::vector<std::string>{"/etc/exporter/[ab].yml"});
}

TEST(Configuration, TheOrderOfSectionsDoesNotMatter) {
  auto c =
      good("modules: {quick: {depth: banner}}\ntargets: [{target: a}]\nprobe: {timeout: 5s}\n");
  EXPECT_EQ(c.targets[0]->settings->timeout, seconds(5));
  EXPECT_EQ(c.modules.at("quick")->timeout, seconds(5));
  EXPECT_EQ(c.modules.at("default")->timeout, seconds(5));
}

TEST(Configuration, EqualSettingsAreOneObject) {
  auto c = good(
      "targets: [{target: a}, {target: b}, {target: c, depth: banner},"
      " {target: d, depth: banner}, {target: e, depth: connect}]");
  EXPECT_EQ(c.targets[0]->settings, c.targets[1]->settings);
  EXPECT_EQ(c.targets[2]->settings, c.targets[3]->settings);
  EXPECT_NE(c.targets[3]->settings, c.targets[4]->settings);
}

TEST(Configuration, TimeoutFollowsAShorterIntervalOnly) {
  EXPECT_EQ(good("probe: {interval: 5s}").probe.timeout, seconds(5));
  EXPECT_EQ(good("probe: {interval: 1m}").probe.timeout, seconds(10));
  EXPECT_EQ(good("probe: {interval: 10s, timeout: 10s}").probe.timeout, seconds(10));
  auto c = good(
      "probe: {interval: 20s, timeout: 15s}\n"
      "targets: [{target: a, interval: 10s}, {target: b, interval: 30s}]\n"
      "modules: {m: {interval: 2s}}\n");
  EXPECT_EQ(c.targets[0]->settings->timeout, seconds(10));
  EXPECT_EQ(c.targets[1]->settings->timeout, seconds(15));
  EXPECT_EQ(c.modules.at("m")->timeout, seconds(2));
}

TEST(Configuration, PrintIsAFixpoint) {
  expect_fixpoint(good(kMaximal));
  const auto printed = print(good(kMaximal));
  EXPECT_NE(printed.find("  interval: 30s\n"), std::string::npos) << printed;
  EXPECT_NE(
      printed.find("  - target: Bastion.example.net:22\n"
                   "    labels: {empty: \"\", instance: \"a \\\"b\\\" \\\\ \\x1b \\x0a: # é\", "
                   "rack: \"7\", site: ams}\n"
                   "    interval: 1s\n    timeout: 1s\n    depth: connect\n"),
      std::string::npos)
      << printed;
  EXPECT_NE(printed.find("modules:\n  a.b-c_1:\n    interval: 1m\n    timeout: 1m\n"),
            std::string::npos)
      << printed;
}

struct BadCase {
  const char* yaml;
  const char* error;
};

TEST(Configuration, UnknownKeysAreErrors) {
  const std::vector<BadCase> cases{
      {"probe:\n  interval: 5s\n  intervall: 5s\n",
       "f:3:3: unknown key 'intervall' in probe; did you mean 'interval'?"},
      {"prob: {}\n", "f:1:1: unknown key 'prob' in the configuration; did you mean 'probe'?"},
      {"cloud: {}\n",
       "f:1:1: unknown key 'cloud' in the configuration; there are probe, targets, file_sd, "
       "modules, probe_endpoint, local"},
      {"targets:\n  - target: a\n    lables: {}\n",
       "f:3:5: unknown key 'lables' in a target; did you mean 'labels'?"},
      {"file_sd:\n- file: [a]\n",
       "f:2:3: unknown key 'file' in an entry of file_sd; did you mean 'files'?"},
      {"modules:\n  m:\n    deph: banner\n",
       "f:3:5: unknown key 'deph' in module 'm'; did you mean 'depth'?"},
      {"modules:\n  m:\n    target: a\n", nullptr},
      {"probe_endpoint: {networks: []}\n",
       "f:1:18: unknown key 'networks' in probe_endpoint; there are enabled, allowed_networks"},
      {"<<: {}\n", nullptr},
  };
  for (const auto& bad : cases) {
    if (bad.error != nullptr) {
      EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
    } else {
      EXPECT_NE(error_of(bad.yaml), "") << bad.yaml;
    }
  }
  auto error = error_of(std::string(1'000'000, 'k') + ": 1");
  EXPECT_LT(error.size(), 300U) << error;
}

TEST(Configuration, BadProbeValuesAreErrors) {
  const std::vector<BadCase> cases{
      {"probe:\n  interval: 5 s\n",
       "f:2:13: interval '5 s' is not a duration; write for example 500ms, 15s or 1m30s"},
      {"probe: {interval: 999ms}", "f:1:19: interval '999ms' is out of range; write 1s to 1w"},
      {"probe: {interval: 1w1ms}", "f:1:19: interval '1w1ms' is out of range; write 1s to 1w"},
      {"probe: {interval: 200y}", "f:1:19: interval '200y' is longer than a century"},
      {"probe: {interval: [5s]}",
       "f:1:19: interval has a list; write a duration such as 15s or 1m30s"},
      {"probe:\n  interval:\ntargets:\n",
       "f:2:3: interval has nothing; write a duration such as 15s or 1m30s"},
      {"probe: {timeout: 0s}", "f:1:18: timeout '0s' is out of range; write 1ms to 1w"},
      {"probe: {timeout: 61s}",
       "f:1:18: timeout '1m1s' is longer than the interval of 1m; shorten it or lengthen interval"},
      {"targets: [{target: a, interval: 2s, timeout: 3s}]",
       "f:1:46: timeout '3s' is longer than the interval of 2s; shorten it or lengthen interval"},
      {"probe: {depth: host_key}",
       "f:1:16: depth 'host_key' is not in this version, whose deepest is kexinit; write connect, "
       "banner or kexinit"},
      {"probe: {depth: login}",
       "f:1:16: depth 'login' is not in this version, whose deepest is kexinit; write connect, "
       "banner "
       "or kexinit"},
      {"probe: {depth: Banner}",
       "f:1:16: depth 'Banner' does not exist; write connect, banner or kexinit"},
      {"probe: {ip_protocol: 4}",
       "f:1:22: ip_protocol '4' does not exist; write any, ipv4 or ipv6"},
      {"probe: {addresses: {}}", "f:1:20: addresses has a map; write all or first"},
      {"probe: {source_address: eth0}",
       "f:1:25: source_address 'eth0' is not an IP address; write an IPv4 or IPv6 address, or \"\" "
       "for "
       "the kernel's choice"},
      {"probe: {alternative_ports: [22, 65536]}",
       "f:1:33: alternative_ports '65536' is not a port; write 1 to 65535"},
      {"probe: {alternative_ports: 2222}",
       "f:1:28: alternative_ports has a single value; write a list such as [443, 80]"},
      {"probe: {control_ports: [0]}", "f:1:25: control_ports '0' is not a port; write 1 to 65535"},
      {"probe: {control_ports: [80, 80]}", "f:1:29: control_ports has '80' twice"},
      {"probe: {control_ports: [[80]]}",
       "f:1:25: control_ports has a list; write entries such as those of [443, 80]"},
      {"probe: {macs: []}",
       "f:1:15: macs is empty; write at least one, such as [umac-64-etm@openssh.com]"},
      {"probe: {ciphers: [\"a,b\"]}",
       "f:1:19: ciphers 'a,b' is not one algorithm; write each name as an entry of its own, "
       "without "
       "+, - or ^"},
      {"probe: {kex_algorithms: [\"^x\"]}",
       "f:1:26: kex_algorithms '^x' is not one algorithm; write each name as an entry of its own, "
       "without +, - or ^"},
      {"probe: [interval]", "f:1:8: probe must be a map, lines of KEY: VALUE"},
  };
  for (const auto& bad : cases) EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
}

TEST(Configuration, BadTargetsAreErrors) {
  const std::vector<BadCase> cases{
      {"targets: {}", "f:1:10: targets must be a list, lines of - target: HOST"},
      {"targets: [a]", "f:1:11: an entry of targets must be a map; write - target: HOST"},
      {"targets:\n  - labels: {}\n",
       "f:2:5: a target has no key 'target'; write target: host, host:port or [ipv6]:port"},
      {"targets: [{target: }]", "f:1:12: target has nothing; write host, host:port or [ipv6]:port"},
      {"targets: [{target: 'a:0'}]",
       "f:1:20: target 'a:0' has no port between 1 and 65535 after the colon"},
      {"targets: [{target: root@a}]",
       "f:1:20: target 'root@a' has a character that no host name can have; write host, host:port "
       "or "
       "[ipv6]:port"},
      {"targets:\n- target: a\n- target: b\n- target: 'a:22'\n",
       "f:4:11: target 'a:22' is already at line 2; remove one of them"},
      {"targets:\n- target: '::1'\n- target: '[::1]'\n",
       "f:3:11: target '[::1]:22' is already at line 2; remove one of them"},
      {"targets: [{target: a, target: b}]",
       "f:1:23: key 'target' is already at line 1; remove one of them"},
      {"targets: [{target: a, labels: [x]}]",
       "f:1:31: labels has a list; write a map such as {site: ams}"},
      {"targets: [{target: a, labels: {cause: x}}]",
       "f:1:32: label name 'cause' is one of the exporter's own; choose another"},
      {"targets: [{target: a, labels: {7a: x}}]",
       "f:1:32: label name '7a' is not valid; write letters, digits and _, no digit first"},
      {"targets: [{target: a, labels: {a-b: x}}]",
       "f:1:32: label name 'a-b' is not valid; write letters, digits and _, no digit first"},
      {"targets: [{target: a, labels: {__name__: x}}]",
       "f:1:32: label name '__name__' begins with __, which Prometheus keeps for itself"},
      {"targets: [{target: a, labels: {x: [y]}}]",
       "f:1:35: label 'x' has a list; write a text, or \"\" for none"},
      {"targets: [{target: a, labels: {x: }}]",
       "f:1:32: label 'x' has nothing; write a text, or \"\" for none"},
      {"targets: [{target: a, labels: {x: y, x: z}}]",
       "f:1:38: key 'x' is already at line 1; remove one of them"},
  };
  for (const auto& bad : cases) EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
}

TEST(Configuration, BadOtherSectionsAreErrors) {
  const std::vector<BadCase> cases{
      {"- a", "f:1:1: the configuration must be a map, lines of KEY: VALUE"},
      {"text", "f:1:1: the configuration must be a map, lines of KEY: VALUE"},
      {"file_sd: {files: [a]}",
       "f:1:10: file_sd must be a list, lines of - files: [targets/*.yml]"},
      {"file_sd: [{}]",
       "f:1:11: an entry of file_sd has no key 'files'; write files: list of paths, "
       "such as [targets/*.yml]"},
      {"file_sd: [a]", "f:1:11: an entry of file_sd must be a map, lines of KEY: VALUE"},
      {"file_sd: [{files: a}]",
       "f:1:19: files has a single value; write a list such as [targets/*.yml]"},
      {"file_sd: [{files: []}]",
       "f:1:19: files is empty; write at least one, such as [targets/*.yml]"},
      {"file_sd: [{files: [a/]}]",
       "f:1:20: files 'a/' names no file; write for example targets/*.yml"},
      {"file_sd: [{files: [\"*/a\"]}]",
       "f:1:20: files '*/a' has a wildcard in a directory; only the last part may have them"},
      {"modules: [a]", "f:1:10: modules must be a map, lines of NAME: {KEY: VALUE}"},
      {"modules: {a: b}", "f:1:14: module 'a' must be a map, lines of KEY: VALUE"},
      {"modules: {a/b: {}}",
       "f:1:11: module 'a/b' has no valid name; write 1 to 64 letters, digits, _, - and ."},
      {"probe_endpoint: {enabled: yes}", "f:1:27: enabled 'yes' is neither true nor false"},
      {"probe_endpoint: {allowed_networks: []}",
       "f:1:36: allowed_networks is empty; write at least one, such as [10.0.0.0/8, "
       "\"2001:db8::/32\"]"},
      {"probe_endpoint: {allowed_networks: [10.0.0.0/33]}",
       "f:1:37: allowed_networks '10.0.0.0/33' is not a network; write for example 10.0.0.0/8"},
  };
  for (const auto& bad : cases) EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
}

TEST(Configuration, LimitsHoldAndAreCrossedByOne) {
  auto holds = [](const std::string& inside, const std::string& outside) {
    EXPECT_EQ(error_of(inside), "") << inside.substr(0, 80);
    EXPECT_NE(error_of(outside), "") << outside.substr(0, 80);
  };
  holds("probe: {interval: 1s}", "probe: {interval: 999ms}");
  holds("probe: {interval: 1w}", "probe: {interval: 1w1ms}");
  holds("probe: {timeout: 1ms}", "probe: {timeout: 0ms}");
  holds("probe: {timeout: 60s}", "probe: {timeout: 60s1ms}");
  holds("probe: {alternative_ports: " + numbers(1, kPortLimit) + "}",
        "probe: {alternative_ports: " + numbers(1, kPortLimit + 1) + "}");
  holds("probe: {control_ports: [1, 65535]}", "probe: {control_ports: [65536]}");
  holds("probe: {macs: [" + words("a", kAlgorithmLimit) + "]}",
        "probe: {macs: [" + words("a", kAlgorithmLimit + 1) + "]}");
  holds("probe: {macs: [" + std::string(kAlgorithmNameLimit, 'a') + "]}",
        "probe: {macs: [" + std::string(kAlgorithmNameLimit + 1, 'a') + "]}");
  holds("modules: {" + words("a", kModuleLimit, ": {}") + "}",
        "modules: {" + words("a", kModuleLimit + 1, ": {}") + "}");
  holds("modules: {" + std::string(kModuleNameLimit, 'a') + ": {}}",
        "modules: {" + std::string(kModuleNameLimit + 1, 'a') + ": {}}");
  holds("file_sd: [{files: [" + words("a", kPatternLimit) + "]}]",
        "file_sd: [{files: [" + words("a", kPatternLimit + 1) + "]}]");
  holds("file_sd: [" + words("{files: [a", kPatternLimit, "]}") + "]",
        "file_sd: [" + words("{files: [a", kPatternLimit + 1, "]}") + "]");
  holds("file_sd: [{files: [" + std::string(kPatternBytesLimit, 'a') + "]}]",
        "file_sd: [{files: [" + std::string(kPatternBytesLimit + 1, 'a') + "]}]");
  holds("probe_endpoint: {allowed_networks: [" + words("::", kNetworkLimit) + "]}",
        "probe_endpoint: {allowed_networks: [" + words("::", kNetworkLimit + 1) + "]}");
  auto labelled = [](const std::string& labels) {
    return "targets: [{target: a, labels: {" + labels + "}}]";
  };
  holds(labelled(words("a", kLabelLimit, ": x")), labelled(words("a", kLabelLimit + 1, ": x")));
  holds(labelled(std::string(kLabelNameLimit, 'a') + ": x"),
        labelled(std::string(kLabelNameLimit + 1, 'a') + ": x"));
  holds(labelled("a: " + std::string(kLabelValueLimit, 'x')),
        labelled("a: " + std::string(kLabelValueLimit + 1, 'x')));
}

TEST(Configuration, HoldsAHundredThousandTargets) {
  std::string yaml = "probe: {interval: 5m}\ntargets:\n";
  for (int i = 0; i < 100'000; ++i) {
    yaml += "  - target: host" + std::to_string(i) + ".example.net\n";
    if (i % 3 == 0) yaml += "    labels: {site: ams}\n";
    if (i % 7 == 0) yaml += "    interval: 15s\n";
  }
  auto configuration = good(yaml);
  ASSERT_EQ(configuration.targets.size(), 100'000U);
  EXPECT_EQ(configuration.targets[7]->settings, configuration.targets[99'995]->settings);
  configuration.targets.resize(1'000);
  expect_fixpoint(configuration);
}

TEST(Configuration, RefusesMoreTargetsThanTheLimit) {
  std::string yaml = "targets: [" + words("{target: a", kTargetLimit + 1, "}") + "]";
  EXPECT_EQ(error_of(yaml), "f:1:10: targets has 200001 entries; at most 200000 are allowed");
}

TEST(Configuration, LoadsTheShippedFile) {
  auto shipped = load(SOURCE_DIR "/config/exporter.yml");
  ASSERT_TRUE(shipped.ok()) << shipped.error();
  EXPECT_TRUE(same(*shipped, built_in()));
  expect_fixpoint(*shipped);
}

TEST(Configuration, TheShippedExamplesAreGood) {
  std::ifstream file(SOURCE_DIR "/config/exporter.yml");
  std::string yaml;
  for (std::string line; std::getline(file, line);) {
    auto hash = line.find_first_not_of(' ');
    if (line.starts_with("##")) continue;
    bool is_example = hash != std::string::npos && line.compare(hash, 2, "# ") == 0;
    if (is_example) line.erase(hash, 2);
    yaml += line + "\n";
  }
  auto configuration = good(yaml);
  EXPECT_EQ(configuration.probe, model::ProbeSettings{}) << "the examples show the defaults";
  EXPECT_EQ(configuration.targets.size(), 3U);
  EXPECT_EQ(configuration.file_sd.size(), 1U);
  EXPECT_EQ(configuration.modules.size(), 2U);
  EXPECT_EQ(configuration.probe_endpoint.allowed_networks.size(), 2U);
  expect_fixpoint(configuration);
}

TEST(Configuration, FilesThatCannotBeReadSaySo) {
  auto error = [](const char* path) {
    auto loaded = load(path);
    return loaded ? "" : loaded.error();
  };
  EXPECT_EQ(error("/nonexistent/f.yml"), "/nonexistent/f.yml: No such file or directory");
  EXPECT_EQ(error("/"), "/: is not a file");
  EXPECT_EQ(error("/dev/null"), "");
  EXPECT_EQ(error("/dev/zero"), "/dev/zero: is larger than 64 MiB");
}

TEST(Configuration, ReferenceHasEveryKey) {
  const auto markdown = reference();
  for (const auto* key : {"probe",           "targets",        "file_sd",
                          "modules",         "probe_endpoint", "interval",
                          "timeout",         "depth",          "ip_protocol",
                          "addresses",       "source_address", "alternative_ports",
                          "control_ports",   "kex_algorithms", "host_key_algorithms",
                          "ciphers",         "macs",           "target",
                          "labels",          "files",          "enabled",
                          "allowed_networks"}) {
    EXPECT_NE(markdown.find("\n| `" + std::string(key) + "` | "), std::string::npos) << key;
  }
  EXPECT_NE(markdown.find("| `interval` | duration, 1s to 1w | `1m` | "), std::string::npos);
  EXPECT_NE(markdown.find("| `target` | host, host:port or [ipv6]:port | required | "),
            std::string::npos);
}

}  // namespace
}  // namespace config
