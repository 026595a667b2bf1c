#include "web/status_page.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "support/snapshots.h"

namespace web {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

StatusPageRequest request() {
  StatusPageRequest request;
  request.telemetry_path = "/metrics";
  request.version = "1.2.3";
  request.now = test_support::fixed_wall_time() + std::chrono::seconds(75);
  return request;
}

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

TEST(StatusPage, ShowsCauseEvidenceFixAndAge) {
  const auto page = render_status_page(test_support::small_snapshot(), request());
  EXPECT_THAT(page, HasSubstr("6 targets: 1 reachable, 4 refused, 1 not probed yet"));
  EXPECT_THAT(page, HasSubstr("host_firewall_reject"));
  EXPECT_THAT(page, HasSubstr("administratively prohibited (3/13)"));
  EXPECT_THAT(page, HasSubstr("Allow port 22 in the firewall of 192.0.2.20."));
  EXPECT_THAT(page, HasSubstr("<time datetime=\"2026-01-02T03:04:07Z\">73 s ago</time>"));
}

TEST(StatusPage, PutsFailingTargetsFirstAndReachableOnesLast) {
  const auto page = render_status_page(test_support::small_snapshot(), request());
  EXPECT_LT(page.find("192.0.2.20:22"), page.find("new.example.net:22"));
  EXPECT_LT(page.find("new.example.net:22"), page.find("bastion.example.net:22"));
}

TEST(StatusPage, EscapesWhatStrangersWrote) {
  auto hostile = request();
  hostile.search = "\"><script>";
  const auto page = render_status_page(test_support::small_snapshot(), request()) +
                    render_status_page(test_support::small_snapshot(), hostile);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(base::is_valid_utf8(page));
}

TEST(StatusPage, ShowsThisHostAsItSeesItself) {
  auto base = request();
  base.base = "https://example.net/ssh";
  const auto page = render_status_page(test_support::small_snapshot(), base);
  EXPECT_THAT(page, HasSubstr("<h2 id=\"host\">SSH on this host</h2>"));
  EXPECT_THAT(page, HasSubstr("l-binding"));
  EXPECT_THAT(page, HasSubstr("port_conflict"));
  EXPECT_THAT(page, HasSubstr("<li>0.0.0.0:2222 belongs to the program &#39;nginx&#39;.</li>"));
  EXPECT_THAT(page, HasSubstr("<li>not listened on: 0.0.0.0:2222</li>"));
  EXPECT_THAT(page, HasSubstr("guards is not seen in full: no answer within 2s; still waiting"));
  EXPECT_THAT(page, HasSubstr("Move one of the two."));
  EXPECT_THAT(page, HasSubstr("href=\"https://example.net/ssh/api/v1/evidence\""));
}

TEST(StatusPage, AHostThatIsNotWatchedHasNoSection) {
  auto snapshot = test_support::small_snapshot();
  snapshot.host = nullptr;
  EXPECT_THAT(render_status_page(snapshot, request()), Not(HasSubstr("SSH on this host")));
}

TEST(StatusPage, EscapesWhatTheHostSays) {
  auto snapshot = test_support::small_snapshot();
  auto host = *snapshot.host;
  host.diagnosis.evidence = {"<script>alert(1)</script>"};
  host.diagnosis.fix = "<b>\x1b[31m";
  snapshot.host = std::make_shared<const model::HostReport>(host);
  const auto page = render_status_page(snapshot, request());
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script>alert")), Not(HasSubstr("<b>\x1b"))));
}

TEST(StatusPage, FiltersByCause) {
  auto only_dns = request();
  only_dns.cause = model::Cause::dns_not_found;
  const auto page = render_status_page(test_support::small_snapshot(), only_dns);
  EXPECT_THAT(page, AllOf(HasSubstr("gone.example.net:22"), Not(HasSubstr("192.0.2.20:22"))));
  EXPECT_THAT(page, HasSubstr("aria-current=\"true\""));
}

TEST(StatusPage, FiltersByName) {
  auto only_both = request();
  only_both.search = "both.";
  const auto page = render_status_page(test_support::small_snapshot(), only_both);
  EXPECT_THAT(page, AllOf(HasSubstr("both.example.net:22"), Not(HasSubstr("gone.example.net"))));
  only_both.search = "nowhere";
  EXPECT_THAT(render_status_page(test_support::small_snapshot(), only_both),
              HasSubstr("No target matches."));
}

TEST(StatusPage, ShowsManyTargetsAPageAtATime) {
  const auto snapshot = test_support::large_snapshot(250);
  auto paged = request();
  const auto first = render_status_page(snapshot, paged);
  EXPECT_EQ(occurrences(first, "<th scope=\"row\">"), 100U);
  EXPECT_THAT(first, AllOf(HasSubstr("Page 1 of 3"), HasSubstr("href=\"/?page=2\""),
                           Not(HasSubstr("rel=\"prev\""))));
  paged.page = 3;
  EXPECT_EQ(occurrences(render_status_page(snapshot, paged), "<th scope=\"row\">"), 50U);
  paged.page = 1'000'000'000;
  EXPECT_THAT(render_status_page(snapshot, paged), HasSubstr("Page 3 of 3"));
  paged.page = 0;
  EXPECT_THAT(render_status_page(snapshot, paged), HasSubstr("Page 1 of 3"));
}

TEST(StatusPage, LinksStartWithTheBase) {
  auto prefixed = request();
  prefixed.base = "https://example.net/ssh";
  const auto page = render_status_page(test_support::large_snapshot(250), prefixed);
  EXPECT_THAT(page, AllOf(HasSubstr("href=\"https://example.net/ssh/metrics\""),
                          HasSubstr("href=\"https://example.net/ssh/?page=2\""),
                          HasSubstr("action=\"https://example.net/ssh/\"")));
}

TEST(StatusPage, SaysThatAReloadFailed) {
  auto snapshot = test_support::small_snapshot();
  EXPECT_THAT(render_status_page(snapshot, request()), Not(HasSubstr("role=\"alert\"")));
  snapshot.reload.successful = false;
  EXPECT_THAT(render_status_page(snapshot, request()), HasSubstr("role=\"alert\""));
}

TEST(StatusPage, SaysThatThereAreNoTargets) {
  EXPECT_THAT(render_status_page({}, request()), HasSubstr("No targets are configured."));
}

}  // namespace
}  // namespace web
