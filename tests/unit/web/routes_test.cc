#include "web/routes.h"

#include <gmock/gmock.h>

#include <tuple>

#include "support/fake_backend.h"

namespace web {
namespace {

using namespace std::chrono_literals;
using test_support::FakeBackend;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RoutesTest : public testing::Test {
 protected:
  Response ask(const std::string& method, const std::string& path, Fields query = {},
               Fields headers = {}) {
    Routes routes(options_, backend_);
    return routes.handle({method, path, std::move(query), std::move(headers)});
  }
  Response get(const std::string& path, Fields query = {}, Fields headers = {}) {
    return ask("GET", path, std::move(query), std::move(headers));
  }
  static std::string body_of(const Response& response) {
    std::string body = response.body;
    if (response.stream) response.stream([&](std::string_view bytes) { body += bytes; });
    return body;
  }

  FakeBackend backend_;
  RouteOptions options_{
      .telemetry_path = "/metrics", .route_prefix = "", .external_url = "", .build = {}};
};

TEST_F(RoutesTest, MatchesPathsExactly) {
  EXPECT_EQ(get("/").status, 200);
  EXPECT_EQ(get("/metrics").status, 200);
  for (const char* path : {"/metrics/", "/metrics/foo", "/metricsfoo", "//metrics", "/Metrics",
                           "/./metrics", "", "/probe/", "/-/", "/favicon.ico"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(RoutesTest, OtherMethodsGet405WithAllow) {
  using Case = std::tuple<const char*, const char*, const char*>;
  for (auto [method, path, allow] :
       {Case{"POST", "/metrics", "GET, HEAD"}, Case{"DELETE", "/", "GET, HEAD"},
        Case{"GET", "/-/reload", "POST, PUT"}, Case{"HEAD", "/-/reload", "POST, PUT"},
        Case{"OPTIONS", "/probe", "GET, HEAD"}, Case{"get", "/probe", "GET, HEAD"}}) {
    const auto response = ask(method, path);
    EXPECT_EQ(response.status, 405) << method << path;
    EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Allow", allow)));
  }
  EXPECT_EQ(ask("POST", "/nowhere").status, 404);
}

TEST_F(RoutesTest, ReloadsByPostAndPut) {
  int reloads = 0;
  backend_.on_reload = [&] {
    ++reloads;
    return base::Result<void>();
  };
  EXPECT_EQ(ask("POST", "/-/reload").status, 200);
  EXPECT_EQ(ask("PUT", "/-/reload").status, 200);
  EXPECT_EQ(reloads, 2);
  backend_.on_reload = [] { return base::Result<void>(base::Error{"x.yml:1:2: bad"}); };
  const auto failed = ask("POST", "/-/reload");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body, "x.yml:1:2: bad\n");
}

TEST_F(RoutesTest, PrefixGoesBeforeEveryPath) {
  options_.route_prefix = "/ssh";
  for (const char* path : {"/ssh/", "/ssh/metrics", "/ssh/-/healthy", "/ssh/api/v1/targets"}) {
    EXPECT_EQ(get(path).status, 200) << path;
  }
  EXPECT_EQ(get("/metrics").status, 404);
  for (const char* path : {"/", "/ssh"}) {
    EXPECT_THAT(get(path).headers, testing::Contains(testing::Pair("Location", "/ssh/"))) << path;
  }
  EXPECT_THAT(body_of(get("/ssh/")), HasSubstr("href=\"/ssh/metrics\""));
}

// The redirect would lead to itself if it followed such a URL.
TEST_F(RoutesTest, RedirectsToThePrefixWhateverTheExternalUrl) {
  options_.route_prefix = "/ssh";
  options_.external_url = "http://example.net";
  EXPECT_THAT(get("/").headers, testing::Contains(testing::Pair("Location", "/ssh/")));
}

TEST_F(RoutesTest, PrefixesAreNormalised) {
  for (const char* prefix : {"/", "//", "///"}) {
    EXPECT_EQ(normalised_prefix(prefix, ""), "");
    EXPECT_EQ(normalised_prefix(prefix, "http://x/foo"), "");
  }
  for (const char* prefix : {"foo", "/foo", "foo/", "/foo/", "//foo//"}) {
    EXPECT_EQ(normalised_prefix(prefix, "http://x/other"), "/foo");
  }
  EXPECT_EQ(normalised_prefix("a/b/", ""), "/a/b");
}

TEST_F(RoutesTest, PrefixIsThePathOfTheExternalUrlByDefault) {
  EXPECT_EQ(normalised_prefix("", ""), "");
  for (const char* url : {"http://x", "http://x/", "https://[::1]:1", "x:1", "http://x?a=/b"}) {
    EXPECT_EQ(normalised_prefix("", url), "") << url;
  }
  for (const char* url : {"http://x/foo", "https://x:1/foo/", "x/foo", "/foo", "http://x/foo?a=/#/",
                          "http://x/foo#/b"}) {
    EXPECT_EQ(normalised_prefix("", url), "/foo") << url;
  }
}

TEST_F(RoutesTest, TelemetryPathHidesNoOtherPage) {
  for (const char* path : {"/metrics", "/m", "/probes", "/api", "/-", "/a/b"}) {
    EXPECT_TRUE(check_telemetry_path(path).ok()) << path;
  }
  for (const char* path : {"", "metrics", "/", "/probe", "/api/v1/targets", "/api/v1/evidence",
                           "/-/healthy", "/-/reload", "/a?b", "/a#b"}) {
    EXPECT_FALSE(check_telemetry_path(path).ok()) << path;
  }
}

TEST_F(RoutesTest, ExternalUrlIsForLinks) {
  options_.external_url = "https://example.net/ssh/";
  EXPECT_THAT(body_of(get("/")), HasSubstr("href=\"https://example.net/ssh/metrics\""));
}

TEST_F(RoutesTest, StatusPageTakesFilters) {
  const auto filtered = get("/", {{"cause", "dns_not_found"}});
  EXPECT_THAT(filtered.body, Not(HasSubstr("192.0.2.20:22")));
  EXPECT_EQ(get("/", {{"cause", "nonsense"}}).status, 400);
  EXPECT_EQ(get("/", {{"page", "-1"}}).status, 200);
  EXPECT_EQ(get("/", {{"cause", ""}, {"search", "a\xff"}}).status, 200);
}

TEST_F(RoutesTest, ScrapeDurationIsThePreviousPages) {
  Routes routes(options_, backend_);
  const auto first = body_of(routes.handle({"GET", "/metrics", {}, {}}));
  EXPECT_THAT(first, HasSubstr("\nssh_refusal_exporter_scrape_duration_seconds 0\n"));
  const auto second = body_of(routes.handle({"GET", "/metrics", {}, {}}));
  EXPECT_THAT(second, Not(HasSubstr("\nssh_refusal_exporter_scrape_duration_seconds 0\n")));
}

TEST_F(RoutesTest, ProbePassesTargetModuleAndTimeout) {
  get("/probe", {{"target", "a.example:2222"}, {"module", "deep"}},
      {{"x-prometheus-scrape-timeout-seconds", "9.5"}});
  get("/probe", {{"target", "[::1]:22"}});
  ASSERT_EQ(backend_.calls.size(), 2U);
  EXPECT_EQ(backend_.calls[0].target, "a.example:2222");
  EXPECT_EQ(backend_.calls[0].module, "deep");
  EXPECT_EQ(backend_.calls[0].timeout, base::Duration(9s));
  EXPECT_EQ(backend_.calls[1].module, "default");
  EXPECT_EQ(backend_.calls[1].timeout, std::nullopt);
}

TEST_F(RoutesTest, ProbeIgnoresUnusableTimeouts) {
  for (const char* text : {"", "x", "-1", "0", "nan", "inf", "1e999", "5s", " 5", "5,5"}) {
    get("/probe", {{"target", "a"}}, {{"X-Prometheus-Scrape-Timeout-Seconds", text}});
    EXPECT_EQ(backend_.calls.back().timeout, std::nullopt) << text;
  }
  get("/probe", {{"target", "a"}}, {{"X-Prometheus-Scrape-Timeout-Seconds", "0.2"}});
  EXPECT_EQ(backend_.calls.back().timeout, base::Duration(100ms));
  get("/probe", {{"target", "a"}}, {{"X-Prometheus-Scrape-Timeout-Seconds", "1e300"}});
  EXPECT_EQ(backend_.calls.back().timeout, base::Duration(24h));
}

TEST_F(RoutesTest, ProbeNeedsATarget) {
  EXPECT_EQ(get("/probe").status, 400);
  EXPECT_EQ(get("/probe", {{"target", ""}}).status, 400);
  EXPECT_EQ(get("/probe", {{"target", std::string(301, 'a')}}).status, 400);
  EXPECT_EQ(get("/probe", {{"target", "a"}, {"module", std::string(101, 'm')}}).status, 400);
  EXPECT_TRUE(backend_.calls.empty());
  EXPECT_EQ(get("/probe", {{"target", std::string(300, 'a')}}).status, 200);
}

TEST_F(RoutesTest, ProbeRefusalsHaveTheirStatus) {
  using Case = std::pair<ProbeRefusal, int>;
  for (auto [refusal, status] :
       {Case{ProbeRefusal::malformed_target, 400}, Case{ProbeRefusal::unknown_module, 400},
        Case{ProbeRefusal::forbidden_address, 403}, Case{ProbeRefusal::busy, 503},
        Case{ProbeRefusal::disabled, 404}}) {
    backend_.on_probe = [refusal](const FakeBackend::ProbeCall&) {
      return ProbeReply{refusal, "because", nullptr};
    };
    const auto response = get("/probe", {{"target", "a"}});
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "because\n");
  }
}

TEST_F(RoutesTest, ProbeAnswersWithTheSeriesOfOneTarget) {
  const auto response = get("/probe", {{"target", "a"}});
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("\nssh_probe_success 0\n"));
  EXPECT_THAT(response.body, Not(HasSubstr("target=")));
}

TEST_F(RoutesTest, DebugIsForPeople) {
  const auto response = get("/probe", {{"target", "a"}, {"debug", "true"}});
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("cause:      host_firewall_reject (host_firewall, likely)"));
  EXPECT_THAT(response.body, HasSubstr("Metrics that would have been returned:\n# HELP"));
}

TEST_F(RoutesTest, TargetsCanBeFiltered) {
  const auto all = body_of(get("/api/v1/targets"));
  EXPECT_THAT(all, StartsWith("{\"targets\":["));
  EXPECT_THAT(all, HasSubstr("gone.example.net:22"));
  const auto one = body_of(get("/api/v1/targets", {{"target", "192.0.2.20:22"}}));
  EXPECT_THAT(one, HasSubstr("192.0.2.20:22"));
  EXPECT_THAT(one, Not(HasSubstr("gone.example.net:22")));
  EXPECT_EQ(body_of(get("/api/v1/targets", {{"target", "other"}})), "{\"targets\":[\n]}\n");
}

class EvidenceRouteTest : public RoutesTest {
 protected:
  EvidenceRouteTest() {
    backend_.on_evidence = [this](const model::HostQuestion& question) {
      asked_ = question;
      const auto host = test_support::busy_host();
      return EvidenceReply{true, host, host->diagnosis};
    };
  }
  model::HostQuestion asked_;
};

TEST_F(EvidenceRouteTest, AnswersForASourceAndAPort) {
  const auto response = get("/api/v1/evidence", {{"source", "2001:db8::7"}, {"port", "2222"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_THAT(response.body, HasSubstr(R"("cause":"port_conflict")"));
  EXPECT_THAT(response.body, HasSubstr(R"("source":"2001:db8::7")"));
  ASSERT_TRUE(asked_.source && asked_.port);
  EXPECT_EQ(asked_.source->to_string(), "2001:db8::7");
  EXPECT_EQ(*asked_.port, 2222);
  EXPECT_FALSE(asked_.address);
}

TEST_F(EvidenceRouteTest, AsksForAnybodyWithoutParameters) {
  EXPECT_EQ(get("/api/v1/evidence", {{"source", ""}, {"port", ""}}).status, 200);
  EXPECT_FALSE(asked_.source || asked_.port || asked_.address);
  EXPECT_EQ(get("/api/v1/evidence", {{"address", "192.0.2.10"}}).status, 200);
  EXPECT_EQ(asked_.address->to_string(), "192.0.2.10");
}

TEST_F(EvidenceRouteTest, RefusesWhatIsNoAddressAndNoPort) {
  using Case = std::pair<const char*, const char*>;
  for (const auto& [name, value] :
       {Case{"source", "bastion"}, Case{"source", "192.0.2.0/24"}, Case{"source", "<b>"},
        Case{"address", "1"}, Case{"port", "0"}, Case{"port", "65536"}, Case{"port", "ssh"},
        Case{"port", "-1"}}) {
    const auto response = get("/api/v1/evidence", {{name, value}});
    EXPECT_EQ(response.status, 400) << name << value;
    EXPECT_THAT(response.body, HasSubstr(name));
  }
}

TEST_F(EvidenceRouteTest, SaysWhenThereIsNone) {
  backend_.on_evidence = [](const model::HostQuestion&) {
    return EvidenceReply{true, nullptr, {}};
  };
  EXPECT_EQ(get("/api/v1/evidence").status, 503);
  backend_.on_evidence = [](const model::HostQuestion&) {
    return EvidenceReply{false, nullptr, {}};
  };
  EXPECT_EQ(get("/api/v1/evidence").status, 404);
}

}  // namespace
}  // namespace web
