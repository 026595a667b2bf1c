#include "diagnose/diagnose.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "diagnose/case.h"
#include "diagnose/rules.h"
#include "diagnose/words.h"

namespace diagnose {

namespace {

using model::Cause;
using model::Confidence;
using model::Diagnosis;
using model::Outcome;
using model::ProbeResult;
using model::ResponderRole;
using model::Stage;
using model::Target;

// The prober takes at most eight addresses of a name; a line names no more.
constexpr std::size_t kNamedAddresses = 8;

// One address with its verdict.
struct Verdict {
  Case evidence;
  const Rule* rule;
  Confidence confidence;
  std::size_t index;
};

// Which of two failing addresses explains more.
struct Preference {
  std::string_view reason;
  int order;  // below zero if the first does
};

// Failing before fine, and what is understood before what is not.
int rank(const Verdict& verdict) {
  if (verdict.rule->cause == Cause::none) return 2;
  return verdict.rule->cause == Cause::unknown ? 1 : 0;
}

Preference compare(const Verdict& a, const Verdict& b) {
  if (rank(a) != rank(b)) {
    bool fine = rank(a) == 2 || rank(b) == 2;
    return {fine ? "it fails and no other does" : "its evidence alone is conclusive",
            rank(a) - rank(b)};
  }
  if (a.confidence != b.confidence) {
    return {"its cause is the surest", a.confidence > b.confidence ? -1 : 1};
  }
  if (a.evidence.seen.stage != b.evidence.seen.stage) {
    return {"it got furthest", a.evidence.seen.stage > b.evidence.seen.stage ? -1 : 1};
  }
  if (a.rule != b.rule) return {"its cause is the most basic", a.rule < b.rule ? -1 : 1};
  return {"it is the first", a.index < b.index ? -1 : 1};
}

std::string address_words(const Verdict& verdict) {
  std::string text = verdict.evidence.address.address.to_string();
  if (verdict.rule->cause == Cause::none) return text + " is fine";
  return concat({text, ": ", model::info(verdict.rule->cause).name, " (",
                 model::name_of(verdict.confidence), ")"});
}

using BestFirst = std::vector<const Verdict*>;  // the deciding address at its front

BestFirst best_first(const std::vector<Verdict>& verdicts) {
  BestFirst order;
  order.reserve(verdicts.size());
  for (const auto& verdict : verdicts) order.push_back(&verdict);
  std::sort(order.begin(), order.end(),
            [](const Verdict* a, const Verdict* b) { return compare(*a, *b).order < 0; });
  return order;
}

void explain_choice(const BestFirst& order, std::vector<std::string>& lines) {
  if (order.size() < 2) return;
  lines.push_back(
      concat({"What follows is about ", order.front()->evidence.address.address.to_string(),
              ": of the ", std::to_string(order.size()), " addresses probed, ",
              compare(*order[0], *order[1]).reason, "."}));
  std::string others;
  for (std::size_t i = 1; i < order.size() && i <= kNamedAddresses; ++i) {
    others += concat({i == 1 ? "" : "; ", address_words(*order[i])});
  }
  lines.push_back(concat({"The others: ", others, "."}));
}

std::optional<model::Responder> responder(const Case& c) {
  if (c.refused_by_reset()) return {{c.address.address, ResponderRole::target, "rst"}};
  if (c.icmp == nullptr || c.icmp_is_remembered) return std::nullopt;
  return {{c.icmp->offender, c.sender_role(), model::signal_name(*c.icmp)}};
}

void make_printable(std::vector<std::string>& lines) {
  for (auto& line : lines) line = base::printable(line, kLineLimit);
}

void explain_success(const Target& target, const ProbeResult& result,
                     std::vector<std::string>& lines) {
  const auto& first = result.addresses.front().address;
  std::string line = first.to_string();
  if (result.addresses.size() > 1) {
    line += concat({" and ", std::to_string(result.addresses.size() - 1), " more"});
  }
  line += " reached depth ";
  line += target.settings ? model::name_of(target.settings->depth) : "configured";
  line += '.';
  lines.push_back(std::move(line));
  explain_skipped(result, lines);
  bool local = result.name_is_address || result.name_is_local;
  if (!local && std::any_of(result.addresses.begin(), result.addresses.end(),
                            [](const auto& row) { return cannot_be_a_remote_host(row.address); })) {
    lines.emplace_back("The name resolves to an address that cannot be a remote host's.");
  }
}

Diagnosis success(const Target& target, const ProbeResult& result) {
  Diagnosis diagnosis;
  diagnosis.success = true;
  diagnosis.cause = Cause::none;
  diagnosis.confidence = Confidence::certain;
  diagnosis.stage = Stage::done;
  diagnosis.outcome = Outcome::ok;
  diagnosis.decided_by = 0;
  diagnosis.addresses.assign(result.addresses.size(), {Cause::none, Confidence::certain});
  explain_success(target, result, diagnosis.evidence);
  return diagnosis;
}

// The name gave no address to probe.
Diagnosis without_address(const Target& target, const ProbeResult& result) {
  Diagnosis diagnosis;
  diagnosis.stage = Stage::resolve;
  diagnosis.outcome = result.resolve_failure.value_or(Outcome::dns_failed);
  auto& lines = diagnosis.evidence;
  std::string took;
  if (result.resolve_time) {
    took = concat({" after ", base::human_duration(*result.resolve_time)});
  }
  std::string_view colon = result.resolve_detail.empty() ? "" : ": ";
  if (result.resolve_failure == Outcome::dns_not_found) {
    diagnosis.cause = Cause::dns_not_found;
    diagnosis.confidence = Confidence::certain;
    lines.push_back(concat({"The resolver answered", took, " that ", target.host, " has no address",
                            colon, result.resolve_detail, "."}));
    diagnosis.fix = concat(
        {"Correct the name ", target.host, " in the configuration, or add its A or AAAA record."});
  } else if (result.resolve_failure == Outcome::dns_failed) {
    diagnosis.cause = Cause::dns_failed;
    diagnosis.confidence = Confidence::certain;
    lines.push_back(
        concat({"Resolving ", target.host, " failed", took, colon, result.resolve_detail, "."}));
    diagnosis.fix = concat({"Check the name servers in /etc/resolv.conf (`getent ahosts ",
                            target.host, "`) and those of the zone itself."});
  } else {
    lines.push_back(concat(
        {"No address of ", target.host, " was probed, and the resolver reported no failure."}));
    diagnosis.fix = concat(
        {"Run `ssh_refusal_exporter diagnose ", target.name, "` again and read its evidence."});
  }
  explain_skipped(result, lines);
  make_printable(lines);
  return diagnosis;
}

void explain(const BestFirst& order, std::vector<std::string>& lines) {
  const Verdict& decider = *order.front();
  const Case& c = decider.evidence;
  explain_name(c.target, c.probe, lines);
  if (c.probe.resolve_failure) {
    lines.push_back(
        concat({"The resolver also reported a failure: ", c.probe.resolve_detail, "."}));
  }
  explain_choice(order, lines);
  explain_connection(c, lines);
  explain_checks(c, lines);
  lines.emplace_back(decider.rule->because);
  if (decider.rule->particulars != nullptr) {
    if (auto text = decider.rule->particulars(c); !text.empty()) lines.push_back(std::move(text));
  }
  make_printable(lines);
}

Diagnosis failure(const Target& target, const ProbeResult& result) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(result.addresses.size());
  Diagnosis diagnosis;
  for (std::size_t i = 0; i < result.addresses.size(); ++i) {
    Case c(target, result, result.addresses[i]);
    const Rule* rule = decide(c);
    Confidence confidence = confidence_of(*rule, c);
    diagnosis.addresses.push_back({rule->cause, confidence});
    verdicts.push_back({c, rule, confidence, i});
  }
  BestFirst order = best_first(verdicts);
  const Verdict& decider = *order.front();
  diagnosis.cause = decider.rule->cause;
  diagnosis.confidence = decider.confidence;
  diagnosis.stage = decider.evidence.seen.stage;
  diagnosis.outcome = decider.evidence.seen.outcome;
  diagnosis.decided_by = decider.index;
  diagnosis.responder = responder(decider.evidence);
  diagnosis.alternative_port = decider.evidence.ssh_elsewhere();
  diagnosis.fix = base::printable(decider.rule->fix(decider.evidence), kLineLimit);
  explain(order, diagnosis.evidence);
  return diagnosis;
}

}  // namespace

Diagnosis diagnose(const Target& target, const ProbeResult& result) {
  if (result.addresses.empty()) return without_address(target, result);
  bool all = std::all_of(result.addresses.begin(), result.addresses.end(), reached);
  return all ? success(target, result) : failure(target, result);
}

}  // namespace diagnose
