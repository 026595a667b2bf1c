#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::LogEvent;

constexpr ExpectedHost kLikely{Cause::source_penalty, Layer::access_policy, Confidence::likely};
const std::string kDrop =
    "drop connection #1 from [192.0.2.10]:33526 on [192.0.2.10]:22 penalty: connections without "
    "attempting authentication";

TEST(source_penalty, this_source_was_dropped) {
  auto host = Host::debian_13()
                  .log(LogEvent::penalty_drop, kDrop)
                  .log_address(LogEvent::penalty_drop, "192.0.2.10");
  expect(host, kLikely, {"drop connection #1"}, asking("192.0.2.10"));
  EXPECT_TRUE(advises(host, "PerSourcePenaltyExemptList", asking("192.0.2.10")));
  expect_not(host, Cause::source_penalty);
  expect_not(host, Cause::source_penalty, asking("192.0.2.11"));
  expect_not(host, Cause::source_penalty, asking("2001:db8::10"));
}

TEST(source_penalty, a_network_of_sources) {
  auto host = Host::debian_13()
                  .log(LogEvent::penalty_new,
                       "srclimit_penalise: 192.0.2.0/24: activating ipv4 "
                       "penalty of 15.659 seconds for penalty: …")
                  .log_address(LogEvent::penalty_new, "192.0.2.0/24");
  expect(host, kLikely, {"activating"}, asking("192.0.2.10"));
  host.log(LogEvent::penalty_new,
           "srclimit_penalise: ipv4: new 192.0.2.0/24 deferred penalty of 1 seconds for penalty: …")
      .log_address(LogEvent::penalty_new, "192.0.2.0/24");
  expect_not(host, Cause::source_penalty, asking("192.0.2.10"));
}

TEST(source_penalty, a_line_that_anybody_may_write_or_that_is_old) {
  auto host = Host::debian_13()
                  .log(LogEvent::penalty_drop, kDrop, 5s, false)
                  .log_address(LogEvent::penalty_drop, "192.0.2.10");
  expect(host, {Cause::source_penalty, Layer::access_policy, Confidence::possible}, {},
         asking("192.0.2.10"));
  host.log(LogEvent::penalty_drop, kDrop, 61s).log_address(LogEvent::penalty_drop, "192.0.2.10");
  expect_not(host, Cause::source_penalty, asking("192.0.2.10"));
}

}  // namespace
