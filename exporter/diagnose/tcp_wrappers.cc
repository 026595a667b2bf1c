#include "diagnose/tcp_wrappers.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/text.h"

namespace diagnose {

namespace {

using base::IpAddress;
using model::WrapperRule;

enum class Match : std::uint8_t { no, yes, unknown };

constexpr int kOctets = 4;
constexpr int kOctetBits = 8;

// "255.255.255.0" → 24; nullopt for what is no mask.
std::optional<int> mask_length(std::string_view text) {
  const auto mask = IpAddress::parse(text);
  if (!mask || !mask->is_v4()) return std::nullopt;
  int length = 0;
  bool ended = false;
  for (int bit = 0; bit < kOctets * kOctetBits; ++bit) {
    const auto octet = mask->bytes().at(static_cast<std::size_t>(bit / kOctetBits));
    const bool set = (octet >> (kOctetBits - 1 - bit % kOctetBits) & 1U) != 0;
    if (set && ended) return std::nullopt;
    ended = !set;
    length += set ? 1 : 0;
  }
  return length;
}

// "192.0.2." → 192.0.2.0/24
std::optional<base::IpNetwork> octet_prefix(std::string_view pattern) {
  std::string text(pattern);
  auto octets = std::count(text.begin(), text.end(), '.');
  if (octets >= kOctets || octets < 1) return std::nullopt;
  const auto length = octets * kOctetBits;
  for (auto missing = octets; missing < kOctets; ++missing) {
    text += missing + 1 == kOctets ? "0" : "0.";
  }
  return base::IpNetwork::parse(text + "/" + std::to_string(length));
}

// [2001:db8::]/32, 192.0.2.0/24, 192.0.2.0/255.255.255.0, 192.0.2., an address; nullopt for others.
std::optional<base::IpNetwork> network_of(std::string_view pattern) {
  std::string text;
  std::copy_if(pattern.begin(), pattern.end(), std::back_inserter(text),
               [](char c) { return c != '[' && c != ']'; });
  if (text.ends_with('.') && text.front() >= '0' && text.front() <= '9') return octet_prefix(text);
  if (const auto slash = text.find('/'); slash != std::string::npos) {
    if (const auto length = mask_length(std::string_view(text).substr(slash + 1))) {
      text = text.substr(0, slash + 1) + std::to_string(*length);
    }
  }
  return base::IpNetwork::parse(text);
}

// libwrap does not care for the case of its words.
bool is_word(std::string_view pattern, std::string_view word) {
  return std::equal(pattern.begin(), pattern.end(), word.begin(), word.end(), [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

bool is_wildcard_for_names(std::string_view pattern) {
  static constexpr std::array<std::string_view, 4> kByName{"LOCAL", "KNOWN", "UNKNOWN", "PARANOID"};
  return std::any_of(kByName.begin(), kByName.end(),
                     [&](std::string_view word) { return is_word(pattern, word); });
}

Match match(std::string_view pattern, const std::optional<IpAddress>& source) {
  if (is_word(pattern, "ALL")) return Match::yes;
  if (is_wildcard_for_names(pattern)) return Match::unknown;
  if (const auto network = network_of(pattern)) {
    if (!source) {
      return network->contains(*IpAddress::parse("0.0.0.0")) && network->to_string() == "0.0.0.0/0"
                 ? Match::yes
                 : Match::no;
    }
    return network->contains(*source) ? Match::yes : Match::no;
  }
  // A host's name, a domain, a netgroup, a file of patterns, user@host.
  return Match::unknown;
}

Match any_of(const WrapperRule& rule, std::size_t begin, std::size_t end,
             const std::optional<IpAddress>& source) {
  auto result = Match::no;
  for (auto i = begin; i < end; ++i) {
    const auto one = match(rule.clients[i], source);
    if (one == Match::yes) return one;
    if (one == Match::unknown) result = one;
  }
  return result;
}

// list_1 EXCEPT list_2 EXCEPT list_3 is list_1 EXCEPT (list_2 EXCEPT list_3).
Match match_list(const WrapperRule& rule, std::size_t begin,
                 const std::optional<IpAddress>& source) {
  std::size_t end = begin;
  while (end < rule.clients.size() && !is_word(rule.clients[end], "EXCEPT")) ++end;
  const auto listed = any_of(rule, begin, end, source);
  if (listed == Match::no || end == rule.clients.size()) return listed;
  switch (match_list(rule, end + 1, source)) {
    case Match::yes:
      return Match::no;
    case Match::no:
      return listed;
    case Match::unknown:
      return Match::unknown;
  }
  return Match::unknown;
}

// Whether there are sources that the rule lets in while it denies strangers.
bool spares_some(const WrapperRule& rule) {
  return rule.allow ? !rule.clients.empty()
                    : std::any_of(rule.clients.begin(), rule.clients.end(),
                                  [](const auto& word) { return is_word(word, "EXCEPT"); });
}

}  // namespace

WrapperAnswer ask_wrappers(const std::vector<WrapperRule>& rules,
                           const std::optional<IpAddress>& source) {
  bool may_allow = false;
  bool may_deny = false;
  const WrapperRule* doubtful = nullptr;
  const WrapperRule* decided = nullptr;
  for (const auto& rule : rules) {
    auto matched = match_list(rule, 0, source);
    // Somebody who is not asked about gets in, and it is meant so: that denies no connection as
    // such.
    if (!source && spares_some(rule)) may_allow = true;
    if (matched == Match::no) continue;
    if (!rule.certain) matched = Match::unknown;
    (rule.allow ? may_allow : may_deny) = true;
    if (matched == Match::yes) {
      decided = &rule;
      break;
    }
    if (doubtful == nullptr) doubtful = &rule;
  }
  // What no line matches is allowed.
  if (decided == nullptr) may_allow = true;
  if (may_allow && may_deny) {
    return {WrapperVerdict::unknown, doubtful != nullptr ? doubtful : decided};
  }
  return {may_deny ? WrapperVerdict::denied : WrapperVerdict::allowed, decided};
}

}  // namespace diagnose
