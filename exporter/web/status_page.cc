#include "web/status_page.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "base/text.h"
#include "web/http.h"

namespace web {

namespace {

using model::TargetState;

constexpr std::size_t kRowsPerPage = 100;
constexpr std::size_t kTextLimit = 2000;  // of one value; several times the longest evidence
constexpr std::size_t kCauseCount = static_cast<std::size_t>(model::Cause::unknown) + 1;

constexpr std::string_view kStyle = R"(
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --card: #fff; --text: #1b2330; --dim: #5b6676; --line: #dde2e9; --link: #0b57b7;
  --ok: #1a7f4b; --dns: #7a3fc2; --client: #3f6b8c; --network: #b35900; --host_firewall: #c4262e;
  --access_policy: #a8247f; --service: #d1430b; --binding: #8a6d00; --overload: #9a4b2f;
  --protocol: #2457c5; --unknown: #5b6676;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #11151b; --card: #1a2029; --text: #e4e9f0; --dim: #98a4b5; --line: #2d3643;
    --link: #7ab4ff; --ok: #4cc38a; --dns: #b794f4; --client: #8bb7d8; --network: #f5a04c;
    --host_firewall: #ff7b80; --access_policy: #f07fcb; --service: #ff8a5c; --binding: #e2c044;
    --overload: #e0977c; --protocol: #82aaff; --unknown: #98a4b5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
header, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem;
  padding-top: 1.4rem; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p { margin: .4rem 0; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
nav ul, .causes { display: flex; flex-wrap: wrap; list-style: none; margin: 0; padding: 0; }
nav ul { gap: 0 1.1rem; }
.causes { gap: .5rem; }
.causes a { display: flex; align-items: center; gap: .5rem; padding: .3rem .75rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 999px;
  color: inherit; }
.causes a[aria-current] { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.causes b { font-variant-numeric: tabular-nums; }
.dot { width: .65rem; height: .65rem; border-radius: 50%; background: var(--layer); }
form { margin: 1rem 0 0; display: flex; gap: .5rem; }
input, button { font: inherit; color: inherit; background: var(--card); padding: .3rem .7rem;
  border: 1px solid var(--line); border-radius: 6px; }
input { width: 20rem; max-width: 100%; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .65rem .9rem; }
thead th:first-child { padding-left: calc(.9rem + 4px); }
thead th { font-size: .8rem; font-weight: 600; color: var(--dim); white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; border-left: 4px solid var(--layer); overflow-wrap: anywhere;
  min-width: 13rem; }
.host { border-left: 4px solid var(--layer); padding: .4rem .9rem; margin: 0; }
.cause { color: var(--layer); font-weight: 600; white-space: nowrap; }
.dim, footer { color: var(--dim); font-size: .85rem; font-weight: 400; }
.evidence { margin: .2rem 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
.fix { border-left: 3px solid var(--line); padding-left: .7rem; overflow-wrap: anywhere; }
.times { white-space: nowrap; font-variant-numeric: tabular-nums; }
.pages { display: flex; gap: 1.2rem; margin: 1rem 0; }
footer { padding-top: 1.2rem; padding-bottom: 2rem; }
.l-none { --layer: var(--ok); } .l-dns { --layer: var(--dns); }
.l-client { --layer: var(--client); } .l-network { --layer: var(--network); }
.l-host_firewall { --layer: var(--host_firewall); }
.l-access_policy { --layer: var(--access_policy); } .l-service { --layer: var(--service); }
.l-binding { --layer: var(--binding); } .l-overload { --layer: var(--overload); }
.l-protocol { --layer: var(--protocol); } .l-unknown { --layer: var(--unknown); }
.l-pending { --layer: var(--line); }
)";

// Labels come from configuration files, which may hold anything.
std::string text_of(std::string_view text) {
  return base::escape_html(base::printable(text, kTextLimit));
}

const model::CauseInfo& cause_of(const TargetState& state) {
  return model::info(state.last->diagnosis.cause);
}

bool failing(const TargetState& state) { return state.last && !state.last->diagnosis.success; }

// "12 s", "3 min", "2 h", "5 d"
std::string age(base::Duration duration) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 100) return std::to_string(seconds) + " s";
  if (seconds < 100 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 72 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string rfc3339(base::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

// The page's own address with other parameters.
std::string link(const StatusPageRequest& request, std::string_view cause, std::size_t page) {
  std::string query;
  auto add = [&](std::string_view name, std::string_view value) {
    query += query.empty() ? '?' : '&';
    query += std::string(name) + "=" + percent_encode(value);
  };
  if (!cause.empty()) add("cause", cause);
  if (!request.search.empty()) add("search", request.search);
  if (page > 1) add("page", std::to_string(page));
  return text_of(request.base + "/" + query);
}

std::string_view wanted_cause(const StatusPageRequest& request) {
  return request.cause ? model::info(*request.cause).name : std::string_view{};
}

struct Counts {
  std::array<std::size_t, kCauseCount> by_cause{};
  std::size_t all = 0;
  std::size_t reachable = 0;
  std::size_t refused = 0;
};

Counts count(const model::Snapshot& snapshot) {
  Counts counts;
  for (const auto& state : snapshot.targets) {
    ++counts.all;
    if (!state->last) continue;
    ++counts.by_cause.at(static_cast<std::size_t>(state->last->diagnosis.cause));
    ++(failing(*state) ? counts.refused : counts.reachable);
  }
  return counts;
}

// Failing targets first, then those not probed yet, then the others; each in configuration order.
std::vector<const TargetState*> select(const model::Snapshot& snapshot,
                                       const StatusPageRequest& request) {
  std::array<std::vector<const TargetState*>, 3> groups;
  for (const auto& state : snapshot.targets) {
    if (request.cause && (!state->last || state->last->diagnosis.cause != *request.cause)) continue;
    if (state->target->name.find(request.search) == std::string::npos) continue;
    groups.at(failing(*state) ? 0 : state->last ? 2 : 1).push_back(state.get());
  }
  auto& selected = groups[0];
  selected.insert(selected.end(), groups[1].begin(), groups[1].end());
  selected.insert(selected.end(), groups[2].begin(), groups[2].end());
  return std::move(selected);
}

void append_head(std::string& page, const StatusPageRequest& request) {
  page +=
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>SSH refusal exporter</title>\n<style>";
  page += kStyle;
  page +=
      "</style>\n</head>\n<body>\n<header>\n<h1>SSH refusal exporter</h1>\n"
      "<nav aria-label=\"Other pages\"><ul>";
  const std::array<std::pair<std::string_view, std::string_view>, 3> links{
      {{request.telemetry_path, "Metrics"},
       {"/api/v1/targets", "Targets as JSON"},
       {"/-/healthy", "Health"}}};
  for (const auto& [path, title] : links) {
    page += "<li><a href=\"" + text_of(request.base + std::string(path)) + "\">";
    page += title;
    page += "</a></li>";
  }
  page += "</ul></nav>\n</header>\n<main>\n";
}

void append_cause_link(std::string& page, const StatusPageRequest& request,
                       const model::CauseInfo& cause, std::size_t number) {
  page += "<li><a class=\"l-" + std::string(model::name_of(cause.layer)) + "\" href=\"" +
          link(request, cause.name, 1) + "\"";
  if (request.cause == cause.cause) page += " aria-current=\"true\"";
  page += "><span class=\"dot\"></span>";
  page += cause.cause == model::Cause::none ? "reachable" : cause.name;
  page += " <b>" + std::to_string(number) + "</b></a></li>\n";
}

void append_summary(std::string& page, const Counts& counts, const StatusPageRequest& request) {
  const std::size_t pending = counts.all - counts.reachable - counts.refused;
  page += "<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">" +
          std::to_string(counts.all) + (counts.all == 1 ? " target: " : " targets: ") +
          std::to_string(counts.reachable) + " reachable, " + std::to_string(counts.refused) +
          " refused";
  if (pending > 0) page += ", " + std::to_string(pending) + " not probed yet";
  page += "</h2>\n<ul class=\"causes\" aria-label=\"Targets by cause\">\n";
  std::vector<const model::CauseInfo*> causes;
  for (const auto& cause : model::all_causes()) {
    if (counts.by_cause.at(static_cast<std::size_t>(cause.cause)) > 0) causes.push_back(&cause);
  }
  auto number_of = [&](const model::CauseInfo* cause) {
    return counts.by_cause.at(static_cast<std::size_t>(cause->cause));
  };
  std::stable_sort(causes.begin(), causes.end(), [&](const auto* a, const auto* b) {
    bool a_failing = a->cause != model::Cause::none;
    bool b_failing = b->cause != model::Cause::none;
    if (a_failing != b_failing) return a_failing;
    return number_of(a) > number_of(b);
  });
  for (const auto* cause : causes) append_cause_link(page, request, *cause, number_of(cause));
  if (request.cause) page += "<li><a href=\"" + link(request, "", 1) + "\">show all</a></li>\n";
  page += "</ul>\n<form role=\"search\" action=\"" + text_of(request.base) + "/\">";
  if (request.cause) {
    page +=
        "<input type=\"hidden\" name=\"cause\" value=\"" + text_of(wanted_cause(request)) + "\">";
  }
  page +=
      "<input type=\"search\" name=\"search\" aria-label=\"Part of a target's name\" "
      "placeholder=\"Part of a target's name\" value=\"" +
      text_of(request.search) + "\"><button>Find</button></form>\n</section>\n";
}

void append_name(std::string& page, const TargetState& state) {
  page += "<th scope=\"row\">" + text_of(state.target->name);
  for (const auto& [name, value] : state.target->labels) {
    page += "<div class=\"dim\">" + text_of(name) + ": " + text_of(value) + "</div>";
  }
  page += "</th>";
}

void append_addresses(std::string& page, const model::ProbeReport& report) {
  const auto& [result, diagnosis] = report;
  if (result.addresses.size() < 2) return;
  page += "<div class=\"dim\">";
  for (std::size_t i = 0; i < result.addresses.size() && i < diagnosis.addresses.size(); ++i) {
    const auto cause = diagnosis.addresses[i].cause;
    page += text_of(result.addresses[i].address.to_string()) + ": ";
    page += cause == model::Cause::none ? "reachable" : model::info(cause).name;
    page += "<br>";
  }
  page += "</div>";
}

void append_findings(std::string& page, const model::ProbeReport& report) {
  const auto& diagnosis = report.diagnosis;
  page += "<td>";
  if (!diagnosis.success) page += text_of(model::info(diagnosis.cause).meaning);
  if (!diagnosis.evidence.empty()) {
    page += diagnosis.success ? "<ul class=\"evidence dim\">" : "<ul class=\"evidence\">";
    for (const auto& line : diagnosis.evidence) page += "<li>" + text_of(line) + "</li>";
    page += "</ul>";
  }
  if (!diagnosis.fix.empty()) {
    page += "<p class=\"fix\"><b>Fix:</b> " + text_of(diagnosis.fix) + "</p>";
  }
  append_addresses(page, report);
  page += "</td>";
}

void append_times(std::string& page, const model::ProbeReport& report, base::WallTime now) {
  const auto& result = report.result;
  page += "<td class=\"times\">";
  auto add = [&](const char* name, base::Duration duration) {
    page += "<div><span class=\"dim\">" + std::string(name) + "</span> " +
            base::human_duration(duration) + "</div>";
  };
  if (result.resolve_time) add("resolve", *result.resolve_time);
  auto index = report.diagnosis.decided_by.value_or(0);
  if (index < result.addresses.size()) {
    using model::Stage;
    for (auto phase : {Stage::connect, Stage::banner, Stage::kexinit}) {
      auto duration = result.addresses[index].seen.phases.get(phase);
      if (duration) add(model::name_of(phase), *duration);
    }
  }
  add("total", result.duration);
  page += "</td><td class=\"times\"><time datetime=\"" + rfc3339(result.completed) + "\">" +
          age(now - result.completed) + " ago</time></td>";
}

void append_row(std::string& page, const TargetState& state, base::WallTime now) {
  if (!state.last) {
    page += "<tr class=\"l-pending\">";
    append_name(page, state);
    page += "<td class=\"dim\" colspan=\"4\">not probed yet</td></tr>\n";
    return;
  }
  const auto& cause = cause_of(state);
  page += "<tr class=\"l-" + std::string(model::name_of(cause.layer)) + "\">";
  append_name(page, state);
  page += "<td><span class=\"cause\">";
  page += cause.cause == model::Cause::none ? "reachable" : cause.name;
  page += "</span>";
  if (cause.cause != model::Cause::none) {
    page += "<div class=\"dim\">" + std::string(model::name_of(cause.layer)) + "<br>" +
            model::name_of(state.last->diagnosis.confidence) + "</div>";
  }
  page += "</td>";
  append_findings(page, *state.last);
  append_times(page, *state.last, now);
  page += "</tr>\n";
}

void append_page_links(std::string& page, const StatusPageRequest& request, std::size_t number,
                       std::size_t pages) {
  if (pages < 2) return;
  const auto cause = wanted_cause(request);
  page += "<nav class=\"pages\" aria-label=\"Pages\">";
  if (number > 1) {
    page += "<a rel=\"prev\" href=\"" + link(request, cause, number - 1) + "\">← Previous</a>";
  }
  page += "<span>Page " + std::to_string(number) + " of " + std::to_string(pages) + "</span>";
  if (number < pages) {
    page += "<a rel=\"next\" href=\"" + link(request, cause, number + 1) + "\">Next →</a>";
  }
  page += "</nav>\n";
}

void append_targets(std::string& page, const model::Snapshot& snapshot,
                    const StatusPageRequest& request) {
  const auto selected = select(snapshot, request);
  const std::size_t pages =
      std::max<std::size_t>(1, (selected.size() + kRowsPerPage - 1) / kRowsPerPage);
  const std::size_t number = std::clamp<std::size_t>(request.page, 1, pages);
  page += "<section aria-labelledby=\"targets\">\n<h2 id=\"targets\">Targets</h2>\n";
  if (selected.empty()) {
    page += snapshot.targets.empty() ? "<p>No targets are configured.</p>\n"
                                     : "<p>No target matches.</p>\n";
  } else {
    page +=
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Target</th>"
        "<th scope=\"col\">Cause</th><th scope=\"col\">Evidence</th>"
        "<th scope=\"col\">Times</th><th scope=\"col\">Probed</th></tr></thead>\n<tbody>\n";
    const std::size_t begin = (number - 1) * kRowsPerPage;
    const std::size_t end = std::min(begin + kRowsPerPage, selected.size());
    for (std::size_t i = begin; i < end; ++i) append_row(page, *selected[i], request.now);
    page += "</tbody>\n</table></div>\n";
  }
  append_page_links(page, request, number, pages);
  page += "</section>\n";
}

std::string endpoint_text(const model::Endpoint& endpoint) {
  return text_of(base::format_host_port(endpoint.address.to_string(), endpoint.port));
}

// What the exporter sees of the machine that it runs on.
void append_host(std::string& page, const model::Snapshot& snapshot,
                 const StatusPageRequest& request) {
  if (!snapshot.host) return;
  const auto& host = *snapshot.host;
  const auto& cause = model::info(host.diagnosis.cause);
  page +=
      "<section aria-labelledby=\"host\">\n<h2 id=\"host\">SSH on this host</h2>\n"
      "<div class=\"scroll host l-" +
      std::string(model::name_of(cause.layer)) + "\"><p><span class=\"cause\">";
  page += cause.cause == model::Cause::none ? "a new connection gets in" : cause.name;
  page += "</span> <span class=\"dim\">" + std::string(model::name_of(cause.layer)) + ", " +
          model::name_of(host.diagnosis.confidence) + ", seen <time datetime=\"" +
          rfc3339(host.completed) + "\">" + age(request.now - host.completed) +
          " ago</time>, <a href=\"" + text_of(request.base) +
          "/api/v1/evidence\">all facts</a></span></p>\n<ul class=\"evidence\">";
  for (const auto& line : host.diagnosis.evidence) page += "<li>" + text_of(line) + "</li>";
  for (const auto& endpoint : host.bindings.missing) {
    page += "<li>not listened on: " + endpoint_text(endpoint) + "</li>";
  }
  for (const auto& status : host.collectors) {
    if (status.success) continue;
    page +=
        "<li>" + text_of(status.name) + " is not seen in full: " + text_of(status.error) + "</li>";
  }
  page += "</ul>\n";
  if (!host.diagnosis.fix.empty()) {
    page += "<p class=\"fix\">" + text_of(host.diagnosis.fix) + "</p>\n";
  }
  page += "</div>\n</section>\n";
}

}  // namespace

std::string_view status_page_style() { return kStyle; }

std::string render_status_page(const model::Snapshot& snapshot, const StatusPageRequest& request) {
  std::string page;
  append_head(page, request);
  if (!snapshot.reload.successful) {
    page += "<p role=\"alert\"><b>The last reload of the configuration failed</b>; the one of " +
            rfc3339(snapshot.reload.last_success) + " is in force. The log says why.</p>\n";
  }
  append_host(page, snapshot, request);
  append_summary(page, count(snapshot), request);
  append_targets(page, snapshot, request);
  page += "</main>\n<footer>ssh_refusal_exporter " + text_of(request.version) + ", " +
          rfc3339(request.now) + "</footer>\n</body>\n</html>\n";
  return page;
}

}  // namespace web
