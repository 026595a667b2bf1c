#include "diagnose/host_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include "base/text.h"
#include "diagnose/host_diagnosis.h"
#include "support/evidence.h"
#include "support/host_evidence.h"

namespace diagnose {
namespace {

using evidence::endpoint;
using evidence::Host;
using evidence::ip;
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::LogEvent;
using std::chrono::minutes;
using std::chrono::seconds;

using Change = std::function<void(Host&)>;

constexpr std::array<std::string_view, 7> kCollectors{
    "systemd", "listeners", "configuration", "processes", "log", "kernel", "guards"};

// What a host may be before anything else is said of it.
const std::vector<Change>& conditions() {
  static const std::vector<Change> kConditions{
      [](Host&) {},
      [](Host& h) { h.stopped(); },
      [](Host& h) { h.failed(); },
      [](Host& h) { h.failed("exit-code", 203); },
      [](Host& h) { h.auto_restart(); },
      [](Host& h) { h.starting(); },
      [](Host& h) { h.starting(2); },
      [](Host& h) { h.masked(); },
      [](Host& h) { h.condition("ConditionPathExists=!/x"); },
      [](Host& h) { h.socket_activated(); },
      [](Host& h) { h.socket_activated().connected(); },
      [](Host& h) { h.socket_activated().socket_failed(); },
      [](Host& h) { h.socket_activated().socket_lost(); },
      [](Host& h) { h.purged(); },
      [](Host& h) { h.down(); },
      [](Host& h) { h.down().without_systemd(); },
      [](Host& h) { h.dropbear(); },
      [](Host& h) { h.down().unit_state("reloading", "reload", "success"); },
      [](Host& h) { h.down().unit_state("deactivating", "stop", "success"); },
      [](Host& h) {
        h.stopped().booted(seconds(30));
        h.service().last_attempt.reset();
      },
      [](Host& h) {
        const auto other = h.server();
        h.failed().processes.servers = {other};
        h.server().unit = "session-1.scope";
        h.processes.runtime_directory->present = true;
        h.bound("0.0.0.0", 2222);
      },
      [](Host& h) {
        const auto other = h.server();
        h.stopped().processes.servers = {other};
        h.server().unit = "session-1.scope";
        h.processes.runtime_directory->present = true;
        h.bound("0.0.0.0", 2222);
      },
  };
  return kConditions;
}

template <typename Function>
Change of_server(Function change) {
  return [change](Host& h) {
    for (auto& server : h.processes.servers) change(server);
  };
}

const std::vector<Change>& changes_of_files() {
  static const std::vector<Change> kChanges{
      [](Host& h) { h.check(ConfigProblem::none); },
      [](Host& h) { h.check(ConfigProblem::program, "ld.so"); },
      [](Host& h) { h.check(ConfigProblem::configuration, "Bad", "/etc/ssh/sshd_config", 3); },
      [](Host& h) { h.check(ConfigProblem::other, "\x1b[2J\xff"); },
      [](Host& h) { h.keys(false, "it does not exist"); },
      [](Host& h) { h.keys(true, "it is empty"); },
      [](Host& h) { h.program_gone(); },
      [](Host& h) { h.bound_by("nc", "0.0.0.0"); },
      [](Host& h) { h.not_bound().bound("::").bound_by("nc", "0.0.0.0"); },
      [](Host& h) {
        h.not_bound().bound("::").bound_by("nc", "0.0.0.0").listeners.listeners.back().owner = {};
      },
      [](Host& h) { h.asks_for({endpoint("192.0.2.7")}); },
      [](Host& h) { h.asks_for({endpoint("192.0.2.7")}).not_bound().bound("192.0.2.7"); },
      [](Host& h) { h.asks_for({endpoint("192.0.2.10")}).not_bound().bound("::"); },
      [](Host& h) {
        h.asks_for({endpoint("0.0.0.0", 2222), endpoint("::", 2222)});
      },
      [](Host& h) { h.not_bound().bound("0.0.0.0"); },
      [](Host& h) { h.asks_for({endpoint("0.0.0.0")}).not_bound().bound("0.0.0.0"); },
      [](Host& h) { h.not_bound().bound("127.0.0.1").bound("::1"); },
      [](Host& h) {
        h.not_bound().bound("192.0.2.11").bound("::").addresses({"192.0.2.10", "192.0.2.11"});
        h.asks_for({endpoint("192.0.2.10"), endpoint("::")});
      },
      [](Host& h) {
        h.socket_listens({endpoint("::", 2222), endpoint("0.0.0.0", 2222)});
      },
      [](Host& h) { h.queue("0.0.0.0", 129).queue("::", 129); },
      [](Host& h) { h.queue("0.0.0.0", 9); },
      [](Host& h) { h.enabled("disabled"); },
      [](Host& h) { h.service().load_state = "masked"; },
      [](Host& h) { h.socket().load_state = "masked"; },
      [](Host& h) { h.service().service->exit_status = 203; },
      [](Host& h) { h.service().active_state = "activating"; },
      [](Host& h) { h.service().unmet_condition = "ConditionPathExists=!/x"; },
      [](Host& h) { h.service().ip_address_deny = {"0.0.0.0/0"}; },
      [](Host& h) { h.socket().socket->accept = true; },
      [](Host& h) { h.deny({"ALL"}); },
      [](Host& h) { h.kernel.conntrack_entries = h.kernel.conntrack_limit = 1000; },
      [](Host& h) { h.deny({".example.net"}); },
      [](Host& h) { h.hidden_owners(); },
      [](Host& h) { h.processes.complete = false; },
      [](Host& h) { h.processes.runtime_directory->present = false; },
  };
  return kChanges;
}

const std::vector<Change>& changes_of_processes() {
  using Server = model::ServerProcess;
  static const std::vector<Change> kChanges{
      of_server([](Server& s) { s.state = 'T'; }),
      of_server([](Server& s) { s.state = 'D'; }),
      of_server([](Server& s) { s.missing_helper = "/usr/lib/openssh/sshd-session"; }),
      of_server([](Server& s) { s.executable_replaced = true; }),
      of_server([](Server& s) { s.can_start_children = false; }),
      of_server([](Server& s) { s.can_start_children.reset(); }),
      of_server([](Server& s) {
        s.startups = model::Startups{100, 10, 100};
      }),
      of_server([](Server& s) {
        s.startups = model::Startups{10, 10, 100};
      }),
      of_server([](Server& s) { s.open_files_limit = 9; }),
  };
  return kChanges;
}

const std::vector<Change>& changes_of_log() {
  static const std::vector<Change> kChanges{
      [](Host& h) {
        h.log(LogEvent::bind_failed, "Bind to port 22 on 0.0.0.0 failed: Address already in use.")
            .log_address(LogEvent::bind_failed, "0.0.0.0", 22);
      },
      [](Host& h) {
        h.log(LogEvent::bind_failed, "Bind to port 2222 on :: failed: Permission denied.")
            .log_address(LogEvent::bind_failed, "::", 2222);
      },
      [](Host& h) {
        h.log(LogEvent::bind_failed,
              "Bind to port 22 on 192.0.2.10 failed: Cannot assign requested address.")
            .log_address(LogEvent::bind_failed, "192.0.2.10", 22);
      },
      [](Host& h) {
        h.asks_for({endpoint("0.0.0.0"), endpoint("::"), endpoint("::", 2222)});
        h.log(LogEvent::bind_failed, "Bind to port 2222 on :: failed: Permission denied.")
            .log_address(LogEvent::bind_failed, "::", 2222);
      },
      [](Host& h) {
        h.log(LogEvent::rexec_state, "recv_rexec_state");
        for (auto& server : h.processes.servers) {
          server.executable_replaced = true;
          server.can_start_children = false;
        }
      },
      [](Host& h) {
        h.asks_for({endpoint("0.0.0.0"), endpoint("::"), endpoint("::", 2222)});
        h.log(LogEvent::bind_failed, "Bind to port 2222 on :: failed: Address already in use.")
            .log_address(LogEvent::bind_failed, "::", 2222);
      },
      [](Host& h) { h.log(LogEvent::exec_missing, "sshd-auth does not exist"); },
      [](Host& h) { h.log(LogEvent::loader_failed, "error while loading shared libraries"); },
      [](Host& h) { h.log(LogEvent::privsep_user, "Privilege separation user sshd"); },
      [](Host& h) { h.log(LogEvent::privsep_missing, "Missing /run/sshd"); },
      [](Host& h) { h.log(LogEvent::rexec_state, "recv_rexec_state"); },
      [](Host& h) { h.log(LogEvent::fd_or_fork, "fork: \x07"); },
      [](Host& h) { h.log(LogEvent::sd_socket_stale, "ssh.socket", seconds(9), false); },
      [](Host& h) {
        h.log(LogEvent::penalty_drop, "drop connection")
            .log_address(LogEvent::penalty_drop, "198.51.100.7");
      },
  };
  return kChanges;
}

const std::vector<Change>& changes() {
  static const std::vector<Change> kChanges = [] {
    auto all = changes_of_files();
    for (const auto* more : {&changes_of_processes(), &changes_of_log()}) {
      all.insert(all.end(), more->begin(), more->end());
    }
    return all;
  }();
  return kChanges;
}

const std::vector<model::HostQuestion>& questions() {
  static const std::vector<model::HostQuestion> kQuestions{
      {},
      {},
      {},
      {ip("198.51.100.7"), ip("192.0.2.10"), 22},
      {ip("198.51.100.7"), ip("2001:db8::10"), 22},
      {ip("198.51.100.7"), ip("192.0.2.10"), 2222},
  };
  return kQuestions;
}

struct Example {
  Host host;
  model::HostQuestion question;
};

template <typename Container>
const auto& any_of(const Container& all, std::mt19937& random) {
  return all[random() % all.size()];
}

Example random_example(unsigned seed) {
  std::mt19937 random(seed);  // NOLINT(cert-msc51-cpp): the same examples each time
  Example example{random() % 2 == 0 ? Host::debian_12() : Host::debian_13(), {}};
  any_of(conditions(), random)(example.host);
  for (auto count = random() % 4; count > 0; --count) any_of(changes(), random)(example.host);
  if (random() % 4 == 0) example.host.stale(any_of(kCollectors, random));
  if (random() % 8 == 0) example.host.missing(any_of(kCollectors, random));
  example.question = any_of(questions(), random);
  return example;
}

// The rarest rule needs some 30,000 hosts to be chosen; what is told of each takes longer.
constexpr unsigned kManyExamples = 200000;
constexpr unsigned kExamples = 6000;

std::string all_words(const model::HostDiagnosis& diagnosis) {
  std::string text;
  for (const auto& line : diagnosis.evidence) text += line + "\n";
  return text;
}

TEST(host_rules, each_is_chosen_for_some_host) {
  std::set<const HostRule*> chosen;
  for (unsigned seed = 0; seed < kManyExamples && chosen.size() < host_rules().size(); ++seed) {
    const auto example = random_example(seed);
    const auto report = example.host.report();
    chosen.insert(decide(HostCase(report, example.question)));
  }
  for (const auto& rule : host_rules()) {
    EXPECT_TRUE(chosen.contains(&rule)) << model::info(rule.cause).name << ": " << rule.because;
  }
}

TEST(host_rules, any_facts_give_one_cause_and_words_fit_for_people) {
  for (unsigned seed = 0; seed < kExamples; ++seed) {
    const auto example = random_example(seed);
    const auto diagnosis = diagnose_host(example.host.report(), example.question);
    ASSERT_FALSE(diagnosis.evidence.empty());
    for (const auto& line : diagnosis.evidence) {
      ASSERT_EQ(line, base::printable(line, line.size())) << seed;
      ASSERT_FALSE(line.empty()) << seed;
    }
    ASSERT_EQ(diagnosis.fix.empty(), diagnosis.cause == Cause::none) << seed;
    ASSERT_EQ(diagnosis.fix, base::printable(diagnosis.fix, diagnosis.fix.size())) << seed;
    // A firewall may always refuse.
    ASSERT_FALSE(diagnosis.cause == Cause::none && diagnosis.confidence == Confidence::certain);
  }
}

// The collectors without which a cause cannot be certain.
std::vector<std::string_view> foundation(Cause cause) {
  switch (cause) {
    case Cause::sshd_not_installed:
      return {"listeners", "systemd", "configuration"};
    case Cause::sshd_disabled:
    case Cause::sshd_starting:
    case Cause::sshd_failed:
    case Cause::socket_unit_failed:
      return {"listeners", "systemd"};
    case Cause::sshd_not_running:
      return {"listeners", "systemd", "processes"};
    case Cause::sshd_config_invalid:
      return {"listeners", "systemd", "configuration"};
    case Cause::sshd_host_keys_missing:
    case Cause::sshd_host_keys_unusable:
      return {"listeners", "configuration"};
    case Cause::sshd_runtime_dir_missing:
    case Cause::sshd_hung:
    case Cause::max_startups:
    case Cause::tcp_wrappers_denied:
      return {"listeners"};
    case Cause::sshd_upgrade_skew:
    case Cause::port_bind_denied:
    case Cause::socket_port_mismatch:
      return {"listeners", "log"};
    case Cause::address_missing:
    case Cause::loopback_only:
      return {"listeners", "kernel"};
    default:
      return {"listeners"};
  }
}

TEST(host_rules, none_is_certain_of_what_it_could_not_see) {
  for (unsigned seed = 0; seed < kExamples; ++seed) {
    const auto example = random_example(seed);
    const auto diagnosis = diagnose_host(example.host.report(), example.question);
    if (diagnosis.confidence != Confidence::certain) continue;
    for (auto collector : foundation(diagnosis.cause)) {
      auto blind = example.host;
      const auto again = diagnose_host(blind.stale(collector).report(), example.question);
      ASSERT_FALSE(again.cause == diagnosis.cause && again.confidence == Confidence::certain)
          << seed << " " << collector << "\n"
          << all_words(again);
    }
  }
}

// Less to see must not turn a certain answer into another certain one, but for wider ones.
TEST(host_rules, blindness_does_not_change_a_certain_answer) {
  const std::set<Cause> wider{Cause::sshd_failed, Cause::sshd_not_running};
  for (unsigned seed = 0; seed < kExamples; ++seed) {
    const auto example = random_example(seed);
    const auto report = example.host.report();
    const HostCase c(report, example.question);
    const auto* rule = decide(c);
    // What contradicts itself may well agree with itself once half of it is out of sight.
    if (rule->cause == Cause::unknown || wider.contains(rule->cause)) continue;
    for (auto collector : kCollectors) {
      // Whose the sockets are is another matter then.
      if (collector == "processes") continue;
      auto blind = example.host;
      const auto less = blind.stale(collector).report();
      const HostCase d(less, example.question);
      const auto* other = decide(d);
      if (confidence_of(*other, d) != Confidence::certain || other->cause == rule->cause) continue;
      if (wider.contains(other->cause)) continue;
      // Then a rule further down that is proved on its own, and would be with all facts.
      ASSERT_TRUE(other->needs(c))
          << seed << " " << collector << "\n"
          << model::info(rule->cause).name << " became " << model::info(other->cause).name << "\n"
          << all_words(diagnose_host(less, example.question));
    }
  }
}

TEST(host_rules, the_order_of_what_was_found_does_not_matter) {
  for (unsigned seed = 0; seed < kExamples; ++seed) {
    const auto example = random_example(seed);
    const auto diagnosis = diagnose_host(example.host.report(), example.question);
    std::mt19937 random(seed);  // NOLINT(cert-msc51-cpp): the same each time
    auto shuffled = example.host;
    auto& units = shuffled.systemd.units;
    std::shuffle(units.begin(), units.end(), random);
    auto& listeners = shuffled.listeners.listeners;
    std::shuffle(listeners.begin(), listeners.end(), random);
    auto& keys = shuffled.configuration.host_keys;
    std::shuffle(keys.begin(), keys.end(), random);
    const auto again = diagnose_host(shuffled.report(), example.question);
    ASSERT_EQ(again.cause, diagnosis.cause) << seed << "\n"
                                            << all_words(diagnosis) << all_words(again);
    ASSERT_EQ(again.confidence, diagnosis.confidence) << seed;
  }
}

TEST(host_rules, a_line_that_anybody_may_write_lowers_confidence) {
  for (unsigned seed = 0; seed < kExamples; ++seed) {
    auto example = random_example(seed);
    const auto report = example.host.report();
    const HostCase c(report, example.question);
    const auto* rule = decide(c);
    if (rule->line == nullptr || !rule->line(c)->trusted) continue;
    for (auto& event : example.host.events.events) {
      if (event.newest) event.newest->trusted = false;
    }
    const auto doubted = example.host.report();
    const HostCase d(doubted, example.question);
    ASSERT_EQ(decide(d), rule);
    const auto before = confidence_of(*rule, c);
    ASSERT_TRUE(confidence_of(*rule, d) < before || before == Confidence::possible) << seed;
  }
}

TEST(host_rules, the_last_is_always_proved) {
  const model::HostReport nothing;
  const model::HostQuestion anybody;
  const HostCase c(nothing, anybody);
  EXPECT_TRUE(host_rules().back().needs(c));
  EXPECT_EQ(host_rules().back().confidence, Confidence::possible);
  EXPECT_EQ(decide(c)->cause, Cause::unknown);
  EXPECT_EQ(confidence_of(*decide(c), c), Confidence::possible);
}

TEST(host_rules, failures_are_less_certain_without_systemd) {
  auto host = Host::debian_12().down().without_systemd().check(ConfigProblem::configuration, "Bad");
  const auto diagnosis = diagnose_host(host.report(), {});
  EXPECT_EQ(diagnosis.cause, Cause::sshd_config_invalid);
  EXPECT_EQ(diagnosis.confidence, Confidence::likely);
}

}  // namespace
}  // namespace diagnose
